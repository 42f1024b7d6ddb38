//! What git knows of the project: commits and the files in them.
//!
//! Asked through the `git` command line: whatever repository git can read (worktrees, packs, partial clones, alternates)
//! we can read, by the rules the user knows (`HEAD~1`, `main@{yesterday}`, `:/message`), and without a git library in
//! the binary. Files come from one `git cat-file --batch`, kept open, so that reading a hundred of them starts one
//! process, not a hundred.
//!
//! Only reads. Does not know pipelines, the cache, nor what a file is for (that is `revision`).

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::sync::{Mutex, PoisonError};

use hpipe_core::ProjectPath;

/// Why git could not tell.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// There is no `git` to ask.
    #[error("ask git: it is not installed, or not in PATH")]
    Missing,
    /// The project lies in no repository, or in one that git refuses to read.
    #[error("{} is in no git repository that can be read: {said}", folder.display())]
    NoRepository {
        /// The project's root.
        folder: PathBuf,
        /// What git said.
        said: String,
    },
    /// The repository has no commit, so that no name leads to one.
    #[error("there is no revision `{0}`: the repository has no commit yet")]
    NoCommit(String),
    /// No commit is called so.
    #[error("no commit, branch or tag is called `{revision}`")]
    UnknownRevision {
        /// What was asked for.
        revision: String,
        /// The branch or tag that was probably meant.
        nearest: Option<String>,
    },
    /// A way back from a commit leads to none.
    #[error("there is no commit `{revision}`: {} comes before `{base}`", commits(*before))]
    TooFar {
        /// What was asked for.
        revision: String,
        /// Where it begins.
        base: String,
        /// How many commits there are before, along the first parents.
        before: usize,
    },
    /// git failed.
    #[error("ask git for {what}: {said}")]
    Failed {
        /// What was asked for.
        what: String,
        /// What git said.
        said: String,
    },
    /// Talking to git failed.
    #[error("ask git for {what}")]
    Broken {
        /// What was asked for.
        what: String,
        /// Why.
        source: io::Error,
    },
}

/// The repository around a project.
#[derive(Debug)]
pub(crate) struct Git {
    root: PathBuf,
    /// The project's root as seen from the repository's.
    prefix: ProjectPath,
    reader: Mutex<Option<BatchReader>>,
}

/// `no commit`, `only 1 commit`, `only 2 commits`
fn commits(count: usize) -> String {
    match count {
        0 => "no commit".to_owned(),
        1 => "only 1 commit".to_owned(),
        many => format!("only {many} commits"),
    }
}

/// What a commit has at a path.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Tracked {
    /// A file's bytes.
    File(Vec<u8>),
    /// A folder.
    Folder,
}

impl Git {
    /// The repository around the project at `root`.
    pub(crate) fn around(root: &Path) -> Result<Self, GitError> {
        let asked = ask(root, "the repository", &["rev-parse", "--show-prefix"])?;
        if !asked.status.success() {
            return Err(GitError::NoRepository {
                folder: root.to_owned(),
                said: said(&asked.stderr),
            });
        }
        let prefix = String::from_utf8_lossy(&asked.stdout);
        Ok(Self {
            root: root.to_owned(),
            prefix: ProjectPath::new(prefix.trim_end_matches('\n')),
            reader: Mutex::new(None),
        })
    }

    /// The hash of the commit that `revision` names.
    pub(crate) fn commit(&self, revision: &str) -> Result<String, GitError> {
        // A name that starts with a dash would be taken for an option; no branch or tag can be called so.
        let can_be_one = !revision.starts_with('-') && !revision.is_empty();
        if can_be_one && let Some(hash) = self.hash_of(revision)? {
            return Ok(hash);
        }
        if self.hash_of("HEAD")?.is_none() && self.names()?.is_empty() {
            return Err(GitError::NoCommit(revision.to_owned()));
        }
        let steps = revision.find(['~', '^']).filter(|at| *at > 0);
        if let Some(base) = steps.map(|at| &revision[..at])
            && can_be_one
            && let Some(hash) = self.hash_of(base)?
        {
            let line = self.lines(&["rev-list", "--first-parent", &hash])?;
            return Err(GitError::TooFar {
                revision: revision.to_owned(),
                base: base.to_owned(),
                before: line.len().saturating_sub(1),
            });
        }
        let names = self.names()?;
        let nearest = hpipe_core::nearest(revision, names.iter().map(String::as_str));
        Err(GitError::UnknownRevision {
            revision: revision.to_owned(),
            nearest: nearest.map(str::to_owned),
        })
    }

    /// Clones the repository into `folder`, with `commit` checked out; says where the project lies in it.
    pub(crate) fn clone_to(&self, commit: &str, folder: &Path) -> Result<ProjectPath, GitError> {
        let top = self.told("the repository", &["rev-parse", "--show-toplevel"])?;
        let into = folder.to_string_lossy();
        let top = top.trim_end_matches('\n');
        let words = [
            "clone",
            "--quiet",
            "--shared",
            "--no-checkout",
            "--",
            top,
            &into,
        ];
        self.told("a clone", &words)?;
        let words = ["-C", &into, "checkout", "--quiet", "--detach", commit];
        self.told("a commit", &words)?;
        Ok(self.prefix.clone())
    }

