//! Tables in files and requests, behind the port [`hpipe_core::TableFiles`].
//!
//! Files are read and written in parts, so that a table may be larger than memory. CSV comes as columns of texts, with the usual
//! words for missing values taken for missing; what the columns mean is known to whoever asked.

mod csv_records;
mod sink;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::Cursor;
use std::path::Path;

use hpipe_core::{Column, MISSING_WORDS, Table, TableFiles, TableFormat, TableReader, TableWriter};

use self::csv_records::Records;
use self::sink::{CsvParts, Parquet, Target};
use crate::csv;
use crate::csv_shape;
use crate::error::Error;
use crate::frame::{self, ParquetRows};

/// Reads and writes tables of all formats we know.
pub struct Tables;

impl TableFiles for Tables {
    fn open(
        &self,
        path: &Path,
        format: TableFormat,
        rows: usize,
    ) -> Result<Box<dyn TableReader>, String> {
        let name = path.display().to_string();
        let rows = rows.max(1);
        match format {
            TableFormat::Csv => {
                let file =
                    File::open(path).map_err(|error| format!("cannot read {name}: {error}"))?;
                Ok(Box::new(CsvReader {
                    records: Records::new(file, &name, rows)?,
                    name,
                }))
            }
            TableFormat::Parquet => {
                let source = ParquetRows::open(path, &name).map_err(told)?;
                let pending = Table::default();
                Ok(Box::new(ParquetReader {
                    source,
                    pending,
                    taken: 0,
                    rows,
                }))
            }
        }
    }

    fn create(&self, path: &Path, format: TableFormat) -> Result<Box<dyn TableWriter>, String> {
        let target = Target::begin(path)?;
        Ok(match format {
            TableFormat::Csv => Box::new(CsvParts::new(target)),
            TableFormat::Parquet => Box::new(Parquet::new(target)),
        })
    }

    fn decode(&self, bytes: &[u8], format: TableFormat) -> Result<Table, String> {
        match format {
            TableFormat::Csv => texts(bytes.to_vec(), "the body", 0),
            TableFormat::Parquet => frame::parquet_of(bytes, "the body").map_err(told),
        }
    }

    fn encode(&self, table: &Table, format: TableFormat) -> Result<Vec<u8>, String> {
        match format {
            TableFormat::Csv => Ok(csv::table(table, true).into_bytes()),
            TableFormat::Parquet => frame::parquet_bytes(table).map_err(|error| error.to_string()),
        }
    }
}

/// An error with what caused it, where that is not in its words.
fn told(error: Error) -> String {
    match std::error::Error::source(&error) {
        Some(cause) if !error.to_string().contains(&cause.to_string()) => {
            format!("{error}: {cause}")
        }
        _ => error.to_string(),
    }
}

/// The columns of CSV with a header, as texts; `before`: lines of the file that come between the header and the first row.
fn texts(bytes: Vec<u8>, name: &str, before: usize) -> Result<Table, String> {
    let shape = csv_shape::check(&bytes[..], b',').map_err(|error| error.to_string())?;
    shape.map_err(|bad| format!("{name} is not a table: {}", bad.moved(before)))?;
    let table = frame::texts(Cursor::new(bytes), name, b',').map_err(told)?;
    let columns = table.into_columns().into_iter().map(|column| Column {
        values: column.values.without(|text| MISSING_WORDS.contains(&text)),
        ..column
    });
    Table::new(columns.collect()).map_err(|error| error.to_string())
}

/// CSV in parts.
struct CsvReader {
    records: Records<File>,
    name: String,
}

impl TableReader for CsvReader {
    fn next(&mut self) -> Result<Option<Table>, String> {
        let Some(part) = self.records.next()? else {
            return Ok(None);
        };
        texts(part.bytes, &self.name, part.before).map(Some)
    }

    fn read(&self) -> f64 {
        self.records.read()
    }
}

/// Parquet in parts no larger than was asked for.
struct ParquetReader {
    source: ParquetRows,
    /// What was read and not yet asked for, from row `taken` on.
    pending: Table,
    taken: usize,
    rows: usize,
}

impl TableReader for ParquetReader {
    fn next(&mut self) -> Result<Option<Table>, String> {
        if self.taken == self.pending.rows() {
            match self.source.next().map_err(told)? {
                None => return Ok(None),
                Some(table) if table.rows() == 0 => return Ok(Some(table)),
                Some(table) => (self.pending, self.taken) = (table, 0),
            }
        }
        let end = self.pending.rows().min(self.taken + self.rows);
        let rows: Vec<usize> = (self.taken..end).collect();
        let part = self.pending.take(&rows);
        self.taken = end;
        Ok(Some(part))
    }

    fn left_out(&self) -> &[String] {
        self.source.left_out()
    }

    fn read(&self) -> f64 {
        self.source.read()
    }
}
