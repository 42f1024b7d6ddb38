//! The port through which tables come from files and requests and go there.

use std::path::Path;

use crate::Table;

/// How a table is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableFormat {
    /// Comma-separated values with a line of names.
    Csv,
    /// Apache parquet.
    Parquet,
}

impl TableFormat {
    /// The format that the ending of a file's name stands for.
    pub fn of_path(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?;
        let formats = [("csv", Self::Csv), ("parquet", Self::Parquet)];
        let found = formats
            .iter()
            .find(|(known, _)| ending.eq_ignore_ascii_case(known));
        found.map(|(_, format)| *format)
    }

    /// The word for it in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Csv => "CSV",
            Self::Parquet => "parquet",
        }
    }
}

/// Reads and writes tables. Errors are lowercase fragments that name the file.
pub trait TableFiles: Send + Sync {
    /// Opens a file to read it in parts of at most `rows` rows: what is in memory does not grow with the file. The columns of
    /// CSV are texts, see [`Values::cast`](crate::Values::cast).
    ///
    /// # Errors
    /// The file cannot be read, or is no table.
    fn open(
        &self,
        path: &Path,
        format: TableFormat,
        rows: usize,
    ) -> Result<Box<dyn TableReader>, String>;

    /// Begins a file, to be written in parts; it has its name only once it is finished.
    ///
    /// # Errors
    /// The file cannot be written.
    fn create(&self, path: &Path, format: TableFormat) -> Result<Box<dyn TableWriter>, String>;

    /// The table in a body of a request.
    ///
    /// # Errors
    /// The bytes are no such table.
    fn decode(&self, bytes: &[u8], format: TableFormat) -> Result<Table, String>;

    /// The body of an answer.
    ///
    /// # Errors
    /// The table has a column that the format cannot hold.
    fn encode(&self, table: &Table, format: TableFormat) -> Result<Vec<u8>, String>;
}

/// A table that is read in parts.
pub trait TableReader: Send {
    /// The next rows; none at the end.
    ///
    /// # Errors
    /// The file cannot be read any further, or what is there fits not to what was before.
    fn next(&mut self) -> Result<Option<Table>, String>;

    /// Columns of the file that are left out, for a column of ours cannot hold their type (dates, lists, decimals).
    fn left_out(&self) -> &[String] {
        &[]
    }

    /// How much of the file has been read, from 0 to 1.
    fn read(&self) -> f64;
}

/// A table that is written in parts.
pub trait TableWriter: Send {
    /// Adds rows; the first call says which columns there are.
    ///
    /// # Errors
    /// The file cannot be written, or these are other columns.
    fn write(&mut self, rows: &Table) -> Result<(), String>;

    /// Finishes the file: whole and on the disk under its name, or not there at all.
    ///
    /// # Errors
    /// The file cannot be written.
    fn finish(self: Box<Self>) -> Result<(), String>;
}
