//! What a column of runs shows.

use std::collections::BTreeMap;

use hpipe_core::Value;
use hpipe_track::ledger::Run;

use crate::error::Error;

/// Digits of an id that tell runs apart.
pub(super) const SHORT: usize = 7;

/// Metrics shown when no columns are asked for.
const METRICS: usize = 4;

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Column {
    Id,
    Name,
    Stage,
    Experiment,
    Status,
    Started,
    Took,
    User,
    Metric(String),
    Param(String),
    Tag(String),
}

const PLAIN: [(&str, Column); 8] = [
    ("id", Column::Id),
    ("name", Column::Name),
    ("stage", Column::Stage),
    ("experiment", Column::Experiment),
    ("status", Column::Status),
    ("started", Column::Started),
    ("took", Column::Took),
    ("user", Column::User),
];

impl Column {
    /// Reads `metrics.rmse`, `id`, ….
    pub(super) fn read(word: &str) -> Result<Self, Error> {
        if let Some((_, column)) = PLAIN.iter().find(|(name, _)| *name == word) {
            return Ok(column.clone());
        }
        match word.split_once('.') {
            Some(("metrics" | "metric", key)) => Ok(Self::Metric(key.to_owned())),
            Some(("params" | "param", key)) => Ok(Self::Param(key.to_owned())),
            Some(("tags" | "tag", key)) => Ok(Self::Tag(key.to_owned())),
            _ => {
                let names: Vec<_> = PLAIN.iter().map(|(name, _)| *name).collect();
                let near = hpipe_core::nearest(word, names.iter().copied());
                Err(Error::Usage {
                    message: format!("there is no column `{word}`"),
                    help: match near {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!(
                            "columns are {}, metrics.KEY, params.KEY and tags.KEY",
                            names.join(", ")
                        ),
                    },
                })
            }
        }
    }

    /// Those that are shown when none are asked for: with the metrics that most of the runs have.
    pub(super) fn usual(runs: &[Run]) -> Vec<Self> {
        let mut columns = vec![
            Self::Id,
            Self::Started,
            Self::Name,
            Self::Status,
            Self::Took,
        ];
        let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
        for metric in runs.iter().flat_map(|run| &run.data.metrics) {
            *uses.entry(&metric.key).or_default() += 1;
        }
        let mut uses: Vec<_> = uses.into_iter().collect();
        uses.sort_by_key(|(key, uses)| (std::cmp::Reverse(*uses), key.matches('.').count(), *key));
        let metrics = uses.into_iter().take(METRICS);
        columns.extend(metrics.map(|(key, _)| Self::Metric(key.to_owned())));
        columns
    }

    /// What stands above it.
    pub(super) fn heading(&self) -> String {
        match self {
            Self::Metric(key) => key.clone(),
            Self::Param(key) | Self::Tag(key) => key.clone(),
            plain => plain.word(),
        }
    }

    /// As it is asked for.
    pub(super) fn word(&self) -> String {
        match self {
            Self::Metric(key) => format!("metrics.{key}"),
            Self::Param(key) => format!("params.{key}"),
            Self::Tag(key) => format!("tags.{key}"),
            plain => {
                let named = PLAIN.iter().find(|(_, column)| column == plain);
                named.map_or_else(String::new, |(name, _)| (*name).to_owned())
            }
        }
    }

    /// What a run has there; ids and times in full unless `short`.
    pub(super) fn of(&self, run: &Run, experiment: &str, short: bool) -> Option<Value> {
        let text = |text: &str| Some(Value::from(text));
        let pair = |pairs: &[hpipe_track::ledger::Pair], key: &str| {
            let found = pairs.iter().find(|pair| pair.key == *key);
            found.map(|pair| Value::from(pair.value.as_str()))
        };
        match self {
            Self::Id if short => text(&run.info.id[..SHORT.min(run.info.id.len())]),
            Self::Id => text(&run.info.id),
            Self::Name => text(&run.info.name),
            Self::Stage => pair(&run.data.tags, "hpipe.stage"),
            Self::Experiment => text(experiment),
            Self::Status if short => text(&run.info.status.to_lowercase()),
            Self::Status => text(&run.info.status),
            Self::Started => Some(Value::from(&*hpipe_store::readable_time(
                run.info.start_time?,
            ))),
            Self::Took => took(run).map(|seconds| match short {
                true => Value::from(&*crate::ui::lasted(seconds)),
                false => Value::Float(seconds),
            }),
            Self::User => text(&run.info.user),
            Self::Metric(key) => {
                let found = run.data.metrics.iter().find(|metric| metric.key == *key);
                found.map(|metric| Value::Float(metric.value))
            }
            Self::Param(key) => pair(&run.data.params, key),
            Self::Tag(key) => pair(&run.data.tags, key),
        }
    }
}

/// How long a run took, in seconds, if it has ended.
pub(super) fn took(run: &Run) -> Option<f64> {
    let lasted = run.info.end_time?.checked_sub(run.info.start_time?)?;
    Some(lasted.max(0) as f64 / 1000.0)
}
