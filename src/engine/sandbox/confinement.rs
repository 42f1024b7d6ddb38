//! What one process may read and write, and how it gives up all other rights.
//!
//! Landlock knows permissions only: what may be done below a folder, or with a file. So "all but the project" is spelled
//! out: beside the root, and beside each folder above it, everything that lies there may be read. What comes into being
//! there later may not; a command has its own folder for temporary files.
//!
//! Names are not hidden: folders can be listed and files looked at (size, times) everywhere. Programs look around before
//! they open a file (Python lists the folder of every module), and hiding names would make a declared file disappear with
//! the undeclared ones beside it. It is content that is denied.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access as _, AccessFs, BitFlags, CompatLevel, Compatible as _, PathBeneath, PathFd,
    Ruleset, RulesetAttr as _, RulesetCreated, RulesetCreatedAttr as _, RulesetStatus,
};

/// The rights of the kernel that first knew all we ask for; an older one keeps what it knows of.
const KNOWN: ABI = ABI::V3;

/// What programs write to that is no file: devices, shared memory, their own entries of `/proc`.
const DEVICES: [&str; 2] = ["/dev", "/proc"];

/// Where POSIX shared memory and semaphores lie; several processes of one command need them.
const SHARED_MEMORY: &str = "/dev/shm";

/// What a process may touch. In a project nothing else; outside of it all may be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confinement {
    root: PathBuf,
    reads: Vec<PathBuf>,
    writes: Vec<PathBuf>,
}

/// Why a process cannot give up its rights.
#[derive(Debug, thiserror::Error)]
pub enum ConfinementError {
    /// Arguments that [`Confinement::arguments`] does not make.
    #[error("understand the argument {}", .0.to_string_lossy())]
    Argument(OsString),
    /// Nothing to execute.
    #[error("find a command among the arguments")]
    NoCommand,
    /// The kernel refused.
    #[error("enter the sandbox")]
    Refused(#[from] landlock::RulesetError),
    /// The kernel has no Landlock, or has it switched off.
    #[error("enter the sandbox: {0}")]
    Missing(String),
}

/// Why this kernel confines nothing; none if it does.
pub(super) fn why_not() -> Option<String> {
    let ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(ABI::V1))
        .and_then(Ruleset::create);
    ruleset.is_err().then(|| {
        "this kernel has no Landlock (Linux 5.13 and later), or it is switched off (`lsm=`)".into()
    })
}

impl Confinement {
    /// Nothing of the project at `root`.
    pub fn new(root: &Path) -> Self {
        Self {
            root: resolved(root),
            reads: Vec::new(),
            writes: Vec::new(),
        }
    }

    /// Lets the file, or everything in the folder, be read.
    pub fn read(&mut self, path: &Path) {
        self.reads.push(resolved(path));
    }

    /// Lets the file or folder be written and read.
    pub fn write(&mut self, path: &Path) {
        self.writes.push(resolved(path));
    }

    /// Lets a file or folder be read, and what links in it lead to: that is content of the folder too.
    pub fn read_content(&mut self, path: &Path) {
        self.read(path);
        self.read_links(path);
    }

