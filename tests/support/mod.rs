//! What the integration tests share: a project in a temporary folder, our binary, and the trace of its events.
//!
//! Tests ask *what executed*, not only what came out, so the way to run hpipe here is [`Project::repro`], whose
//! [`Trace`] is made from the events of `--json`. Nothing here sleeps or polls: who waits for another process reads from
//! a pipe or a fifo, under a watchdog that only a bug meets.

#![allow(
    dead_code,
    unused_imports,
    reason = "each test binary uses a part of it"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "tests play the user, who writes files without asking the store"
)]

mod live;
pub(crate) mod meddling;
pub(crate) mod peers;
pub(crate) mod serving;
mod watching;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

pub(crate) use live::{FifoLines, Live, make_fifo, release};
pub(crate) use peers::say_skipped;
pub(crate) use watching::{Round, Watch};

/// How long anything may take before a test gives up: long enough for a machine that does a hundred other things.
pub(crate) const WATCHDOG: Duration = Duration::from_secs(120);

/// A project in a folder of its own, removed at the end of the test.
#[derive(Debug)]
pub(crate) struct Project {
    folder: TempDir,
    root: PathBuf,
}

impl Project {
    /// An empty project.
    pub(crate) fn new() -> Self {
        Self::within(tempfile::tempdir().expect("a temporary folder"))
    }

    /// An empty project on a file system in memory, where the machine has one: nothing waits for a disk.
    pub(crate) fn in_memory() -> Self {
        match tempfile::tempdir_in("/dev/shm") {
            Ok(folder) => Self::within(folder),
            Err(_) => Self::new(),
        }
    }

    /// [`in_memory`](Self::in_memory), with these files: path and text.
    pub(crate) fn in_memory_with(files: &[(&str, &str)]) -> Self {
        let project = Self::in_memory();
        for (path, text) in files {
            project.write(path, text);
        }
        project
    }

    fn within(folder: TempDir) -> Self {
        let root = folder
            .path()
            .canonicalize()
            .expect("a temporary folder")
            .join("project");
        fs::create_dir(&root).expect("a project folder");
        Self { folder, root }
    }

    /// A project with these files: path and text.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let project = Self::new();
        for (path, text) in files {
            project.write(path, text);
        }
        project
    }

    /// A second project with a copy of everything in this one, on the same file system.
    pub(crate) fn copy(&self) -> Self {
        let copy = match self.root.starts_with("/dev/shm") {
            true => Self::in_memory(),
            false => Self::new(),
        };
        copy_folder(&self.root, &copy.root);
        copy
    }

    /// The project folder, without symbolic links in it.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A folder beside the project that belongs to the test.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where `path` lies on disk.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// Writes a file, making its folder.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a file in the project")).expect("make a folder");
        fs::write(&path, text).unwrap_or_else(|error| panic!("write {}: {error}", path.display()));
    }

    /// Puts a file in place at once, as careful editors do, so that nobody sees half of it.
    pub(crate) fn replace(&self, path: &str, text: &str) {
        let draft = self.beside("draft");
        fs::write(&draft, text).expect("write a draft");
        fs::rename(&draft, self.path(path))
            .unwrap_or_else(|error| panic!("replace {path}: {error}"));
    }

    /// The text of a file.
    pub(crate) fn read(&self, path: &str) -> String {
        let path = self.path(path);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()))
    }

    /// Replaces the first `from` in a file, which must be there.
    pub(crate) fn edit(&self, path: &str, from: &str, to: &str) {
        let text = self.read(path);
        assert!(
            text.contains(from),
            "{path} does not hold {from:?}:\n{text}"
        );
        self.write(path, &text.replacen(from, to, 1));
    }

    /// Removes a file or folder, if it is there.
    pub(crate) fn remove(&self, path: &str) {
        remove(&self.path(path));
    }

    /// Our binary, to be started in the project with `arguments`, without settings of the person who runs the tests.
    pub(crate) fn hpipe<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hpipe"));
        command.args(arguments).current_dir(&self.root);
        clean_environment(&mut command);
        command
    }

    /// `hpipe repro` with `arguments`.
    pub(crate) fn repro<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Trace {
        Trace::of(self.hpipe(["repro", "--json"]).args(arguments))
    }

    /// Every file below the project folder but hpipe's own, with its bytes.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        collect_files(&self.root, &self.root, &mut files);
        files
    }
}

/// Takes what could change a test's outcome out of a command's environment.
pub(crate) fn clean_environment(command: &mut Command) {
    let foreign = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for name in foreign.filter(|name| name.starts_with("HPIPE_") || name.starts_with("GIT_")) {
        command.env_remove(name);
    }
    command
        .env("LC_ALL", "C")
        // Nobody's own settings play a part.
        .env("XDG_CONFIG_HOME", "/nonexistent")
        // Who is logged in is told in the history of models.
        .env_remove("USER")
        .env_remove("LOGNAME")
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE")
        .env_remove("RUST_BACKTRACE");
}

