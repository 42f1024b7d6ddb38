//! Parquet in parts: rows of a file by their place, and a file that grows by row groups.

use std::fs::File;
use std::io::Cursor;
use std::path::Path;

use polars::io::parquet::write::BatchedWriter;
use polars::prelude::{ArrowField as Field, DataFrame, ParquetReader, ParquetWriter, PolarsError};

use super::logical::{Logical, Meaning};
use super::{COMPRESSION, ROW_GROUP, not_read, open, table, to_polars, whole_table};
use crate::error::Error;
use crate::table::Table;

/// A parquet file that is read row group by row group.
pub(crate) struct ParquetRows {
    file: File,
    logical: Logical,
    name: String,
    next: usize,
    rows: usize,
    /// The columns that are read; none: all.
    columns: Option<Vec<String>>,
    left_out: Vec<String>,
    /// Whether a part has been handed out: a file without rows is one part without rows.
    has_begun: bool,
}

impl ParquetRows {
    /// Opens the file `path`, called `name` in errors.
    ///
    /// # Errors
    /// [`Error::ReadFile`]; [`Error::ReadTable`] when it is no parquet.
    pub(crate) fn open(path: &Path, name: &str) -> Result<Self, Error> {
        let mut file = open(path, name)?;
        let logical = Logical::of(&mut file).map_err(|source| not_read(name, source))?;
        let is_read = |column: &&(Field, Meaning)| column.1 != Meaning::Unread;
        let (read, left_out): (Vec<_>, Vec<_>) = logical.columns().iter().partition(is_read);
        let names = |columns: Vec<&(Field, Meaning)>| {
            let names = columns.iter().map(|(field, _)| field.name.to_string());
            names.collect()
        };
        let left_out: Vec<String> = names(left_out);
        Ok(Self {
            rows: logical.rows(),
            columns: (!left_out.is_empty()).then(|| names(read)),
            left_out,
            file,
            logical,
            name: name.to_owned(),
            next: 0,
            has_begun: false,
        })
    }

    /// The next rows, at most as many as a row group has; none at the end.
    ///
    /// # Errors
    /// [`Error::ReadTable`], [`Error::UnsupportedType`].
    pub(crate) fn next(&mut self) -> Result<Option<Table>, Error> {
        let rows = ROW_GROUP.min(self.rows - self.next);
        if rows == 0 && std::mem::replace(&mut self.has_begun, true) {
            return Ok(None);
        }
        self.has_begun = true;
        let reader = self.reader()?.with_slice(Some((self.next, rows)));
        let reader = reader.with_columns(self.columns.clone());
        let part = table(reader, &self.logical, &self.name)?;
        self.next += rows;
        Ok(Some(part))
    }

    /// The columns of types that no column of ours has: lists, durations, bytes.
    pub(crate) fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// How much was read, from 0 to 1.
    pub(crate) fn read(&self) -> f64 {
        self.next as f64 / self.rows.max(1) as f64
    }

    fn reader(&self) -> Result<ParquetReader<File>, Error> {
        let file = self.file.try_clone();
        let file = file.map_err(|source| Error::ReadFile {
            path: self.name.clone(),
            source,
        })?;
        Ok(self.logical.reader(file))
    }
}

/// A parquet file that grows by row groups.
pub(crate) struct ParquetParts {
    writer: BatchedWriter<File>,
}

impl ParquetParts {
    /// Begins a file with the columns of `first`, which are not yet written.
    ///
    /// # Errors
    /// What polars says.
    pub(crate) fn begin(file: File, first: &Table) -> Result<Self, PolarsError> {
        let writer = ParquetWriter::new(file).with_compression(COMPRESSION);
        let writer = writer.batched(frame(first)?.schema())?;
        Ok(Self { writer })
    }

    /// Adds rows.
    ///
    /// # Errors
    /// What polars says: other columns, a full disk.
    pub(crate) fn write(&mut self, rows: &Table) -> Result<(), PolarsError> {
        self.writer.write_batch(&frame(rows)?)
    }

    /// Writes the end of the file.
    ///
    /// # Errors
    /// What polars says.
    pub(crate) fn finish(self) -> Result<(), PolarsError> {
        self.writer.finish().map(drop)
    }
}

/// The table in the bytes of a parquet file, called `name` in errors.
///
/// # Errors
/// [`Error::ReadTable`], [`Error::UnsupportedType`].
pub(crate) fn parquet_of(bytes: &[u8], name: &str) -> Result<Table, Error> {
    whole_table(Cursor::new(bytes), name)
}

/// A table as the bytes of a parquet file.
///
/// # Errors
/// What polars says.
pub(crate) fn parquet_bytes(table: &Table) -> Result<Vec<u8>, PolarsError> {
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes)
        .with_compression(COMPRESSION)
        .with_row_group_size(Some(ROW_GROUP))
        .finish(&mut frame(table)?)?;
    Ok(bytes)
}

fn frame(table: &Table) -> Result<DataFrame, PolarsError> {
    let columns = table.columns().iter().map(to_polars).collect();
    DataFrame::new(table.rows(), columns)
}
