//! `ingest`: a CSV or parquet table, local or fetched, into a checked parquet table and its data-quality report.
//!
//! Fetch (`ingest/fetch.rs`), give every column its type (`typing.rs`), describe it (`profile.rs`), judge it
//! (`checks.rs`), report (`report.rs`). A failed check of severity `error` fails the stage, so that nothing downstream
//! ever sees such a table.

mod checks;
mod checksum;
mod fetch;
mod params;
mod profile;
mod report;
mod typing;

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use hpipe_core::{Arity, Execution, OptionFault, Port, Progress, Stage, StageError, Value};

use self::params::{Format, IngestParams, ValidIngestParams};
use crate::artifact;
use crate::error::Error;
use crate::frame;
use crate::options::{self, Faults};
use crate::ports::{dep, out};
use crate::table::{Column, Lookup, Table};

/// The built-in stage `ingest`.
pub struct Ingest;

impl Stage for Ingest {
    fn name(&self) -> &'static str {
        "ingest"
    }

    fn version(&self) -> u32 {
        2
    }

    fn summary(&self) -> &'static str {
        "reads or fetches a CSV or parquet table, checks it and reports its quality"
    }

    fn ports(&self) -> &'static [Port] {
        const PORTS: &[Port] = &[
            dep(
                "table",
                Arity::Optional,
                "the raw table (CSV or parquet), unless `url` says where to fetch it",
            ),
            out("table", Arity::One, "the checked table (parquet)"),
            out(
                "quality",
                Arity::Optional,
                "the data-quality report for programs (JSON)",
            ),
            out(
                "report",
                Arity::Optional,
                "the data-quality report for people (Markdown)",
            ),
        ];
        PORTS
    }

    fn check(&self, with: &Value) -> Result<(), Vec<OptionFault>> {
        options::checked::<IngestParams>(with).map(drop)
    }

    fn check_deps(&self, with: &Value, given: &[&str]) -> Result<(), Vec<OptionFault>> {
        let params = options::checked::<IngestParams>(with)?;
        let mut faults = Faults::default();
        match (given.contains(&"table"), &params.source) {
            (true, Some(_)) => faults.add_with_help("url", BOTH, "give one of the two"),
            (false, None) => faults.add_with_help("", NEITHER.0, NEITHER.1),
            _ => {}
        }
        faults.into_result(())
    }

    fn execute(&self, execution: &Execution<'_>) -> Result<(), StageError> {
        Ok(execute(execution)?)
    }
}

/// A table's file, wherever it came from.
struct RawFile {
    path: PathBuf,
    /// What messages and reports call it.
    name: String,
    /// To be removed when the stage is done with it.
    fetched: bool,
}

fn execute(execution: &Execution<'_>) -> Result<(), Error> {
    let params = options::executable::<IngestParams>(execution.with)?;
    let progress = execution.progress;
    let raw = locate(execution, &params)?;
    progress.report(0, None, &format!("reading {}", raw.name));
    let format = params.format.unwrap_or_else(|| format_of(&raw.name));
    if format == Format::Csv {
        warn_of_separator(&raw, params.separator, progress)?;
    }
    let table = read(&raw, format, &params)?;
    if progress.is_cancelled() {
        return Err(Error::Cancelled);
    }
    progress.report(0, None, &format!("checking {} rows", table.rows()));
    let typed = typing::table(table, &params)?;
    let profile = profile::Profile::new(&typed.table, &params.outliers);
    let outcomes = checks::judge(&typed, &profile, &params);
    let quality = report::Quality::new(&raw.name, profile, outcomes);

    frame::write_parquet(execution.out("table"), &typed.table)?;
    if let Some(path) = execution.optional_out("quality") {
        artifact::write_json(path, &quality)?;
    }
    if let Some(path) = execution.optional_out("report") {
        artifact::write_text(path, &quality.markdown())?;
    }
    for line in quality.summary() {
        progress.log(&line);
    }
    let warnings = quality.warnings();
    if !warnings.is_empty() {
        let noun = if warnings.len() == 1 {
            "warning"
        } else {
            "warnings"
        };
        progress.warn(&format!(
            "{} data-quality {noun}: {}",
            warnings.len(),
            warnings.join("; ")
        ));
    }
    let failures = quality.failures();
    if !failures.is_empty() {
        return Err(Error::Quality(failures));
    }
    if raw.fetched {
        fetch::forget(&raw.path)?;
    }
    Ok(())
}

/// The file of the dep, or the fetched one.
fn locate(execution: &Execution<'_>, params: &ValidIngestParams) -> Result<RawFile, Error> {
    match (execution.optional_dep("table"), &params.source) {
        (Some(port), None) => Ok(RawFile {
            path: port.path.clone(),
            name: port.declared.to_string(),
            fetched: false,
        }),
        (None, Some(source)) => Ok(RawFile {
            path: fetch::fetch(source, execution.out("table"), execution.progress)?,
            name: source.url.clone(),
            fetched: true,
        }),
        (Some(_), Some(_)) => Err(Error::Ports {
            message: BOTH.to_owned(),
            help: "give one of the two",
        }),
        (None, None) => Err(Error::Ports {
            message: NEITHER.0.to_owned(),
            help: NEITHER.1,
        }),
    }
}

const BOTH: &str = "there is both a dep `table` and a `url`";
/// What is said, and how to mend it.
const NEITHER: (&str, &str) = (
    "there is neither a dep `table` nor a `url`",
    "add `deps: {table: PATH}`, or the options `url` and `digest`",
);

/// The separators that tables have.
const SEPARATORS: [u8; 4] = *b";\t|,";

/// Warns of a header that another separator than `separator` would divide.
fn warn_of_separator(raw: &RawFile, separator: u8, progress: &dyn Progress) -> Result<(), Error> {
    let mut header = Vec::new();
    let read = File::open(&raw.path)
        .and_then(|file| BufReader::new(file.take(1 << 16)).read_until(b'\n', &mut header));
    read.map_err(|source| Error::ReadFile {
        path: raw.name.clone(),
        source,
    })?;
    let other = SEPARATORS.iter().find(|one| header.contains(one));
    if let (Some(other), false) = (other, header.contains(&separator)) {
        let other = char::from(*other).escape_default();
        progress.warn(&format!(
            "{} has one column by its first line, which `separator: \"{other}\"` would divide",
            raw.name
        ));
    }
    Ok(())
}

/// The table as the file has it, its columns renamed.
fn read(raw: &RawFile, format: Format, params: &ValidIngestParams) -> Result<Table, Error> {
    let name = &raw.name;
    let table = match format {
        Format::Csv => frame::csv(&raw.path, name, params.separator)?,
        Format::Parquet => frame::parquet(&raw.path, name)?,
    };
    for old in params.rename.keys() {
        table.column(old).map_err(|error| error.within(name))?;
    }
    let renamed = table.columns().iter().map(|column| Column {
        name: params
            .rename
            .get(&column.name)
            .unwrap_or(&column.name)
            .clone(),
        values: column.values.clone(),
    });
    Table::new(renamed.collect()).map_err(|error| Error::from(error).within(name))
}

/// Parquet if the name ends so, else CSV.
fn format_of(name: &str) -> Format {
    let path = name.split(['?', '#']).next().unwrap_or_default();
    let extension = Path::new(path).extension().and_then(|text| text.to_str());
    match extension.map(str::to_lowercase).as_deref() {
        Some("parquet" | "pq") => Format::Parquet,
        _ => Format::Csv,
    }
}
