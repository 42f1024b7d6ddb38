//! The options of `ingest`: where the table comes from, what it should look like, how strictly that is meant.

use std::collections::{BTreeMap, BTreeSet};

use hpipe_core::OptionFault;
use serde::{Deserialize, Serialize};

use super::checks::{Check, CheckParams, Rule};
use super::checksum::Checksum;
use crate::options::{Faults, Options};
use crate::table::Type;

/// The options as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IngestParams {
    url: Option<String>,
    digest: Option<String>,
    format: Option<Format>,
    #[serde(default = "default_separator")]
    separator: String,
    #[serde(default = "default_missing_values")]
    missing_values: Vec<String>,
    #[serde(default)]
    rename: BTreeMap<String, String>,
    #[serde(default)]
    schema: Vec<Declared>,
    target: Option<String>,
    #[serde(default)]
    outliers: OutlierParams,
    #[serde(default)]
    checks: BTreeMap<String, CheckParams>,
}

fn default_separator() -> String {
    ",".to_owned()
}

fn default_missing_values() -> Vec<String> {
    hpipe_core::MISSING_WORDS.map(str::to_owned).to_vec()
}

/// The formats that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Format {
    /// Comma-separated values with a header, in UTF-8.
    Csv,
    /// Apache Parquet.
    Parquet,
}

/// A declared column.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Declared {
    /// Its name, after renaming.
    pub(super) name: String,
    /// What it holds; inferred from all values unless given.
    #[serde(rename = "type")]
    pub(super) kind: Option<Type>,
    /// Whether the table must have it.
    #[serde(default = "yes")]
    pub(super) required: bool,
    /// Whether values may be missing.
    #[serde(default = "yes")]
    pub(super) nullable: bool,
    /// The smallest allowed value.
    pub(super) min: Option<f64>,
    /// The largest allowed value.
    pub(super) max: Option<f64>,
    /// The allowed words.
    pub(super) categories: Option<BTreeSet<String>>,
}

const fn yes() -> bool {
    true
}

/// From where on a number is an outlier.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct OutlierParams {
    /// Farther than this many interquartile ranges from the nearer quartile (Tukey 1977: 1.5, and 3 for far out).
    pub(super) iqr_factor: f64,
    /// Farther than this many standard deviations from the mean.
    pub(super) z_score: f64,
}

impl Default for OutlierParams {
    fn default() -> Self {
        Self {
            iqr_factor: 1.5,
            z_score: 3.0,
        }
    }
}

/// A file to fetch.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) url: String,
    pub(super) checksum: Checksum,
}

/// The options, checked.
#[derive(Debug)]
pub(super) struct ValidIngestParams {
    pub(super) source: Option<Source>,
    pub(super) format: Option<Format>,
    pub(super) separator: u8,
    pub(super) missing_values: BTreeSet<String>,
    pub(super) rename: BTreeMap<String, String>,
    pub(super) schema: Vec<Declared>,
    pub(super) target: Option<String>,
    pub(super) outliers: OutlierParams,
    pub(super) rules: BTreeMap<Check, Rule>,
}

impl Options for IngestParams {
    type Checked = ValidIngestParams;

    fn check(self) -> Result<ValidIngestParams, Vec<OptionFault>> {
        let mut faults = Faults::default();
        let source = check_source(self.url, self.digest, &mut faults);
        let separator = match self.separator.as_bytes() {
            [byte] if byte.is_ascii() && !b"\"\r\n".contains(byte) => *byte,
            _ => {
                faults.add(
                    "separator",
                    "must be one ASCII character, and no quote or line break",
                );
                b','
            }
        };
        check_schema(&self.schema, &mut faults);
        let renamed: BTreeSet<&String> = self.rename.values().collect();
        faults.require(
            renamed.len() == self.rename.len(),
            "rename",
            "gives two columns one name",
        );
        let OutlierParams {
            iqr_factor,
            z_score,
        } = self.outliers;
        faults.require(
            iqr_factor > 0.0,
            "outliers.iqr_factor",
            "must be more than 0",
        );
        faults.require(z_score > 0.0, "outliers.z_score", "must be more than 0");
        let checks = faults.named("checks", self.checks, &Check::ALL, Check::name);
        for (check, params) in &checks {
            faults.require(
                params.threshold.is_none_or(|threshold| threshold >= 0.0),
                format!("checks.{}.threshold", check.name()),
                "must be 0 or more",
            );
        }
        let rules = Check::ALL.map(|check| (check, check.rule(checks.get(&check))));
        faults.into_result(ValidIngestParams {
            source,
            format: self.format,
            separator,
            missing_values: self.missing_values.into_iter().collect(),
            rename: self.rename,
            schema: self.schema,
            target: self.target,
            outliers: self.outliers,
            rules: rules.into_iter().collect(),
        })
    }
}