/// What one `hpipe repro --json` did.
#[derive(Debug)]
pub(crate) struct Trace {
    /// The exit code; none when a signal ended it.
    pub(crate) exit: Option<i32>,
    /// What it said on stderr.
    pub(crate) stderr: String,
    events: Vec<Value>,
}

impl Trace {
    /// Runs `command`, which must write events on stdout, to its end.
    pub(crate) fn of(command: &mut Command) -> Self {
        Self::from_output(&command.output().expect("hpipe starts"))
    }

    /// What a finished process wrote.
    pub(crate) fn from_output(output: &Output) -> Self {
        let stdout = String::from_utf8_lossy(&output.stdout);
        Self {
            exit: output.status.code(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            events: stdout.lines().map(parse_event).collect(),
        }
    }

    /// The events of one kind.
    pub(crate) fn events<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> + 'a {
        self.events
            .iter()
            .filter(move |event| event["event"] == kind)
    }

    /// The names of the stages that executed (whether they succeeded or not), sorted, joined by blanks.
    pub(crate) fn executed(&self) -> String {
        sorted(
            self.events("stage_started")
                .map(|event| text(&event["stage"])),
        )
    }

    /// The names of the stages that ended with `outcome`, sorted, joined by blanks.
    pub(crate) fn ended(&self, outcome: &str) -> String {
        let ended = self
            .events("stage_finished")
            .filter(|event| event["outcome"] == outcome);
        sorted(ended.map(|event| text(&event["stage"])))
    }

    /// How many stages ended how, as the last event says.
    pub(crate) fn count(&self, outcome: &str) -> u64 {
        let finished = self
            .events("finished")
            .next()
            .unwrap_or_else(|| panic!("no event `finished` in {self:#?}"));
        finished[outcome]
            .as_u64()
            .unwrap_or_else(|| panic!("no `{outcome}` in {finished}"))
    }

    /// The text field `field` of every error event, joined by `; `.
    pub(crate) fn errors(&self, field: &str) -> String {
        self.events("error")
            .map(|event| text(&event[field]))
            .collect::<Vec<_>>()
            .join("; ")
    }

    /// Fails unless hpipe ended well; returns itself for a next question.
    #[track_caller]
    pub(crate) fn done(&self) -> &Self {
        assert_eq!(self.exit, Some(0), "{self:#?}");
        self
    }

    /// Fails unless hpipe ended well and did nothing at all.
    #[track_caller]
    pub(crate) fn did_nothing(&self, why: impl Display) {
        assert_eq!(self.exit, Some(0), "{why}: {self:#?}");
        assert_eq!(
            (self.executed(), self.ended("restored")),
            (String::new(), String::new()),
            "{why}: {self:#?}"
        );
    }
}

/// One line of `--json`.
pub(crate) fn parse_event(line: &str) -> Value {
    let event: Value =
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in the line {line:?}"));
    assert_eq!(event["v"], 1, "every line has its version: {line}");
    event
}

/// The text a JSON value holds; empty when it holds none.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn sorted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    names.join(" ")
}

/// Copies everything below `from` into the existing folder `to`, with permissions; fifos are left out.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    for entry in
        fs::read_dir(from).unwrap_or_else(|error| panic!("list {}: {error}", from.display()))
    {
        let (source, target) = entry
            .map(|entry| (entry.path(), to.join(entry.file_name())))
            .expect("list");
        let kind = fs::symlink_metadata(&source).expect("look").file_type();
        if kind.is_dir() {
            fs::create_dir(&target).expect("make a folder");
            copy_folder(&source, &target);
        } else if kind.is_file() {
            fs::copy(&source, &target)
                .unwrap_or_else(|error| panic!("copy {}: {error}", source.display()));
        }
    }
}

/// Removes a file or folder, if it is there.
pub(crate) fn remove(path: &Path) {
    let removed = if path.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            panic!("remove {}: {error}", path.display())
        }
        _ => {}
    }
}

fn collect_files(root: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).expect("list") {
        let path = entry.expect("list").path();
        let name = path
            .strip_prefix(root)
            .expect("below the root")
            .to_string_lossy()
            .into_owned();
        let kind = fs::symlink_metadata(&path).expect("look").file_type();
        if name == ".cache" {
            continue;
        } else if kind.is_dir() {
            collect_files(root, &path, files);
        } else if kind.is_file() {
            files.insert(name, fs::read(&path).expect("read"));
        }
    }
}