    fn hash_of(&self, revision: &str) -> Result<Option<String>, GitError> {
        let commit = format!("{revision}^{{commit}}");
        let words = ["rev-parse", "--verify", "--quiet", &commit];
        let asked = ask(&self.root, "a commit", &words)?;
        let hash = String::from_utf8_lossy(&asked.stdout).trim().to_owned();
        Ok((asked.status.success() && !hash.is_empty()).then_some(hash))
    }

    /// The branches and tags, as short as they can be written.
    fn names(&self) -> Result<Vec<String>, GitError> {
        let words = [
            "for-each-ref",
            "--format=%(refname:short)",
            "refs/heads",
            "refs/tags",
        ];
        let asked = ask(&self.root, "the branches and tags", &words)?;
        let names = String::from_utf8_lossy(&asked.stdout);
        Ok(names.lines().map(str::to_owned).collect())
    }

    /// What `commit` has at a path of the project; none when git does not track it there, or it lies outside the
    /// repository. Symbolic links are followed within the commit.
    pub(crate) fn at(&self, commit: &str, path: &ProjectPath) -> Result<Option<Tracked>, GitError> {
        let Some(path) = self.in_repository(path) else {
            return Ok(None);
        };
        let within = if path == "." { "" } else { &path };
        self.asked_reader(&format!("{commit}:{within}"), || {
            format!("`{path}` at {commit}")
        })
    }

    /// The files of a folder of `commit`, and of all folders in it.
    pub(crate) fn files(
        &self,
        commit: &str,
        folder: &ProjectPath,
    ) -> Result<Vec<ProjectPath>, GitError> {
        let Some(within) = self.in_repository(folder) else {
            return Ok(Vec::new());
        };
        let tree = format!("{commit}:{}", if within == "." { "" } else { &within });
        let words = ["ls-tree", "-r", "-z", "--name-only", "--full-tree", &tree];
        let what = format!("the files of `{folder}`");
        let asked = ask(&self.root, &what, &words)?;
        if !asked.status.success() {
            let said = said(&asked.stderr);
            return Err(GitError::Failed { what, said });
        }
        let names = String::from_utf8_lossy(&asked.stdout);
        let names = names.split_terminator('\0');
        Ok(names.map(|name| folder.join(name)).collect())
    }

    /// The paths of the project's files in a commit, of those that `takes`.
    pub(crate) fn paths(
        &self,
        commit: &str,
        takes: fn(&str) -> bool,
    ) -> Result<Vec<ProjectPath>, GitError> {
        let words = ["ls-tree", "-r", "-z", "--name-only", commit];
        let listed = self.told("the files of a commit", &words)?;
        let paths = listed.split_terminator('\0').filter(|path| takes(path));
        Ok(paths.map(ProjectPath::new).collect())
    }

    /// The hashes that the references below `refs` lead to.
    pub(crate) fn tips(&self, refs: &str) -> Result<Vec<String>, GitError> {
        self.lines(&["for-each-ref", "--format=%(objectname)", refs])
    }

    /// The hashes of a commit and of those before it, `most` of them.
    pub(crate) fn ancestors(&self, commit: &str, most: usize) -> Result<Vec<String>, GitError> {
        self.lines(&["rev-list", &format!("--max-count={most}"), commit])
    }

    /// The hashes of all files of the project, of any commit that a reference leads to, whose names end with one of these.
    pub(crate) fn ever_committed(&self, endings: &[&str]) -> Result<Vec<String>, GitError> {
        // Without `--full-history` commits of side branches whose change a merge dropped would be left out.
        let mut words = vec!["rev-list", "--objects", "--full-history", "--all", "--"];
        let patterns: Vec<_> = endings.iter().map(|ending| format!("*{ending}")).collect();
        words.extend(patterns.iter().map(String::as_str));
        let lines = self.lines(&words)?;
        let named = lines.iter().filter_map(|line| line.split_once(' '));
        let files = named.filter(|(_, path)| endings.iter().any(|end| path.ends_with(end)));
        Ok(files.map(|(hash, _)| hash.to_owned()).collect())
    }

    /// The hashes of the files in a commit's tree, of those below the project's root, whose paths `takes`.
    pub(crate) fn blobs(
        &self,
        commit: &str,
        takes: fn(&str) -> bool,
    ) -> Result<Vec<String>, GitError> {
        let listed = self.told("the files of a commit", &["ls-tree", "-r", "-z", commit])?;
        // `MODE blob HASH`, a tab, the path.
        let entries = listed.split_terminator('\0').filter_map(|line| {
            let (what, path) = line.split_once('\t')?;
            let (mode_and_kind, hash) = what.rsplit_once(' ')?;
            (mode_and_kind.ends_with(" blob") && takes(path)).then(|| hash.to_owned())
        });
        Ok(entries.collect())
    }

