//! Where tables meet files: the one place that knows polars.
//!
//! Parquet is written with one compression, one size of row groups and statistics by one rule, so that equal tables are
//! equal bytes. CSV is read as texts; what they mean is decided in `ingest/typing.rs`, not by guessing from the first
//! hundred rows.

mod logical;
mod parts;

use std::fs::File;
use std::path::Path;

use hpipe_core::PortPath;
use polars::io::mmap::MmapBytesReader;
use polars::prelude::{
    Column as Frame, CsvParseOptions, CsvReadOptions, DataFrame, DataType, NamedFrom,
    ParquetCompression, ParquetReader, ParquetWriter, PolarsError, SerReader, Series,
};

use self::logical::{Logical, Meaning};
pub(crate) use parts::{ParquetParts, ParquetRows, parquet_bytes, parquet_of};

use crate::csv_shape;
use crate::error::Error;
use crate::table::{Column, Table, Values};

/// Rows in a row group of the parquet files written here.
const ROW_GROUP: usize = 1 << 17;

/// How the parquet files written here are compressed; zstd's own default level.
const COMPRESSION: ParquetCompression = ParquetCompression::Zstd(None);

/// Reads a parquet dep.
///
/// Integers of every width become [`Values::Integer`], as do dates: days since 1970-01-01; floats and decimals
/// [`Values::Number`], with NaN as missing, as do times: seconds since then, or since midnight. Texts may be a dictionary's.
///
/// # Errors
/// [`Error::ReadFile`], [`Error::ReadTable`] when it is cut short or no parquet, [`Error::UnsupportedType`] for columns
/// of lists, durations and the like.
pub(crate) fn read_parquet(port: &PortPath) -> Result<Table, Error> {
    parquet(&port.path, port.declared.as_str())
}

/// As [`read_parquet`], of a part that must have rows.
///
/// # Errors
/// Also [`Error::NoRows`].
pub(crate) fn read_rows(port: &PortPath) -> Result<Table, Error> {
    let table = read_parquet(port)?;
    if table.rows() == 0 {
        return Err(Error::NoRows {
            path: port.declared.to_string(),
        });
    }
    Ok(table)
}

/// Reads the parquet file `path`, called `name` in errors; see [`read_parquet`].
pub(crate) fn parquet(path: &Path, name: &str) -> Result<Table, Error> {
    whole_table(open(path, name)?, name)
}

/// The table in a parquet file, every column of which must be read.
fn whole_table(mut file: impl MmapBytesReader, name: &str) -> Result<Table, Error> {
    let logical = Logical::of(&mut file).map_err(|source| not_read(name, source))?;
    let mut columns = logical.columns().iter();
    if let Some((field, _)) = columns.find(|(_, meaning)| *meaning == Meaning::Unread) {
        return Err(Error::UnsupportedType {
            path: name.to_owned(),
            column: field.name.to_string(),
            found: format!("values of type {:?}", field.dtype),
        });
    }
    table(logical.reader(file), &logical, name)
}

fn table(
    reader: ParquetReader<impl MmapBytesReader>,
    logical: &Logical,
    name: &str,
) -> Result<Table, Error> {
    let frame = reader.finish().map_err(|source| not_read(name, source))?;
    let columns = frame.columns().iter().map(|column| {
        let values = match logical.meaning(column.name()) {
            Meaning::Ticks(ticks) => logical::seconds(column, ticks),
            Meaning::Decimal(scale) => logical::decimals(column, scale),
            Meaning::Plain | Meaning::Unread => return from_polars(column, name),
        };
        Ok(Column {
            name: column.name().to_string(),
            values: values.map_err(|source| not_read(name, source))?,
        })
    });
    Ok(Table::new(columns.collect::<Result<_, _>>()?)?)
}

fn not_read(name: &str, source: PolarsError) -> Error {
    Error::ReadTable {
        path: name.to_owned(),
        format: "parquet",
        source,
    }
}

