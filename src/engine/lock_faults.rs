//! Faults of the lock file, told like those of the pipeline: with the line, and how to go on.

use hpipe_core::{Code, Diagnostic, SourceId, Sources, Span};
use hpipe_store::{Error as StoreError, LockFile, LockStamp};

use crate::Error;
use crate::workspace::Workspace;

impl Workspace {
    /// What stages were last brought up to date with.
    ///
    /// # Errors
    /// [`Error::Invalid`] with [`Code::BadLockFile`] when it is not one of ours or holds merge conflicts.
    pub(crate) fn read_lock(&self) -> Result<LockFile, Error> {
        self.store()
            .read_lock(&self.lock_file())
            .map_err(|error| self.lock_fault(error))
    }

    /// The state the lock file is in; to be asked for before reading it.
    pub(crate) fn lock_stamp(&self) -> LockStamp {
        self.store().lock_stamp(&self.lock_file())
    }

    /// Changes the lock file; says what is there then, and the stamp of just that.
    ///
    /// # Errors
    /// As [`read_lock`](Self::read_lock), and [`Error::Store`] when it cannot be written.
    pub(crate) fn update_lock(
        &self,
        edit: impl FnOnce(&mut LockFile),
    ) -> Result<(LockFile, LockStamp), Error> {
        self.store()
            .update_lock(&self.lock_file(), edit)
            .map_err(|error| self.lock_fault(error))
    }

    /// An error of the store; a fault in the lock file's text becomes a diagnostic.
    fn lock_fault(&self, error: StoreError) -> Error {
        let file = self.lock_file();
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
            _ => return error.into(),
        };
        let mut sources = Sources::default();
        let text = self.read_text(&file).ok().flatten().unwrap_or_default();
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
