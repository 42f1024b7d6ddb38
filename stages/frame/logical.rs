//! Parquet's logical types for which polars, as we build it, has no type: small integers, dates, times, decimals, categories.
//!
//! polars has them behind features, which would build all of it for more types than we have: here every such column becomes
//! numbers anyway. So the file's schema is told to polars without these types (small integers and dates are 32 bits in the
//! file, the others 64 bits or bytes), and what the numbers mean is put back when they become ours: [`Meaning`].

use std::sync::Arc;

use polars::io::mmap::MmapBytesReader;
use polars::io::parquet::metadata::FileMetadata;
use polars::io::parquet::read::infer_schema;
use polars::prelude::{
    ArrowDataType, ArrowField as Field, ArrowTimeUnit as TimeUnit, Column as Frame, DataType,
    ParquetReader, PolarsError, PolarsResult, SerReader,
};
use polars_parquet::parquet::metadata::SchemaDescriptor;
use polars_parquet::parquet::schema::types::{
    IntegerType, ParquetType, PhysicalType, PrimitiveConvertedType as Converted,
    PrimitiveLogicalType as Type,
};

use crate::table::Values;

/// The key under which writers of Arrow keep their own schema, which we do not ask: what it adds are other names for the same
/// values, but for durations.
const ARROW_SCHEMA: &str = "ARROW:schema";

/// What the values of a column mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Meaning {
    /// What they are.
    Plain,
    /// So many of them are a second, since 1970 or since midnight.
    Ticks(i64),
    /// So many of their decimal digits come after the point.
    Decimal(usize),
    /// Nothing that a column of ours holds.
    Unread,
}

/// A parquet file whose columns polars can read.
pub(super) struct Logical {
    metadata: Arc<FileMetadata>,
    /// The columns, with the types the file says.
    columns: Vec<(Field, Meaning)>,
}

impl Logical {
    /// What the end of the file says of its columns.
    ///
    /// # Errors
    /// What polars says: it is no parquet.
    pub(super) fn of<R: MmapBytesReader>(reader: R) -> PolarsResult<Self> {
        let mut metadata = FileMetadata::clone(ParquetReader::new(reader).get_metadata()?);
        let theirs = infer_schema(&metadata)?;
        if let Some(pairs) = &mut metadata.key_value_metadata {
            pairs.retain(|pair| pair.key != ARROW_SCHEMA);
        }
        let schema = infer_schema(&metadata)?;
        let columns = schema.iter_values().map(|field| {
            let is_duration = theirs
                .get(&field.name)
                .is_some_and(|field| matches!(field.dtype, ArrowDataType::Duration(_)));
            let meaning = if is_duration || is_int96(&metadata, &field.name) {
                Meaning::Unread
            } else {
                meaning(&field.dtype)
            };
            (field.clone(), meaning)
        });
        let columns: Vec<_> = columns.collect();
        let descriptor = &metadata.schema_descr;
        let fields = descriptor.fields().iter().cloned().map(plain).collect();
        metadata.schema_descr = SchemaDescriptor::new(descriptor.name().into(), fields);
        let metadata = Arc::new(metadata);
        Ok(Self { metadata, columns })
    }

    /// A reader of the same file to which these columns are plain.
    pub(super) fn reader<R: MmapBytesReader>(&self, reader: R) -> ParquetReader<R> {
        let mut reader = ParquetReader::new(reader);
        reader.set_metadata(Arc::clone(&self.metadata));
        reader
    }

    /// The number of rows.
    pub(super) fn rows(&self) -> usize {
        self.metadata.num_rows
    }

    /// The columns, and what their values mean.
    pub(super) fn columns(&self) -> &[(Field, Meaning)] {
        &self.columns
    }

    /// What the values of the column called `name` mean.
    pub(super) fn meaning(&self, name: &str) -> Meaning {
        let found = self.columns.iter().find(|(field, _)| field.name == name);
        found.map_or(Meaning::Plain, |(_, meaning)| *meaning)
    }
}