/// Reads the CSV file `path`, called `name` in errors, as columns of texts; an empty field is missing.
///
/// The first line names the columns. Fields may be quoted by `"` and hold separators, quotes (doubled) and line breaks.
/// Every row must have as many fields as the header.
///
/// # Errors
/// [`Error::ReadFile`], [`Error::ReadTable`] when it is not UTF-8, [`Error::NotATable`] when it is empty or a row has more
/// or fewer fields than the header, [`Error::DuplicateColumn`].
pub(crate) fn csv(path: &Path, name: &str, separator: u8) -> Result<Table, Error> {
    let shape = csv_shape::check(open(path, name)?, separator);
    let shape = shape.map_err(|source| Error::ReadFile {
        path: name.to_owned(),
        source,
    })?;
    shape.map_err(|bad| Error::NotATable {
        path: name.to_owned(),
        reason: bad.to_string(),
    })?;
    texts(open(path, name)?, name, separator)
}

/// Reads CSV of a sound shape as columns of texts, called `name` in errors; the first line names the columns.
///
/// # Errors
/// [`Error::ReadTable`] when it is not UTF-8, [`Error::DuplicateColumn`].
pub(crate) fn texts(
    source: impl MmapBytesReader + 'static,
    name: &str,
    separator: u8,
) -> Result<Table, Error> {
    let failed = |source: PolarsError| Error::ReadTable {
        path: name.to_owned(),
        format: "CSV",
        source,
    };
    let parsing = CsvParseOptions::default().with_separator(separator);
    let frame = CsvReadOptions::default()
        .with_has_header(false)
        .with_infer_schema_length(Some(0))
        .with_parse_options(parsing)
        .into_reader_with_file_handle(source)
        .finish()
        .map_err(failed)?;
    let columns = frame
        .columns()
        .iter()
        .map(|column| from_polars(column, name));
    let columns: Vec<Column> = columns.collect::<Result<_, _>>()?;
    Ok(Table::new(
        columns.into_iter().map(name_by_first_row).collect(),
    )?)
}

/// Takes the first value for the column's name. polars would too, but it renames the second of two equal ones.
fn name_by_first_row(mut column: Column) -> Column {
    if let Values::Text(texts) = &mut column.values
        && !texts.is_empty()
    {
        column.name = texts.remove(0).unwrap_or_default();
    }
    column
}

/// Writes `table` as parquet; equal tables give equal bytes.
///
/// # Errors
/// [`Error::WriteFile`] and [`Error::WriteTable`].
pub(crate) fn write_parquet(path: &Path, table: &Table) -> Result<(), Error> {
    let failed = |source| Error::WriteTable {
        path: path.to_owned(),
        source,
    };
    let file = File::create(path).map_err(|source| Error::WriteFile {
        path: path.to_owned(),
        source,
    })?;
    let columns = table.columns().iter().map(to_polars).collect();
    let mut frame = DataFrame::new(table.rows(), columns).map_err(failed)?;
    ParquetWriter::new(file)
        .with_compression(COMPRESSION)
        .with_row_group_size(Some(ROW_GROUP))
        .finish(&mut frame)
        .map_err(failed)?;
    Ok(())
}

fn open(path: &Path, name: &str) -> Result<File, Error> {
    File::open(path).map_err(|source| Error::ReadFile {
        path: name.to_owned(),
        source,
    })
}

fn from_polars(column: &Frame, path: &str) -> Result<Column, Error> {
    let name = column.name().to_string();
    let failed = |source| Error::ReadTable {
        path: path.to_owned(),
        format: "parquet",
        source,
    };
    let cast = |wanted: DataType| column.strict_cast(&wanted).map_err(failed);
    let values = match column.dtype() {
        DataType::Float32 | DataType::Float64 => {
            let column = cast(DataType::Float64)?;
            let numbers = column.f64().map_err(failed)?;
            Values::Number(numbers.iter().map(|x| x.filter(|x| !x.is_nan())).collect())
        }
        kind if kind.is_integer() => {
            let column = cast(DataType::Int64)?;
            Values::Integer(column.i64().map_err(failed)?.iter().collect())
        }
        DataType::Boolean => Values::Boolean(column.bool().map_err(failed)?.iter().collect()),
        DataType::String => Values::Text(
            column
                .str()
                .map_err(failed)?
                .iter()
                .map(|text| text.map(str::to_owned))
                .collect(),
        ),
        DataType::Null => Values::Number(vec![None; column.len()]),
        other => {
            return Err(Error::UnsupportedType {
                path: path.to_owned(),
                column: name,
                found: format!("values of type {other}"),
            });
        }
    };
    Ok(Column { name, values })
}

