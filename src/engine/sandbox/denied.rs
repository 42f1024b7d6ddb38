//! Finds in what a command printed the paths that the sandbox denied it.
//!
//! The kernel tells the command "permission denied", and most programs pass that on with the path: before those words,
//! after them, or in quotes. There a path is taken for denied if the sandbox does not allow it, whether or not it exists;
//! any other word of such a line only if it is an undeclared file of the project. When no line speaks of permissions,
//! undeclared files that are named anywhere are told as a guess. A program that prints neither, or goes on as if nothing
//! were, cannot be seen through: the limit is written in `docs/sandbox.md`.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};

use hpipe_core::{Code, StageFailure};

use super::Confinement;

/// How programs say that they were denied something, in small letters: of the C library, Rust, Node, R, Go. The longer
/// ones first, for what comes after them is looked at.
const PHRASES: [&str; 6] = [
    "permission denied",
    "operation not permitted",
    "access denied",
    "eacces",
    "os error 13",
    "errno 13",
];

/// What programs put around paths.
const QUOTES: [char; 7] = ['\'', '"', '`', '‘', '’', '“', '”'];

/// Lines of a log beyond this, from the end, are not looked at.
const LINES: usize = 2000;

/// A word longer than this is no path.
const LONGEST: usize = 4096;

/// What the sandbox denied.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Denied {
    /// Undeclared files of the project, relative to its root.
    undeclared: BTreeSet<String>,
    /// Declared for reading, but written.
    read_only: BTreeSet<String>,
    /// Outside of the project, and written.
    outside: BTreeSet<String>,
    /// Outs, files all of them, that something was to be renamed into the place of.
    renamed: BTreeSet<String>,
    /// Whether no line speaks of permissions.
    is_guess: bool,
}

/// Finds what was denied to a command in `wdir` that printed `text`.
pub(super) fn find(text: &str, confinement: &Confinement, wdir: &Path) -> Denied {
    let mut lines: Vec<_> = text.lines().rev().take(LINES).collect();
    lines.reverse();
    let mut denied = Denied::default();
    for line in &lines {
        denied.add_renamed(line, confinement, wdir);
        let Some(phrase) = phrase(line) else {
            continue;
        };
        let is_made = ["create", "touch", "mkdir", "make"]
            .iter()
            .any(|word| line.contains(word));
        let told = told(line, phrase);
        for text in told
            .into_iter()
            .filter(|text| is_made || looks_like_a_path(text) || is_there(&wdir.join(text)))
        {
            denied.judge(&normal(&wdir.join(text)), confinement);
        }
        denied.add_undeclared(line, confinement, wdir);
    }
    if denied.is_nothing() {
        denied.is_guess = true;
        for line in &lines {
            denied.add_undeclared(line, confinement, wdir);
        }
    }
    denied
}

impl Denied {
    fn is_nothing(&self) -> bool {
        let all = [
            &self.undeclared,
            &self.read_only,
            &self.outside,
            &self.renamed,
        ];
        all.into_iter().all(BTreeSet::is_empty)
    }

    /// Adds the outs that a line about a failed renaming names, but for those a permission line is about.
    fn add_renamed(&mut self, line: &str, confinement: &Confinement, wdir: &Path) {
        let is_denied = phrase(line).is_some() || is_across(line);
        let is_renaming = ["->", "rename", "move", "cross-device"]
            .iter()
            .any(|word| line.contains(word));
        if !is_denied || !is_renaming {
            return;
        }
        for text in words(line) {
            let path = normal(&wdir.join(text));
            let is_out = confinement.is_out(&path);
            if is_out && !path.is_dir() {
                self.renamed.insert(shown(&path, confinement.root()));
            }
        }
    }

    /// What was denied of the project's own files, if that is certain.
    pub(super) fn of_project(self) -> Option<Self> {
        let certain = Self {
            outside: BTreeSet::new(),
            ..self
        };
        let is_any = !certain.undeclared.is_empty() || !certain.read_only.is_empty();
        (is_any && !certain.is_guess).then_some(certain)
    }

    /// Adds a path that a line about permissions tells, if it is one that was denied.
    fn judge(&mut self, path: &Path, confinement: &Confinement) {
        let root = confinement.root();
        let may_be_meant = match path.symlink_metadata() {
            Ok(found) => !found.is_dir(),
            Err(_) => path.parent().is_some_and(Path::is_dir),
        };
        if !may_be_meant || path == root {
            return;
        }
        if !confinement.may_read(path) {
            self.undeclared.insert(shown(path, root));
        } else if !confinement.may_write(path) {
            match path.starts_with(root) {
                true => self.read_only.insert(shown(path, root)),
                false => self.outside.insert(path.display().to_string()),
            };
        }
    }