/// Whether a column has the timestamps of old writers, whose 96 bits polars reads as nothing else.
fn is_int96(metadata: &FileMetadata, name: &str) -> bool {
    let mut fields = metadata.schema_descr.fields().iter();
    let found = fields.find(|field| field.name() == name);
    matches!(found, Some(ParquetType::PrimitiveType(kind)) if kind.physical_type == PhysicalType::Int96)
}

/// What values of this type mean.
const fn meaning(kind: &ArrowDataType) -> Meaning {
    use ArrowDataType as Kind;
    match kind {
        Kind::Null
        | Kind::Boolean
        | Kind::Int8
        | Kind::Int16
        | Kind::Int32
        | Kind::Int64
        | Kind::UInt8
        | Kind::UInt16
        | Kind::UInt32
        | Kind::UInt64
        | Kind::Float32
        | Kind::Float64
        | Kind::Date32
        | Kind::Utf8
        | Kind::LargeUtf8
        | Kind::Utf8View => Meaning::Plain,
        Kind::Time32(unit) | Kind::Time64(unit) => Meaning::Ticks(ticks(*unit)),
        Kind::Timestamp(unit, _) => Meaning::Ticks(ticks(*unit)),
        // more digits than 128 bits hold are none of ours
        Kind::Decimal(..=38, scale) => Meaning::Decimal(*scale),
        _ => Meaning::Unread,
    }
}

/// How many of the unit are a second.
const fn ticks(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    }
}

/// The column without a type that polars lacks.
fn plain(mut column: ParquetType) -> ParquetType {
    if let ParquetType::PrimitiveType(kind) = &mut column {
        let is_known = match (kind.logical_type, kind.converted_type) {
            (Some(Type::Integer(IntegerType::UInt32 | IntegerType::UInt64)), _) => true,
            (Some(Type::Integer(_) | Type::Decimal(..) | Type::Date), _) => false,
            (Some(Type::Time { .. } | Type::Timestamp { .. }), _) => false,
            (Some(_), _) => true,
            (None, Some(Converted::Utf8 | Converted::Uint32 | Converted::Uint64)) => true,
            (None, _) => false,
        };
        if !is_known {
            (kind.logical_type, kind.converted_type) = (None, None);
        }
    }
    column
}

/// Times in seconds, of which `ticks` make one.
///
/// # Errors
/// What polars says.
pub(super) fn seconds(column: &Frame, ticks: i64) -> Result<Values, PolarsError> {
    // Nanoseconds since 1970 have more digits than a float: whole seconds and the rest of one are converted apart.
    numbers(column, |n| {
        n.div_euclid(ticks) as f64 + n.rem_euclid(ticks) as f64 / ticks as f64
    })
}

fn numbers(column: &Frame, number: impl Fn(i64) -> f64) -> Result<Values, PolarsError> {
    let column = column.strict_cast(&DataType::Int64)?;
    let numbers = column.i64()?.iter().map(|n| n.map(&number));
    Ok(Values::Number(numbers.collect()))
}

/// Decimals of so many digits after the point, which the file holds as whole numbers or as their bytes.
///
/// # Errors
/// What polars says.
pub(super) fn decimals(column: &Frame, scale: usize) -> Result<Values, PolarsError> {
    let unit = 10_f64.powi(scale as i32);
    if column.dtype() == &DataType::Binary {
        let whole = column.binary()?.iter().map(|bytes| bytes.map(whole));
        return Ok(Values::Number(
            whole.map(|n| n.map(|n| n as f64 / unit)).collect(),
        ));
    }
    numbers(column, |n| n as f64 / unit)
}