    fn read_links(&mut self, folder: &Path) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_symlink() && !self.may_read(&path) => self.read_content(&path),
                Ok(kind) if kind.is_dir() => self.read_links(&path),
                _ => {}
            }
        }
    }

    /// Whether the path may be read.
    pub(super) fn may_read(&self, path: &Path) -> bool {
        let path = resolved(path);
        let is_below = |allowed: &PathBuf| path.starts_with(allowed);
        !path.starts_with(&self.root)
            || self.reads.iter().any(is_below)
            || self.writes.iter().any(is_below)
    }

    /// Whether the path may be written.
    pub(super) fn may_write(&self, path: &Path) -> bool {
        let path = resolved(path);
        let devices = DEVICES.iter().map(Path::new);
        let mut allowed = self.writes.iter().map(PathBuf::as_path).chain(devices);
        allowed.any(|allowed| path.starts_with(allowed))
    }

    /// Whether the path itself, not something around it, was given to be written.
    pub(super) fn is_out(&self, path: &Path) -> bool {
        path.starts_with(&self.root) && self.writes.contains(&resolved(path))
    }

    /// The project's root.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The confinement as words of a command line; the command follows them.
    pub fn arguments(&self) -> Vec<OsString> {
        let option = |name: &str, path: &Path| [OsString::from(name), path.into()];
        let mut words = Vec::from(option("--root", &self.root));
        words.extend(self.reads.iter().flat_map(|path| option("--read", path)));
        words.extend(self.writes.iter().flat_map(|path| option("--write", path)));
        words.push("--".into());
        words
    }

    /// The confinement that `words` say, and the command after them.
    ///
    /// # Errors
    /// [`ConfinementError::Argument`], [`ConfinementError::NoCommand`].
    pub fn parse(words: Vec<OsString>) -> Result<(Self, Vec<OsString>), ConfinementError> {
        let mut parsed = Self {
            root: PathBuf::new(),
            reads: Vec::new(),
            writes: Vec::new(),
        };
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            if word == "--" {
                break;
            }
            let Some(path) = words.next().map(PathBuf::from) else {
                return Err(ConfinementError::Argument(word));
            };
            match word.to_str() {
                Some("--root") => parsed.root = path,
                Some("--read") => parsed.reads.push(path),
                Some("--write") => parsed.writes.push(path),
                _ => return Err(ConfinementError::Argument(word)),
            }
        }
        let command: Vec<_> = words.collect();
        match command.is_empty() {
            true => Err(ConfinementError::NoCommand),
            false => Ok((parsed, command)),
        }
    }

    /// Gives up every other right of this process and of all it starts, for good.
    ///
    /// # Errors
    /// When the kernel refuses; then the process must not go on.
    pub fn enter(&self) -> Result<(), ConfinementError> {
        if let Some(reason) = why_not() {
            return Err(ConfinementError::Missing(reason));
        }
        // Listing folders is not handled, so it stays allowed.
        let handled = AccessFs::from_all(KNOWN) & !AccessFs::ReadDir;
        let mut rules = Ruleset::default().handle_access(handled)?.create()?;
        let reading = AccessFs::ReadFile | AccessFs::Execute;
        for path in around(&self.root) {
            rules = allow(rules, &path, reading)?;
        }
        for path in DEVICES {
            rules = allow(rules, Path::new(path), reading | AccessFs::WriteFile)?;
        }
        for path in &self.reads {
            rules = allow(rules, path, reading)?;
        }
        let shared_memory = PathBuf::from(SHARED_MEMORY);
        for path in self.writes.iter().chain([&shared_memory]) {
            rules = allow(rules, path, handled)?;
        }
        match rules.restrict_self()?.ruleset {
            RulesetStatus::NotEnforced => Err(ConfinementError::Missing(
                "the kernel did not enforce it".into(),
            )),
            _ => Ok(()),
        }
    }
}

/// Allows `access` below `path`; a path that is not there, or that cannot be reached anyway, needs no rule.
fn allow(
    rules: RulesetCreated,
    path: &Path,
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, ConfinementError> {
    let (Ok(fd), Ok(found)) = (PathFd::new(path), fs::metadata(path)) else {
        return Ok(rules);
    };
    let access = match found.is_dir() {
        true => access,
        false => access & AccessFs::from_file(KNOWN),
    };
    Ok(rules.add_rule(PathBeneath::new(fd, access))?)
}

/// Everything that lies beside `root` or beside a folder above it. Links are left out: what they lead to outside of the
/// project lies beside one of these folders too, and one may lead into the project.
fn around(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for (inner, folder) in root.ancestors().zip(root.ancestors().skip(1)) {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let others = entries
            .filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_symlink()))
            .map(|entry| entry.path());
        found.extend(others.filter(|path| path != inner));
    }
    found
}

/// The path with its links followed, as far as there is anything: the kernel judges what a path leads to.
fn resolved(path: &Path) -> PathBuf {
    match (path.canonicalize(), path.parent(), path.file_name()) {
        (Ok(path), ..) => path,
        (Err(error), Some(folder), Some(name)) if error.kind() == io::ErrorKind::NotFound => {
            resolved(folder).join::<&OsStr>(name)
        }
        _ => path.to_owned(),
    }
}
