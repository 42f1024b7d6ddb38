//! Which names, keys and values may be recorded. The limits and sentences are MLflow's (`mlflow/utils/validation.py`).

use super::error::{LedgerError, Result};
use super::values::{Metric, Pair};

/// Characters of a key.
const KEY: usize = 250;
const PARAM_VALUE: usize = 6000;
const TAG_VALUE: usize = 8000;
const EXPERIMENT_NAME: usize = 500;
const EXPERIMENT_TAG_VALUE: usize = 20_000;
const REGISTRY_TAG_VALUE: usize = 100_000;
const ALIAS: usize = 255;
const DATASET_NAME: usize = 500;
const DATASET_DIGEST: usize = 36;
const DATASET_SOURCE: usize = 65_535;
const DATASET_SCHEMA: usize = 1_048_575;
const DATASET_PROFILE: usize = 16_777_215;
const INPUT_TAG_KEY: usize = 255;
const INPUT_TAG_VALUE: usize = 500;
const ARTIFACT_LOCATION: usize = 2048;
const BATCH_METRICS: usize = 1000;
const BATCH_PAIRS: usize = 100;
const BATCH_ALL: usize = 1000;
const BATCH_DATASETS: usize = 1000;

const CHARACTERS: &str = "Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), \
     colon(:) and slashes (/).";

fn invalid_value(path: &str, value: &str, why: &str) -> LedgerError {
    let quoted = serde_json::Value::from(value).to_string();
    let tail = match why {
        "" => ".".to_owned(),
        why => format!(": {why}"),
    };
    LedgerError::invalid(format!(
        "Invalid value {quoted} for parameter '{path}' supplied{tail}"
    ))
}

fn missing_value(path: &str) -> LedgerError {
    LedgerError::invalid(format!("Missing value for required parameter '{path}'."))
}

fn length(what: &str, limit: usize, value: &str) -> Result<()> {
    // Bytes are never fewer than characters, and cheaper to count.
    if value.len() <= limit || value.chars().count() <= limit {
        return Ok(());
    }
    Err(LedgerError::invalid(format!(
        "'{what}' exceeds the maximum length of {limit} characters"
    )))
}

/// As Python's `posixpath.normpath`: without empty parts, `.` and, where it can be told, `..`.
fn normal(path: &str) -> String {
    if path.is_empty() {
        return ".".to_owned();
    }
    let slashes = match path.len() - path.trim_start_matches('/').len() {
        2 => 2,
        n => n.min(1),
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|part| !matches!(*part, "" | ".")) {
        let goes_up = part == ".." && (slashes == 0 || !parts.is_empty());
        match parts.last() {
            Some(&last) if goes_up && last != ".." => drop(parts.pop()),
            _ if part == ".." && !goes_up => {}
            _ => parts.push(part),
        }
    }
    let text = format!("{}{}", "/".repeat(slashes), parts.join("/"));
    if text.is_empty() {
        ".".to_owned()
    } else {
        text
    }
}

fn is_plain_path(name: &str) -> std::result::Result<(), String> {
    let normal = normal(name);
    if normal != name || normal == "." || normal.starts_with("..") || normal.starts_with('/') {
        return Err(format!(
            "Names may be treated as files in certain cases, and must not resolve to other names when treated as such. \
             This name would resolve to '{normal}'"
        ));
    }
    Ok(())
}

/// Checks the name of a metric, param or tag.
pub(crate) fn name(name: &str, path: &str) -> Result<()> {
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '_' | '/' | '.' | '-' | ' ' | ':');
    if !name.chars().all(allowed) {
        return Err(invalid_value(path, name, CHARACTERS));
    }
    is_plain_path(name).map_err(|why| invalid_value(path, name, &why))
}

/// Checks a value of a metric.
pub(crate) fn metric(metric: &Metric, path: &str) -> Result<()> {
    name(&metric.key, &join(path, "name"))?;
    if metric.timestamp < 0 {
        return Err(LedgerError::invalid(format!(
            "Invalid value {} for parameter '{}' supplied: metric '{}' (value={}). Timestamp must be a nonnegative long \
             (64-bit integer) ",
            metric.timestamp,
            join(path, "timestamp"),
            metric.key,
            metric.value
        )));
    }
    length("Metric name", KEY, &metric.key)
}

