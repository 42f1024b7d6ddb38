//! A mapping inserted into a command: options of a command line, as DVC makes them.
//!
//! `{lr: 0.1, net: {depth: 2}, verbose: true}` becomes `--lr 0.1 --net.depth 2 --verbose`. Whether a boolean that is false
//! leaves its option out or negates it, and whether a list repeats its option, is said in DVC's own configuration
//! (`parsing.bool`, `parsing.list` in `.dvc/config`), which is asked for only when a mapping is inserted. Knows nothing of
//! where in a text the options go.

use std::cell::OnceCell;

use hpipe_core::{Mapping, ProjectPath, Value};

use crate::parse::Files;
use crate::scalar::inserted;

/// Where DVC keeps its configuration, the later file winning.
const CONFIG: [&str; 2] = [".dvc/config", ".dvc/config.local"];

/// Writes mappings as options in the project's style.
pub(crate) struct Unpacking<'f> {
    files: &'f dyn Files,
    style: OnceCell<Style>,
}

/// How options are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Style {
    /// `--no-flag` for one that is false, instead of nothing.
    negated: bool,
    /// `--list 1 --list 2` instead of `--list 1 2`.
    repeated: bool,
}

impl<'f> Unpacking<'f> {
    /// Has not asked for any configuration.
    pub(crate) const fn new(files: &'f dyn Files) -> Self {
        let style = OnceCell::new();
        Self { files, style }
    }

    /// The configuration that was asked for.
    pub(crate) fn read(&self) -> Vec<ProjectPath> {
        match self.style.get() {
            Some(_) => CONFIG.into_iter().map(ProjectPath::new).collect(),
            None => Vec::new(),
        }
    }

    /// The options of a mapping; the error is the dotted name of a list that holds another list or a mapping.
    pub(crate) fn options(&self, map: &Mapping) -> Result<String, String> {
        let style = *self.style.get_or_init(|| self.configured());
        let mut options = Vec::new();
        style.collect("", map, &mut options)?;
        Ok(options.join(" "))
    }

    fn configured(&self) -> Style {
        let mut style = Style::default();
        for path in CONFIG {
            // One that cannot be read is DVC's to complain of.
            if let Ok(Some(text)) = self.files.read(&ProjectPath::new(path)) {
                style.configure(&text);
            }
        }
        style
    }
}

impl Style {
    /// Takes what the section `[parsing]` says.
    fn configure(&mut self, config: &str) {
        let mut section = String::new();
        for line in config.lines().map(str::trim) {
            if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
                section = name.trim().to_ascii_lowercase();
            }
            let Some((key, value)) = line.split_once('=').filter(|_| section == "parsing") else {
                continue;
            };
            let value = value.split('#').next().unwrap_or_default();
            let value = value.trim().trim_matches(['"', '\'']).to_ascii_lowercase();
            match key.trim().to_ascii_lowercase().as_str() {
                "bool" => self.negated = value == "boolean_optional",
                "list" => self.repeated = value == "append",
                _ => {}
            }
        }
    }

    fn collect(self, path: &str, map: &Mapping, options: &mut Vec<String>) -> Result<(), String> {
        for (key, value) in map.iter() {
            let name = format!("{path}{key}");
            match value {
                Value::Map(inner) => self.collect(&format!("{name}."), inner, options)?,
                Value::Bool(true) => options.push(format!("--{name}")),
                Value::Bool(false) if self.negated => options.push(format!("--no-{name}")),
                Value::Bool(false) => {}
                Value::List(items) => self.list(name, items, options)?,
                scalar => options.push(format!("--{name} {}", argument(scalar, &name)?)),
            }
        }
        Ok(())
    }

    fn list(self, name: String, items: &[Value], options: &mut Vec<String>) -> Result<(), String> {
        for (index, item) in items.iter().enumerate() {
            let argument = argument(item, &name)?;
            match index == 0 || self.repeated {
                true => options.push(format!("--{name} {argument}")),
                false => options.push(argument),
            }
        }
        Ok(())
    }
}

/// A value as one word of a shell; a boolean, which only lists get here, as Python prints it.
fn argument(value: &Value, name: &str) -> Result<String, String> {
    match value {
        Value::Text(text) => Ok(quoted(text)),
        Value::Bool(true) => Ok("True".to_owned()),
        Value::Bool(false) => Ok("False".to_owned()),
        other => inserted(other).ok_or_else(|| name.to_owned()),
    }
}

/// A text as one word of a shell, as Python's `shlex.quote` writes it.
fn quoted(text: &str) -> String {
    let is_safe = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    match !text.is_empty() && text.chars().all(is_safe) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "'\"'\"'")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configuration_is_read_as_dvc_writes_it() {
        let style = |text: &str| {
            let mut style = Style::default();
            style.configure(text);
            (style.negated, style.repeated)
        };
        assert_eq!(style(""), (false, false));
        let both =
            "[core]\n    bool = x\n[parsing]\n    bool = boolean_optional\n    list = append\n";
        assert_eq!(style(both), (true, true));
        assert_eq!(
            style("[Parsing]\nBool=\"Boolean_Optional\" # so\n[core]\nlist = append"),
            (true, false)
        );
        assert_eq!(
            style("parsing\n=\n[parsing]\nlist\n[parsing\n"),
            (false, false)
        );
    }

    #[test]
    fn words_are_quoted_as_python_quotes() {
        for (text, expect) in [
            ("", "''"),
            ("a_b-c.d/e=f:g,h@i%j+k", "a_b-c.d/e=f:g,h@i%j+k"),
            ("two words", "'two words'"),
            ("it's", "'it'\"'\"'s'"),
            ("ü", "'ü'"),
        ] {
            assert_eq!(quoted(text), expect);
        }
    }
}
