//! Faults of a lock file or data file, told like those of the pipeline: with the line, and how to go on.

use hpipe_core::{Code, Diagnostic, ProjectPath, SourceId, Sources, Span};
use hpipe_store::Error as StoreError;

use crate::Error;
use crate::workspace::Workspace;

impl Workspace {
    /// An error of the store; a fault in the text of a lock file or data file becomes a diagnostic.
    pub(crate) fn lock_fault(&self, file: &ProjectPath, error: StoreError) -> Error {
        let (line, message, help) = match &error {
            StoreError::LockConflict { line, .. } => (
                *line,
                format!("`{file}` holds merge conflicts"),
                "resolve them with git, or delete the file: `hpipe repro` writes it anew, and the run cache spares it from \
                 executing what it knows",
            ),
            StoreError::BadLock { line, message, .. } => (
                *line,
                format!("`{file}` is not a lock file of hpipe: {message}"),
                "bring back the version in git, or delete it: `hpipe repro` writes it anew",
            ),
            StoreError::NewerLock { schema, known, .. } => (
                1,
                format!("`{file}` has the schema `{schema}`, this hpipe knows `{known}`"),
                "use the newer hpipe that wrote it",
            ),
            StoreError::BadDataFile { line, message, .. } => (
                *line,
                format!("`{file}` is no data file of hpipe: {message}"),
                "bring back the version in git, or remove it and `hpipe add` the data again",
            ),
            _ => return error.into(),
        };
        let mut sources = Sources::default();
        let text = self.read_text(file).ok().flatten().unwrap_or_default();
        let source = sources.add(file.as_str(), text);
        let span = line_span(&sources, source, line);
        Error::invalid(
            vec![
                Diagnostic::error(Code::BadLockFile, message)
                    .at(span, "")
                    .help(help),
            ],
            &sources,
        )
    }
}

/// The whole of a line, counted from 1, without its end.
fn line_span(sources: &Sources, source: SourceId, line: u64) -> Span {
    let text = sources.text(source);
    let index = usize::try_from(line.saturating_sub(1)).unwrap_or(usize::MAX);
    let start: usize = text.split_inclusive('\n').take(index).map(str::len).sum();
    let length = text[start..].lines().next().map_or(0, str::len);
    Span {
        source,
        start: start as u32,
        end: (start + length) as u32,
    }
}