    /// The bytes of the file with this hash.
    pub(crate) fn blob(&self, hash: &str) -> Result<Vec<u8>, GitError> {
        let what = || format!("the file {hash}");
        match self.asked_reader(hash, what)? {
            Some(Tracked::File(bytes)) => Ok(bytes),
            _ => Err(GitError::Failed {
                what: what(),
                said: "it is not there".to_owned(),
            }),
        }
    }

    fn lines(&self, words: &[&str]) -> Result<Vec<String>, GitError> {
        let told = self.told("commits", words)?;
        Ok(told.lines().map(str::to_owned).collect())
    }

    fn told(&self, what: &str, words: &[&str]) -> Result<String, GitError> {
        let asked = ask(&self.root, what, words)?;
        if !asked.status.success() {
            let said = said(&asked.stderr);
            let what = what.to_owned();
            return Err(GitError::Failed { what, said });
        }
        Ok(String::from_utf8_lossy(&asked.stdout).into_owned())
    }

    /// Asks the reader that is kept open for one object.
    fn asked_reader(
        &self,
        question: &str,
        what: impl FnOnce() -> String,
    ) -> Result<Option<Tracked>, GitError> {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let reader = match &mut *reader {
            Some(reader) => reader,
            none => none.insert(BatchReader::start(&self.root)?),
        };
        let what = what();
        reader
            .read(question)
            .map_err(|source| GitError::Broken { what, source })
    }

    /// A path of the project as seen from the repository's root; none when it leads out of it, or when git's protocol
    /// cannot say it.
    fn in_repository(&self, path: &ProjectPath) -> Option<String> {
        let path = self.prefix.join(path.as_str());
        let can_be_said = !path.is_outside() && !path.as_str().contains('\n');
        can_be_said.then(|| path.to_string())
    }
}

/// Starts git, and waits for what it says.
pub(crate) fn ask(root: &Path, what: &str, words: &[&str]) -> Result<Output, GitError> {
    let output = command(root).args(words).output();
    output.map_err(|error| cannot_ask(what, error))
}

fn command(root: &Path) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(root).stdin(Stdio::null());
    command
}

fn cannot_ask(what: &str, source: io::Error) -> GitError {
    match source.kind() {
        io::ErrorKind::NotFound => GitError::Missing,
        _ => GitError::Broken {
            what: what.to_owned(),
            source,
        },
    }
}

/// The first line that git wrote, without its mark.
fn said(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let line = text.lines().find(|line| !line.trim().is_empty());
    let line = line.unwrap_or("it failed without a word");
    // `not a git repository (or any of the parent directories): .git`, in other words on other machines
    let line = line.split(" (or any").next().unwrap_or(line);
    line.trim_start_matches("fatal: ").trim().to_owned()
}

/// A `git cat-file --batch`: a line asks for a file, an answer is a line with its size and then its bytes.
#[derive(Debug)]
struct BatchReader {
    child: Child,
    /// None once closed.
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl BatchReader {
    fn start(root: &Path) -> Result<Self, GitError> {
        let child = command(root)
            .args(["cat-file", "--batch", "--follow-symlinks"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut child = child.map_err(|error| cannot_ask("files", error))?;
        match (child.stdin.take(), child.stdout.take()) {
            (questions @ Some(_), Some(answers)) => Ok(Self {
                child,
                questions,
                answers: BufReader::new(answers),
            }),
            _ => panic!("bug: both ends of git were asked to be pipes"),
        }
    }

    fn read(&mut self, question: &str) -> io::Result<Option<Tracked>> {
        if let Some(questions) = &mut self.questions {
            questions.write_all(format!("{question}\n").as_bytes())?;
            questions.flush()?;
        }
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end_matches('\n');
        let (front, last) = line.rsplit_once(' ').unwrap_or((line, ""));
        let (name, kind) = front.rsplit_once(' ').unwrap_or(("", front));
        // `HASH blob SIZE`, `HASH tree SIZE`; or `dangling SIZE`, `loop SIZE`, `notdir SIZE` and `symlink SIZE`, whose
        // bytes are where a link led; or `QUESTION missing`.
        match (kind, last.parse::<usize>()) {
            ("blob", Ok(size)) if !name.is_empty() => self.bytes(size).map(Tracked::File).map(Some),
            ("tree", Ok(size)) if !name.is_empty() => {
                self.bytes(size).map(|_| Some(Tracked::Folder))
            }
            (_, Ok(size)) => self.bytes(size).map(|_| None),
            (_, Err(_)) => Ok(None),
        }
    }

    /// The bytes of an answer, and the newline after them.
    fn bytes(&mut self, size: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; size];
        self.answers.read_exact(&mut bytes)?;
        self.answers.read_exact(&mut [0])?;
        Ok(bytes)
    }
}

impl Drop for BatchReader {
    /// Without questions to come git ends by itself.
    fn drop(&mut self) {
        self.questions = None;
        let _ = self.child.wait();
    }
}
