//! How people name a registered model or a version of it: `house`, `house/3`, `house@Production`, `house@champion`.

/// A registered model, or one of its versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelReference {
    /// The registered model.
    pub name: String,
    /// Which version; none if only the model was named.
    pub which: Option<Which>,
}

/// Which version of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// By its number.
    Number(i64),
    /// The newest of all.
    Latest,
    /// The newest in a stage, or the one an alias means; a stage wins.
    Word(String),
}

impl ModelReference {
    /// Reads a reference. A name holds no `/`; what follows the last `@` is a stage or an alias.
    ///
    /// # Errors
    /// One lowercase sentence that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (name, which) = match (text.split_once('/'), text.rsplit_once('@')) {
            (Some((name, version)), _) => (name, Some(numbered(text, version)?)),
            (None, Some((name, word))) => (name, Some(worded(word))),
            (None, None) => (text, None),
        };
        let is_empty = |which: &Which| matches!(which, Which::Word(word) if word.is_empty());
        if name.is_empty() || which.as_ref().is_some_and(is_empty) {
            return Err(format!("`{text}` names no model"));
        }
        Ok(Self {
            name: name.to_owned(),
            which,
        })
    }
}

fn numbered(text: &str, version: &str) -> Result<Which, String> {
    match version.parse() {
        Ok(number) => Ok(Which::Number(number)),
        Err(_) if version.eq_ignore_ascii_case("latest") => Ok(Which::Latest),
        Err(_) => Err(format!("`{version}` in `{text}` is no number of a version")),
    }
}

fn worded(word: &str) -> Which {
    match word.eq_ignore_ascii_case("latest") {
        true => Which::Latest,
        false => Which::Word(word.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read() {
        let word = |word: &str| Some(Which::Word(word.to_owned()));
        for (text, name, which) in [
            ("house", "house", None),
            ("house/3", "house", Some(Which::Number(3))),
            ("house@Production", "house", word("Production")),
            ("a@b@champion", "a@b", word("champion")),
            ("house/latest", "house", Some(Which::Latest)),
            ("house@latest", "house", Some(Which::Latest)),
        ] {
            let name = name.to_owned();
            assert_eq!(
                ModelReference::parse(text),
                Ok(ModelReference { name, which })
            );
        }
        for (bad, why) in [
            ("", "`` names no model"),
            ("/3", "`/3` names no model"),
            ("house@", "`house@` names no model"),
            ("house/x", "`x` in `house/x` is no number of a version"),
        ] {
            assert_eq!(ModelReference::parse(bad), Err(why.to_owned()));
        }
    }
}