/// Checks a param of a run.
pub(crate) fn param(param: &Pair, path: &str) -> Result<()> {
    name(&param.key, &join(path, "key"))?;
    length("Param key", KEY, &param.key)?;
    length("Param value", PARAM_VALUE, &param.value)
}

/// Checks a tag of a run.
pub(crate) fn tag(tag: &Pair, path: &str) -> Result<()> {
    let (key, value) = (join(path, "key"), join(path, "value"));
    name(&tag.key, &key)?;
    length(&key, KEY, &tag.key)?;
    length(&value, TAG_VALUE, &tag.value)
}

/// Checks a tag of an experiment.
pub(crate) fn experiment_tag(tag: &Pair) -> Result<()> {
    name(&tag.key, "key")?;
    length("key", KEY, &tag.key)?;
    length("value", EXPERIMENT_TAG_VALUE, &tag.value)
}

/// Checks a tag of a registered model or a version.
pub(crate) fn registry_tag(tag: &Pair) -> Result<()> {
    name(&tag.key, "key")?;
    length("key", KEY, &tag.key)?;
    length("value", REGISTRY_TAG_VALUE, &tag.value)
}

/// Checks the name of an experiment.
pub(crate) fn experiment_name(name: &str) -> Result<()> {
    if name.is_empty() {
        return Err(LedgerError::invalid("Invalid experiment name: ''"));
    }
    length("name", EXPERIMENT_NAME, name)
}

/// Checks the place of an experiment's artifacts.
pub(crate) fn artifact_location(location: &str) -> Result<()> {
    if location.starts_with("runs:") {
        return Err(LedgerError::invalid(format!(
            "Artifact location cannot be a runs:/ URI. Given: '{location}'"
        )));
    }
    if location.chars().count() > ARTIFACT_LOCATION {
        return Err(LedgerError::invalid(format!(
            "Invalid artifact path length. The length of the artifact path cannot be greater than {ARTIFACT_LOCATION}. \
             To configure this limit, please set the MLFLOW_ARTIFACT_LOCATION_MAX_LENGTH environment variable."
        )));
    }
    Ok(())
}

/// Checks the id of a run, as far as one may be asked for.
pub(crate) fn run_id(id: &str) -> Result<()> {
    let ordinary = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let is_good = id.len() <= 256
        && id.starts_with(|c: char| c.is_ascii_alphanumeric())
        && id.chars().all(ordinary);
    match is_good {
        true => Ok(()),
        false => Err(invalid_value("run_id", id, "")),
    }
}

/// Checks the name of a registered model.
pub(crate) fn model_name(name: &str) -> Result<()> {
    if name.trim().is_empty() {
        return Err(missing_value("name"));
    }
    if name.contains(['/', ':']) {
        return Err(LedgerError::invalid(format!(
            "Invalid model name '{name}'. Names cannot contain '/' or ':'."
        )));
    }
    is_plain_path(name).map_err(|why| invalid_value("name", name, &why))
}

/// Checks the name of a logged model.
pub(crate) fn logged_model_name(name: &str) -> Result<()> {
    let bad = ['/', ':', '.', '%', '"', '\''];
    if name.contains(bad) {
        return Err(LedgerError::invalid(
            "Invalid model name: '".to_owned()
                + name
                + "'. Model name must be a non-empty string and cannot contain the following characters: \
                   ('/', ':', '.', '%', '\"', \"'\")",
        ));
    }
    Ok(())
}