/// The number of at most 128 bits in two's complement, the highest byte first.
fn whole(bytes: &[u8]) -> i128 {
    let begin = match bytes.first() {
        Some(first) if first >> 7 == 1 => -1,
        _ => 0,
    };
    bytes
        .iter()
        .fold(begin, |n: i128, &byte| n << 8 | i128::from(byte))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::error::Error;
    use crate::frame::{ParquetRows, parquet};
    use crate::table::{Table, Values};

    /// A file that `tests/reference/parquet_types.py` wrote.
    fn path(name: &str) -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../tests/reference/{name}"))
    }

    fn check(table: &Table, name: &str, expected: Values) {
        let column = table.get(name).unwrap_or_else(|| panic!("no {name}"));
        assert_eq!(column.values, expected, "{name}");
    }

    fn integers(first: i64, second: i64) -> Values {
        Values::Integer(vec![Some(first), Some(second), None, Some(0)])
    }

    fn numbers(first: f64, second: f64, last: f64) -> Values {
        Values::Number(vec![Some(first), Some(second), None, Some(last)])
    }

    #[test]
    fn columns_of_types_that_polars_lacks_are_numbers() {
        let table = parquet(&path("parquet_types.parquet"), "t").expect("a table");
        let check = |name, expected| check(&table, name, expected);
        check("int8", integers(127, -128));
        check("int16", integers(32_767, -32_768));
        check("int32", integers(i64::from(i32::MAX), i64::from(i32::MIN)));
        check("uint8", integers(255, 1));
        check("uint16", integers(65_535, 1));
        check("uint32", integers(i64::from(u32::MAX), 1));
        check("uint64", integers(i64::MAX, 1));
        check("float", numbers(0.5, -2.0, 0.0));
        // days since 1970-01-01
        check("date32", integers(19_782, -1));
        let at_noon = 12.0 * 3600.0 + 30.0 * 60.0 + 15.0;
        let moments = |part: f64| {
            let moment = |day: f64| day * 86_400.0 + at_noon + part;
            numbers(moment(19_782.0), moment(-1.0), moment(0.0))
        };
        check("timestamp_s", moments(0.0));
        check("timestamp_ms", moments(0.25));
        check("timestamp_us", moments(0.25));
        check("timestamp_ns", moments(0.25));
        let clock = at_noon + 0.25;
        check("time32", numbers(clock, clock, clock));
        check("time64", numbers(clock, clock, clock));
        check("decimal", numbers(12_345_678_901.25, -0.5, 0.01));
        let texts = |texts: [Option<&str>; 4]| {
            Values::Text(texts.map(|text| text.map(str::to_owned)).into())
        };
        check("text", texts([Some("a"), Some("é"), None, Some("")]));
        check("large_text", texts([Some("a"), Some("é"), None, Some("")]));
        check("category", texts([Some("a"), Some("é"), None, Some("a")]));
        let bools = [Some(true), Some(false), None, Some(false)];
        check("bool", Values::Boolean(bools.into()));
    }

    #[test]
    fn parts_are_the_whole() {
        let path = path("parquet_types.parquet");
        let mut rows = ParquetRows::open(&path, "t").expect("open");
        assert!(rows.left_out().is_empty(), "{:?}", rows.left_out());
        let part = rows.next().expect("rows");
        assert_eq!(part, Some(parquet(&path, "t").expect("a table")));
        assert_eq!(rows.next().expect("the end"), None);
    }

    #[test]
    fn decimals_may_be_whole_numbers() {
        let table = parquet(&path("parquet_decimals.parquet"), "t").expect("a table");
        check(&table, "decimal", numbers(12_345_678_901.25, -0.5, 0.01));
    }

    #[test]
    fn what_is_no_number_and_no_text_is_told() {
        let path = path("parquet_unread.parquet");
        let error = parquet(&path, "t").expect_err("a list");
        assert!(matches!(&error, Error::UnsupportedType { column, .. } if column == "list"));
        let mut rows = ParquetRows::open(&path, "t").expect("open");
        assert_eq!(rows.left_out(), ["list", "duration"]);
        let part = rows.next().expect("rows").expect("a row");
        assert_eq!(part.names().collect::<Vec<_>>(), ["x"]);
    }
}