    /// Adds the undeclared files of the project that a line names.
    fn add_undeclared(&mut self, line: &str, confinement: &Confinement, wdir: &Path) {
        for text in words(line) {
            let path = normal(&wdir.join(text));
            if !confinement.may_read(&path) && path.is_file() {
                self.undeclared.insert(shown(&path, confinement.root()));
            }
        }
    }
}

/// Whether a line says that a renaming led to another place, as the kernel calls what is confined so.
fn is_across(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    ["cross-device", "os error 18", "errno 18", "exdev"]
        .iter()
        .any(|phrase| line.contains(phrase))
}

/// Where a line says that something was denied.
fn phrase(line: &str) -> Option<Range<usize>> {
    let line = line.to_ascii_lowercase();
    let find = |phrase: &&str| Some((line.find(*phrase)?, phrase.len()));
    let (start, length) = PHRASES.iter().find_map(find)?;
    Some(start..start + length)
}

/// What a line says was denied: the last word before `: permission denied`, what comes after it, and what is in quotes.
fn told(line: &str, phrase: Range<usize>) -> Vec<&str> {
    let before = line[..phrase.start].trim_end_matches([':', ' ', '[', '(', ',']);
    let last = before
        .rsplit([' ', '\t'])
        .next()
        .filter(|word| !word.ends_with(QUOTES));
    let after = line[phrase.end..]
        .split_once(": ")
        .map(|(_, rest)| rest.trim());
    let quoted = QUOTES
        .iter()
        .flat_map(|quote| line.split(*quote).skip(1).step_by(2));
    last.into_iter()
        .chain(after)
        .map(|text| text.trim_matches(QUOTES))
        .chain(quoted)
        .filter(|text| is_path(text) && !text.contains(": "))
        .collect()
}

/// Every text of a line between blanks, quotes and punctuation, and between quotes or colons alone: names have blanks too.
fn words(line: &str) -> impl Iterator<Item = &str> {
    let is_between = |c: char| c.is_whitespace() || QUOTES.contains(&c) || ":,;()[]<>=".contains(c);
    let words = line
        .split(is_between)
        .chain(line.split(QUOTES))
        .chain(line.split(": "));
    words
        .map(|text| text.trim_end_matches(['.', ',', '!']))
        .filter(|text| is_path(text))
}

/// Whether a word that may be no path at all looks like one.
fn looks_like_a_path(text: &str) -> bool {
    text.contains(['/', '.']) && !text.contains(['[', ']', '(', ')', '{', '}'])
}

/// Whether a file lies there, so that even a plain word is a path.
fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|found| !found.is_dir())
}

fn is_path(text: &str) -> bool {
    !text.is_empty() && text.len() < LONGEST && !text.contains('\0')
}

/// The path without `.` and `..`, which need not exist.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(normal.pop()),
            Component::CurDir => {}
            other => normal.push(other),
        }
    }
    normal
}

fn shown(path: &Path, root: &Path) -> String {
    path.strip_prefix(root)
        .unwrap_or(path)
        .display()
        .to_string()
}

/// Adds to the failure of a command what the sandbox denied it.
pub(super) fn explain(failure: StageFailure, denied: &Denied) -> StageFailure {
    let (mut told, mut help) = (Vec::new(), Vec::new());
    if !denied.undeclared.is_empty() {
        let names = listed(&denied.undeclared);
        told.push(format!("{names}, which it does not declare"));
        help.push(format!(
            "declare {names}: as a dep if it is read, as an out if it is made"
        ));
    }
    if !denied.read_only.is_empty() {
        let names = listed(&denied.read_only);
        told.push(format!("to write {names}, which is no out"));
        help.push("let the command write its outs only".to_owned());
    }
    if !denied.outside.is_empty() {
        let names = listed(&denied.outside);
        told.push(format!("to write {names}, outside of the project"));
        help.push(
            "write to `$TMPDIR`, or name the folder in `sandbox.write` of the settings".to_owned(),
        );
    }
    if !denied.renamed.is_empty() {
        let names = listed(&denied.renamed);
        told.push(format!("to rename something to {names}"));
        help.push(
            "a file that is an out is written where it is: copy into it (`cp`, not `mv`), or let the out be a folder"
                .to_owned(),
        );
    }
    if told.is_empty() {
        return failure;
    }
    let verb = match denied.is_guess {
        true => "may have denied it",
        false => "denied it",
    };
    StageFailure {
        code: Code::Undeclared,
        message: format!(
            "{}; the sandbox {verb} {}",
            failure.message,
            told.join(", and ")
        ),
        help: Some(help.join("; ")),
        ..failure
    }
}

