//! Files of the project, or of a revision of it, that should have been read and were not.
//!
//! One such file does not stop a comparison: it is left out, and told with how to get it.

use hpipe_core::{Code, Diagnostic, Digest, ProjectPath, Sources, with_causes};
use hpipe_engine::{Found, Snapshot, WORKSPACE};

use crate::error::Error;
use crate::ui::Ui;

/// A file that was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unread {
    /// The revision, as the user calls it.
    pub(crate) revision: String,
    /// The file.
    pub(crate) file: ProjectPath,
    code: Code,
    why: String,
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
        let why = match error {
            hpipe_track::Error::Document(fault) => first_fault(&fault.diagnostics, &fault.sources),
            hpipe_track::Error::Json { source, .. } => source.to_string(),
            other => with_causes(other),
        };
        Self::new(at, file, Code::BadParamFile, why)
    }

    fn new(at: &Snapshot<'_>, file: &ProjectPath, code: Code, why: String) -> Self {
        Self {
            revision: at.name().to_owned(),
            file: file.clone(),
            code,
            why,
            help: None,
        }
    }

    /// One lowercase fragment, which names the file.
    pub(crate) fn message(&self) -> String {
        match self.revision.as_str() {
            WORKSPACE => format!("failed to read {}: {}", self.file, self.why),
            revision => format!("failed to read {} at {revision}: {}", self.file, self.why),
        }
    }

    /// How to mend it.
    pub(crate) fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }
}

/// What is wrong with a text in one line, with its place.
fn first_fault(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let Some(fault) = diagnostics.first() else {
        return "it has faults".to_owned();
    };
    match fault.labels.first() {
        Some(label) => format!(
            "line {}: {}",
            sources.locate(label.span).line,
            fault.message
        ),
        None => fault.message.clone(),
    }
}

/// Tells what was not read as warnings.
pub(crate) fn warn(ui: &Ui, unread: &[Unread]) {
    let told: Vec<_> = unread
        .iter()
        .map(|unread| Diagnostic {
            help: unread.help.clone(),
            ..Diagnostic::warning(unread.code, unread.message())
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