fn check_source(
    url: Option<String>,
    digest: Option<String>,
    faults: &mut Faults,
) -> Option<Source> {
    let checksum = match digest.as_deref().map(str::parse::<Checksum>) {
        Some(Err(message)) => {
            faults.add("digest", message);
            None
        }
        Some(Ok(checksum)) => Some(checksum),
        None => None,
    };
    match (url, digest) {
        (None, None) => None,
        (None, Some(_)) => {
            faults.add("digest", "is of no use without `url`");
            None
        }
        (Some(url), digest) => {
            faults.require(
                url.starts_with("http://") || url.starts_with("https://"),
                "url",
                "must start with http:// or https://",
            );
            if digest.is_none() {
                faults.add_with_help(
                    "digest",
                    "is required with `url`: what is fetched must be what was meant",
                    "write `sha256:` and the 64 digits that sha256sum prints, or `blake3:` and those of b3sum",
                );
            }
            checksum.map(|checksum| Source { url, checksum })
        }
    }
}

fn check_schema(schema: &[Declared], faults: &mut Faults) {
    let mut names = BTreeSet::new();
    for (i, declared) in schema.iter().enumerate() {
        let path = |option: &str| format!("schema.{i}.{option}");
        faults.require(
            names.insert(&declared.name),
            path("name"),
            format!("`{}` is declared twice", declared.name),
        );
        let ordered = match (declared.min, declared.max) {
            (Some(min), Some(max)) => min <= max,
            _ => true,
        };
        faults.require(ordered, path("min"), "is larger than `max`");
        let bounded = declared.min.is_some() || declared.max.is_some();
        let numeric = matches!(declared.kind, None | Some(Type::Number | Type::Integer));
        faults.require(
            !bounded || numeric,
            path("type"),
            "only numbers and integers have `min` and `max`",
        );
        faults.require(
            declared.categories.is_none() || declared.kind != Some(Type::Number),
            path("type"),
            "only texts, integers and booleans have `categories`",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::tests::faults;

    #[test]
    fn every_option_has_a_default() {
        assert_eq!(faults::<IngestParams>("null"), "");
    }

    #[test]
    fn every_fault_is_told() {
        let json = r#"{
            "url": "ftp://x/y.csv", "digest": "md5:00", "separator": ";;",
            "schema": [
                {"name": "a", "type": "numbr"},
                {"name": "b", "min": 2, "max": 1},
                {"name": "b", "type": "text", "max": 1},
                {"name": "c", "type": "number", "categories": ["x"]}
            ],
            "outliers": {"z_score": 0},
            "checks": {"capped": {"severity": "eror"}, "missng": {}, "missing": {"threshold": -1}}
        }"#;
        insta::assert_snapshot!(faults::<IngestParams>(json), @r"
        checks.capped.severity: `eror` is not a word for this (did you mean `error`?)
        schema.0.type: `numbr` is not a word for this (did you mean `number`?)
        ");
        let json = json
            .replace("eror", "error")
            .replace("\"missng\": {},", "")
            .replace("numbr", "number");
        insta::assert_snapshot!(faults::<IngestParams>(&json), @r"
        digest: must be `sha256:` or `blake3:` and 64 hex digits
        url: must start with http:// or https://
        separator: must be one ASCII character, and no quote or line break
        schema.1.min: is larger than `max`
        schema.2.name: `b` is declared twice
        schema.2.type: only numbers and integers have `min` and `max`
        schema.3.type: only texts, integers and booleans have `categories`
        outliers.z_score: must be more than 0
        checks.missing.threshold: must be 0 or more
        ");
        insta::assert_snapshot!(faults::<IngestParams>(r#"{"url": "https://x/y.csv"}"#), @"digest: is required with `url`: what is fetched must be what was meant (write `sha256:` and the 64 digits that sha256sum prints, or `blake3:` and those of b3sum)");
    }
}
