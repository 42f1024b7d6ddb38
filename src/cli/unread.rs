//! Files of the project, or of a revision of it, that should have been read and were not.
//!
//! One such file does not stop a comparison: it is left out, and told with how to get it.

use hpipe_core::{Code, Diagnostic, Digest, ProjectPath, Sources};
use hpipe_engine::{Found, Snapshot, WORKSPACE};

use crate::error::Error;
use crate::ui::Ui;

/// A file that was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unread {
    /// The revision, as the user calls it.
    pub(crate) revision: String,
    /// The file, or the plot.
    pub(crate) file: ProjectPath,
    code: Code,
    message: String,
    help: Option<String>,
}

impl Unread {
    /// The file's content is not to be had.
    pub(crate) fn lost(
        at: &Snapshot<'_>,
        file: &ProjectPath,
        digest: Digest,
        cached: bool,
    ) -> Self {
        let (revision, object) = (at.name(), digest.short());
        let (why, help) = match cached {
            true => (
                format!("git does not track it, and the cache does not have its object {object}"),
                format!("`git switch --detach {revision}` and `hpipe repro` make it again"),
            ),
            false => (
                "it was neither tracked by git nor kept in the cache (`cache: false`)".to_owned(),
                format!("`git add {file}` keeps it with each commit from now on"),
            ),
        };
        Self {
            help: Some(help),
            ..Self::new(at, file, Code::NotInCache, why)
        }
    }

    /// The file's content is not what its name says.
    pub(crate) fn unfit(at: &Snapshot<'_>, file: &ProjectPath, error: &hpipe_track::Error) -> Self {
        Self::new(at, file, Code::BadParamFile, error.reason())
    }

    /// There is no such file, or a folder in its place.
    pub(crate) fn no_file(at: &Snapshot<'_>, file: &ProjectPath, found: &Found) -> Self {
        let why = match found {
            Found::Folder(_) => "it is a folder",
            _ => "there is no such file",
        };
        let made = at.name() == WORKSPACE && *found == Found::Absent;
        Self {
            help: made.then(|| "`hpipe repro` makes what stages make".to_owned()),
            ..Self::new(at, file, Code::MissingOut, why.to_owned())
        }
    }

    /// The files are what they should be, but a plot asks something else of them.
    pub(crate) fn undrawn(at: &Snapshot<'_>, plot: &str, why: &str) -> Self {
        let place = match at.name() {
            WORKSPACE => String::new(),
            revision => format!(" at {revision}"),
        };
        Self {
            message: format!("failed to draw {plot}{place}: {why}"),
            ..Self::new(
                at,
                &ProjectPath::new(plot),
                Code::BadParamFile,
                String::new(),
            )
        }
    }

    fn new(at: &Snapshot<'_>, file: &ProjectPath, code: Code, why: String) -> Self {
        let message = match at.name() {
            WORKSPACE => format!("failed to read {file}: {why}"),
            revision => format!("failed to read {file} at {revision}: {why}"),
        };
        Self {
            revision: at.name().to_owned(),
            file: file.clone(),
            code,
            message,
            help: None,
        }
    }

    /// One lowercase fragment, which names the file.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// How to mend it.
    pub(crate) fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }
}

/// Tells what was not read as warnings.
pub(crate) fn warn(ui: &Ui, unread: &[Unread]) {
    let told: Vec<_> = unread
        .iter()
        .map(|unread| Diagnostic {
            help: unread.help.clone(),
            ..Diagnostic::warning(unread.code, unread.message.clone())
        })
        .collect();
    ui.diagnostics(&told, &Sources::default());
}

/// What a snapshot has at each of `paths`, folders taken apart into the files that `wanted` takes; a file that is not
/// there is left out, one that cannot be had is told.
///
/// # Errors
/// What stops the command: the machine, git.
pub(crate) fn files(
    at: &Snapshot<'_>,
    paths: &[ProjectPath],
    wanted: impl Fn(&ProjectPath) -> bool,
    unread: &mut Vec<Unread>,
) -> Result<Vec<(ProjectPath, Vec<u8>)>, Error> {
    let mut files = Vec::new();
    for path in paths {
        let found = match at.find(path)? {
            Found::Folder(below) => below.into_iter().filter(&wanted).collect(),
            found => {
                take(at, path, found, &mut files, unread);
                Vec::new()
            }
        };
        for path in found {
            let found = at.find(&path)?;
            take(at, &path, found, &mut files, unread);
        }
    }
    Ok(files)
}

fn take(
    at: &Snapshot<'_>,
    path: &ProjectPath,
    found: Found,
    files: &mut Vec<(ProjectPath, Vec<u8>)>,
    unread: &mut Vec<Unread>,
) {
    match found {
        Found::File(bytes) if files.iter().all(|(known, _)| known != path) => {
            files.push((path.clone(), bytes));
        }
        Found::Lost { digest, cached } => unread.push(Unread::lost(at, path, digest, cached)),
        Found::File(_) | Found::Folder(_) | Found::Absent => {}
    }
}