fn listed(paths: &BTreeSet<String>) -> String {
    let quoted: Vec<_> = paths.iter().map(|path| format!("`{path}`")).collect();
    quoted.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A project with `src/train.py`, `in.csv` and `in` declared, `a b.csv` and `secret.csv` not.
    #[track_caller]
    fn check(printed: &str, expect: &str) {
        let root = tempfile::tempdir().expect("a project");
        let root = root.path().canonicalize().expect("a project");
        std::fs::create_dir(root.join("src")).expect("a project");
        for name in ["src/train.py", "in.csv", "in", "a b.csv", "secret.csv"] {
            std::fs::File::create(root.join(name)).expect("a project");
        }
        let mut confinement = Confinement::new(&root);
        confinement.read(&root.join("src"));
        confinement.read(&root.join("in.csv"));
        confinement.read(&root.join("in"));
        confinement.write(&root.join("model"));
        confinement.write(&root.join(".cache/tmp/1"));
        let text = printed.replace("ROOT", &root.display().to_string());
        let denied = find(&text, &confinement, &root);
        let failure = StageFailure {
            code: Code::StageFailed,
            message: "exited with code 1".into(),
            help: None,
            output: String::new(),
            log: None,
        };
        let told = explain(failure, &denied).message;
        let told = told.replace(&root.display().to_string(), "ROOT");
        assert_eq!(
            told.trim_start_matches("exited with code 1")
                .trim_start_matches("; the sandbox "),
            expect
        );
    }

    #[test]
    fn programs_say_it_in_their_own_ways() {
        let secret = "denied it `secret.csv`, which it does not declare";
        for printed in [
            "cat: secret.csv: Permission denied",
            "/bin/sh: 1: cannot open secret.csv: Permission denied",
            "bash: line 1: secret.csv: Permission denied",
            "PermissionError: [Errno 13] Permission denied: 'secret.csv'",
            "  File \"ROOT/src/train.py\", line 3\nPermissionError: [Errno 13] Permission denied: 'ROOT/secret.csv'",
            "Error: EACCES: permission denied, open 'secret.csv'",
            "Error: Os { code: 13, kind: PermissionDenied, message: \"Permission denied\" } (secret.csv)",
            "failed to read ./src/../secret.csv: Permission denied (os error 13)",
            "cannot open file 'secret.csv': Permission denied",
            "java.io.FileNotFoundException: secret.csv (Permission denied)",
            "open secret.csv: permission denied",
            "ImportError: secret.csv: cannot open: [Errno 13] Permission denied",
        ] {
            check(printed, secret);
        }
        check(
            "cat: 'a b.csv': Permission denied",
            "denied it `a b.csv`, which it does not declare",
        );
    }

    #[test]
    fn what_is_written_is_told_apart() {
        check(
            "sh: 1: cannot create new.txt: Permission denied",
            "denied it `new.txt`, which it does not declare",
        );
        check(
            "sh: 1: cannot create in.csv: Permission denied",
            "denied it to write `in.csv`, which is no out",
        );
        check(
            "rm: cannot remove 'in': Permission denied",
            "denied it to write `in`, which is no out",
        );
        check(
            "touch: cannot touch '/usr/x.tmp': Permission denied",
            "denied it to write `/usr/x.tmp`, outside of the project",
        );
    }

    #[test]
    fn what_is_renamed_into_the_place_of_an_out_is_told() {
        for printed in [
            "PermissionError: [Errno 13] Permission denied: 'ROOT/.cache/tmp/1/new' -> 'model'",
            "OSError: [Errno 18] Invalid cross-device link: '.cache/tmp/1/new' -> 'ROOT/model'",
            "mv: cannot move '.cache/tmp/1/new' to 'model': Permission denied",
            "failed to rename .cache/tmp/1/new to model: Invalid cross-device link (os error 18)",
        ] {
            check(printed, "denied it to rename something to `model`");
        }
    }

    #[test]
    fn other_failures_are_left_alone() {
        check("ValueError: could not convert 'x'", "");
        check("in.csv:3: bad number", "");
        check("the API said: permission denied for user x", "");
        check("", "");
    }

    #[test]
    fn undeclared_files_that_are_named_are_a_guess() {
        check(
            "could not load secret.csv!",
            "may have denied it `secret.csv`, which it does not declare",
        );
    }
}