fn to_polars(column: &Column) -> Frame {
    let name = column.name.as_str().into();
    let series = match &column.values {
        Values::Number(values) => Series::new(name, values),
        Values::Integer(values) => Series::new(name, values),
        Values::Text(values) => Series::new(name, values),
        Values::Boolean(values) => Series::new(name, values),
    };
    series.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_kind() -> Table {
        let column = |name: &str, values| Column {
            name: name.into(),
            values,
        };
        Table::new(vec![
            column("x", Values::Number(vec![Some(0.1), None, Some(-0.0)])),
            column("n", Values::Integer(vec![Some(i64::MAX), Some(-1), None])),
            column(
                "t",
                Values::Text(vec![Some("<1H OCEAN".into()), None, Some(String::new())]),
            ),
            column("b", Values::Boolean(vec![Some(true), None, Some(false)])),
        ])
        .expect("a table")
    }

    #[test]
    fn parquet_gives_back_what_was_written_in_equal_bytes() {
        let folder = tempfile::tempdir().expect("a folder");
        let (one, two) = (
            folder.path().join("1.parquet"),
            folder.path().join("2.parquet"),
        );
        write_parquet(&one, &every_kind()).expect("written");
        write_parquet(&two, &every_kind()).expect("written");
        assert_eq!(parquet(&one, "1").expect("read"), every_kind());
        assert_eq!(
            std::fs::read(&one).expect("bytes"),
            std::fs::read(&two).expect("bytes")
        );
    }

    #[test]
    fn a_cut_short_parquet_is_a_clear_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("t.parquet");
        write_parquet(&path, &every_kind()).expect("written");
        let bytes = std::fs::read(&path).expect("bytes");
        for keep in [0, 3, 4, bytes.len() / 2, bytes.len() - 1] {
            let cut = folder.path().join("cut.parquet");
            std::fs::write(&cut, &bytes[..keep]).expect("written");
            let error = parquet(&cut, "data/cut.parquet")
                .expect_err("cut short")
                .to_string();
            assert!(
                error.starts_with("cannot read data/cut.parquet as parquet: "),
                "{error}"
            );
        }
        let error = parquet(&folder.path().join("none"), "none").expect_err("absent");
        assert!(matches!(error, Error::ReadFile { .. }));
    }

    fn read_csv(text: &[u8]) -> Result<Table, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("t.csv");
        std::fs::write(&path, text).expect("written");
        csv(&path, "t.csv", b',').map_err(|error| error.to_string())
    }

    #[test]
    fn csv_is_read_as_texts() {
        let table =
            read_csv("a,b\r\n1.50,\"x, \"\"y\"\"\n z\"\r\n,é\r\n".as_bytes()).expect("a table");
        let texts = |values: &[Option<&str>]| {
            Values::Text(values.iter().map(|v| v.map(str::to_owned)).collect())
        };
        assert_eq!(table.columns()[0].values, texts(&[Some("1.50"), None]));
        assert_eq!(
            table.columns()[1].values,
            texts(&[Some("x, \"y\"\n z"), Some("é")])
        );
    }

    #[test]
    fn what_is_no_csv_is_a_clear_error() {
        for (bytes, expect) in [
            (&b""[..], "t.csv is not a table: the file is empty"),
            (
                b"a,b\n1,2,3\n",
                "t.csv is not a table: line 2 has 3 fields, the header has 2",
            ),
            (
                b"a,b\n1\n",
                "t.csv is not a table: line 2 has 1 field, the header has 2",
            ),
            (b"a\n\xff\xfe\n", "cannot read t.csv as CSV: "),
            (b"a,a\n1,2\n", "two columns are called `a`"),
        ] {
            let error = read_csv(bytes).expect_err("no CSV");
            assert!(error.starts_with(expect), "{error}");
        }
    }
}
