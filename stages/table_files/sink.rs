//! Tables being written in parts: to a file beside the target, which takes its name when all is there.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

use hpipe_core::{Table, TableWriter};

use crate::csv;
use crate::frame::ParquetParts;

/// Where a table goes. What is not a regular file (a pipe, a terminal) is written to at once.
pub(super) struct Target {
    path: PathBuf,
    beside: Option<PathBuf>,
    file: File,
}

impl Target {
    /// Opens a file beside `path`.
    ///
    /// # Errors
    /// It cannot be made.
    pub(super) fn begin(path: &Path) -> Result<Self, String> {
        if STANDARD_OUTPUT.iter().any(|known| path == Path::new(known)) {
            return Self::standard_output(path);
        }
        let is_stream = fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir());
        let beside = (!is_stream).then(|| beside(path));
        let failed = |error| format!("cannot write {}: {error}", path.display());
        let file = match &beside {
            Some(beside) => begun(path, beside).map_err(failed)?,
            None => File::options().write(true).open(path).map_err(failed)?,
        };
        let path = path.to_owned();
        Ok(Self { path, beside, file })
    }

    /// The standard output itself: opened by its name, a file behind it would be written from its beginning.
    fn standard_output(path: &Path) -> Result<Self, String> {
        let own = std::io::stdout().as_fd().try_clone_to_owned();
        let own = own.map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        Ok(Self {
            path: path.to_owned(),
            beside: None,
            file: File::from(own),
        })
    }

    fn failed(&self, error: impl std::fmt::Display) -> String {
        format!("cannot write {}: {error}", self.path.display())
    }

    /// On the disk, under its name.
    fn finish(mut self) -> Result<(), String> {
        let Some(beside) = self.beside.take() else {
            return Ok(());
        };
        let done = self
            .file
            .sync_all()
            .and_then(|()| fs::rename(&beside, &self.path));
        if done.is_err() {
            self.beside = Some(beside);
        }
        done.map_err(|error| self.failed(error))
    }
}

impl Drop for Target {
    /// What was not finished does not stay.
    fn drop(&mut self) {
        if let Some(beside) = &self.beside {
            let _ = fs::remove_file(beside);
        }
    }
}

/// What leads to the standard output.
const STANDARD_OUTPUT: [&str; 4] = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];

/// A hidden name in the same folder, of this process.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.part", std::process::id()))
}

/// The file beside, locked as long as it is written; those whose writer was killed go.
fn begun(path: &Path, beside: &Path) -> std::io::Result<File> {
    let file = File::create(beside)?;
    file.lock()?;
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let found = entry.file_name();
        let is_part = found
            .to_str()
            .and_then(|found| found.strip_prefix(&format!(".{name}.")[..]))
            .and_then(|found| found.strip_suffix(".part"))
            .is_some_and(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()));
        // who is alive holds its lock, also under the id of a process of another container
        let is_left = || File::open(entry.path()).is_ok_and(|left| left.try_lock().is_ok());
        if is_part && entry.path().file_name() != beside.file_name() && is_left() {
            let _ = fs::remove_file(entry.path());
        }
    }
    Ok(file)
}

/// CSV.
pub(super) struct CsvParts {
    target: Target,
    writer: Option<BufWriter<File>>,
    columns: Vec<String>,
}

impl CsvParts {
    pub(super) const fn new(target: Target) -> Self {
        Self {
            target,
            writer: None,
            columns: Vec::new(),
        }
    }
}

impl TableWriter for CsvParts {
    fn write(&mut self, rows: &Table) -> Result<(), String> {
        let is_first = self.writer.is_none();
        if is_first {
            let file = self.target.file.try_clone();
            let file = file.map_err(|error| self.target.failed(error))?;
            self.writer = Some(BufWriter::with_capacity(1 << 16, file));
            self.columns = rows.names().map(str::to_owned).collect();
        } else if !rows.names().eq(&self.columns) {
            return Err(self.target.failed("these rows have other columns"));
        }
        let text = csv::table(rows, is_first);
        match &mut self.writer {
            Some(writer) => writer.write_all(text.as_bytes()),
            None => Ok(()),
        }
        .map_err(|error| self.target.failed(error))
    }

    fn finish(mut self: Box<Self>) -> Result<(), String> {
        if let Some(mut writer) = self.writer.take() {
            writer.flush().map_err(|error| self.target.failed(error))?;
        }
        self.target.finish()
    }
}

/// Parquet.
pub(super) struct Parquet {
    target: Target,
    parts: Option<ParquetParts>,
}

impl Parquet {
    pub(super) const fn new(target: Target) -> Self {
        Self {
            target,
            parts: None,
        }
    }
}

impl TableWriter for Parquet {
    fn write(&mut self, rows: &Table) -> Result<(), String> {
        let mut parts = match self.parts.take() {
            Some(parts) => parts,
            None => {
                let file = self.target.file.try_clone();
                let file = file.map_err(|error| self.target.failed(error))?;
                ParquetParts::begin(file, rows).map_err(|error| self.target.failed(error))?
            }
        };
        parts
            .write(rows)
            .map_err(|error| self.target.failed(error))?;
        self.parts = Some(parts);
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<(), String> {
        if let Some(parts) = self.parts.take() {
            parts.finish().map_err(|error| self.target.failed(error))?;
        }
        self.target.finish()
    }
}