/// Checks an alias that is to be given.
pub(crate) fn alias(alias: &str) -> Result<()> {
    if alias.is_empty() {
        return Err(LedgerError::invalid(
            "Registered model alias name cannot be empty.",
        ));
    }
    if !alias
        .chars()
        .all(|c| c.is_alphanumeric() || c == '_' || c == '-')
    {
        return Err(LedgerError::invalid(format!(
            "Invalid alias name: '{alias}'. Names may only contain alphanumerics, underscores (_), and dashes (-)."
        )));
    }
    length("Registered model alias name", ALIAS, alias)?;
    if alias.eq_ignore_ascii_case("latest") {
        return Err(LedgerError::invalid(
            "'latest' alias name (case insensitive) is reserved.",
        ));
    }
    let digits = alias.strip_prefix(['v', 'V']).unwrap_or_default();
    if !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit()) {
        return Err(LedgerError::invalid(format!(
            "Version alias name '{alias}' is reserved."
        )));
    }
    Ok(())
}

/// Checks data that a run read, and the tags of the use.
pub(crate) fn dataset(input: &super::DatasetInput) -> Result<()> {
    let data = &input.dataset;
    length("name", DATASET_NAME, &data.name)?;
    length("digest", DATASET_DIGEST, &data.digest)?;
    length("source", DATASET_SOURCE, &data.source)?;
    length(
        "schema",
        DATASET_SCHEMA,
        data.schema.as_deref().unwrap_or_default(),
    )?;
    length(
        "profile",
        DATASET_PROFILE,
        data.profile.as_deref().unwrap_or_default(),
    )?;
    for tag in &input.tags {
        length("key", INPUT_TAG_KEY, &tag.key)?;
        length("value", INPUT_TAG_VALUE, &tag.value)?;
    }
    Ok(())
}

/// Checks how many datasets are logged at once.
pub(crate) fn dataset_count(count: usize) -> Result<()> {
    batch_limit("datasets", BATCH_DATASETS, count)
}

/// Checks how much is logged at once.
pub(crate) fn batch(metrics: usize, params: usize, tags: usize) -> Result<()> {
    batch_limit("metrics", BATCH_METRICS, metrics)?;
    batch_limit("params", BATCH_PAIRS, params)?;
    batch_limit("tags", BATCH_PAIRS, tags)?;
    batch_limit(
        "metrics, params, and tags",
        BATCH_ALL,
        metrics + params + tags,
    )
}

fn batch_limit(what: &str, limit: usize, count: usize) -> Result<()> {
    if count <= limit {
        return Ok(());
    }
    Err(LedgerError::invalid(format!(
        "A batch logging request can contain at most {limit} {what}. Got {count} {what}. Please split up {what} across \
         multiple requests and try again."
    )))
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_normal_as_in_python() {
        for (path, expect) in [
            ("", "."),
            ("a", "a"),
            ("a/", "a"),
            ("a//b", "a/b"),
            ("./a", "a"),
            ("a/..", "."),
            ("a/../..", ".."),
            ("../a", "../a"),
            ("/..", "/"),
            ("//a", "//a"),
            ("///a", "/a"),
        ] {
            assert_eq!(normal(path), expect, "{path}");
        }
    }

    #[test]
    fn names_that_files_cannot_have_are_refused() {
        for good in ["a", "val/loss", "a b", "größe", "x.y-z_1", "a:b", "..a/b"] {
            assert_eq!(name(good, "key").is_ok(), good != "..a/b", "{good}");
        }
        for bad in ["", "a//b", "/a", "../a", "a\n", "a=b", "."] {
            assert!(name(bad, "key").is_err(), "{bad}");
        }
        let said = name("a=b", "metrics[0].name").unwrap_err().to_string();
        assert!(said.starts_with(
            "Invalid value \"a=b\" for parameter 'metrics[0].name' supplied: Names may only"
        ));
    }

    #[test]
    fn lengths_are_counted_in_characters() {
        assert!(length("key", 2, "ää").is_ok());
        assert_eq!(
            length("key", 2, "äää").unwrap_err().to_string(),
            "'key' exceeds the maximum length of 2 characters"
        );
    }

    #[test]
    fn reserved_aliases_are_refused() {
        for bad in ["", "latest", "LATEST", "v1", "V20", "a b"] {
            assert!(alias(bad).is_err(), "{bad}");
        }
        for good in ["champion", "v1a", "v", "1"] {
            assert!(alias(good).is_ok(), "{good}");
        }
    }
}
