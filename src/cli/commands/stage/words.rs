//! What the words of `stage add` say: a command of several words, and params by file.

use hpipe_spec::NewParams;

/// A command line of these words. One word is a command line as it stands; of several, each is quoted for the shell if it
/// needs that, but operators that stand alone (`>`, `|`, `&&`) and words with an interpolation are left as they are.
pub(super) fn command_line(words: &[String]) -> String {
    match words {
        [one] => one.clone(),
        several => several
            .iter()
            .map(|word| quoted(word))
            .collect::<Vec<_>>()
            .join(" "),
    }
}

fn quoted(word: &str) -> String {
    const OPERATORS: [&str; 10] = ["|", "||", "&&", ";", "<", ">", ">>", "2>", "&>", "2>&1"];
    let is_safe = |c: char| c.is_alphanumeric() || "_-./,:=+@%^".contains(c);
    let is_template =
        word.contains("${") && word.chars().all(|c| is_safe(c) || "${}[]".contains(c));
    match !word.is_empty()
        && (word.chars().all(is_safe) || is_template || OPERATORS.contains(&word))
    {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// Params by file, in the order files are first named: `lr,train.depth`, `other.toml:lr`, `other.toml:` for all of it.
pub(super) fn params(words: &[String]) -> Vec<NewParams> {
    let mut files: Vec<NewParams> = Vec::new();
    for word in words {
        let (file, keys) = match word.rsplit_once(':') {
            Some((file, keys)) => (
                Some(file).filter(|file| *file != "params.yaml" || keys.is_empty()),
                keys,
            ),
            None => (None, word.as_str()),
        };
        let keys = keys.split(',').map(str::trim).filter(|key| !key.is_empty());
        let keys = keys.map(str::to_owned);
        match files.iter_mut().find(|known| known.file.as_deref() == file) {
            Some(known) => known.keys.extend(keys),
            None => files.push(NewParams {
                file: file.map(str::to_owned),
                keys: keys.collect(),
            }),
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(words: &[&str]) -> String {
        command_line(
            &words
                .iter()
                .map(|word| (*word).to_owned())
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn words_become_one_command_line() {
        assert_eq!(line(&["python a.py > 'b c'"]), "python a.py > 'b c'");
        assert_eq!(
            line(&["python", "a b.py", "--lr", "${train.lr}"]),
            "python 'a b.py' --lr ${train.lr}"
        );
        assert_eq!(
            line(&["cat", "it's", "*.csv", "|", "sort", ">", "x"]),
            r"cat 'it'\''s' '*.csv' | sort > x"
        );
        assert_eq!(line(&["x", "", "$HOME", "é"]), "x '' '$HOME' é");
    }

    #[test]
    fn params_are_gathered_by_file() {
        let read = params(
            &[
                "lr, depth",
                "p.toml:a,b",
                "params.yaml:seed",
                "q.json:",
                "p.toml:c",
            ]
            .map(str::to_owned),
        );
        let expect = |file: Option<&str>, keys: &[&str]| NewParams {
            file: file.map(str::to_owned),
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        };
        assert_eq!(
            read,
            [
                expect(None, &["lr", "depth", "seed"]),
                expect(Some("p.toml"), &["a", "b", "c"]),
                expect(Some("q.json"), &[]),
            ]
        );
    }
}
