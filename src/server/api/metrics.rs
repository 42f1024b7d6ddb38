//! Calls about metrics and params.

use hpipe_track::LedgerError;
use std::collections::BTreeSet;

use hpipe_track::ledger::{Batch, Change, Metric, Records};

use crate::answers::{Answer, done, one, page};
use crate::fields::{Fields, missing};
use crate::pages;

/// Runs and values that the calls for charts give at once.
const MOST_RUNS: usize = 100;
const MOST_VALUES: usize = 25_000;
const SAMPLED_VALUES: usize = 2500;

pub(super) fn log_metric(change: &Change<'_>, fields: &Fields<'_>) -> Answer {
    change.log_metric(fields.run_id()?, &metric(fields)?)?;
    done()
}

pub(super) fn log_param(change: &Change<'_>, fields: &Fields<'_>) -> Answer {
    change.log_param(fields.run_id()?, &fields.pair()?)?;
    done()
}

pub(super) fn log_batch(change: &Change<'_>, fields: &Fields<'_>) -> Answer {
    let metrics = fields.objects("metrics")?;
    let batch = Batch {
        metrics: metrics.iter().map(metric).collect::<Result<_, _>>()?,
        params: fields.pairs("params")?,
        tags: fields.pairs("tags")?,
    };
    change.log_batch(fields.run_id()?, &batch)?;
    done()
}

fn metric(fields: &Fields<'_>) -> Result<Metric, LedgerError> {
    Ok(Metric {
        key: fields.required("key")?.to_owned(),
        value: fields.number("value")?,
        timestamp: fields
            .integer("timestamp")?
            .ok_or_else(|| missing("timestamp"))?,
        step: fields.integer("step")?.unwrap_or_default(),
        model_id: fields.owned("model_id")?,
        dataset_name: fields.owned("dataset_name")?,
        dataset_digest: fields.owned("dataset_digest")?,
        run_id: None,
    })
}

pub(super) fn history(records: &Records<'_>, fields: &Fields<'_>) -> Answer {
    let limit = match fields.has("max_results") {
        true => Some(pages::limit(fields, MOST_VALUES, usize::MAX)?),
        false => None,
    };
    let (run, key) = (fields.run_id()?, fields.required("metric_key")?);
    page(
        "metrics",
        &records.metric_history(run, key, limit, pages::offset(fields)?)?,
    )
}

/// The history in several runs, one after the other.
pub(super) fn history_bulk(records: &Records<'_>, fields: &Fields<'_>) -> Answer {
    let key = fields.required("metric_key")?;
    let mut left = pages::limit(fields, MOST_VALUES, MOST_VALUES)?;
    let mut found = Vec::new();
    for run in runs(fields, "run_id")? {
        let page = records.metric_history(&run, key, Some(left), 0)?;
        left -= page.items.len();
        found.extend(page.items.into_iter().map(|metric| of_run(metric, &run)));
        if left == 0 {
            break;
        }
    }
    one("metrics", found.as_slice())
}

/// The history in several runs between two steps, thinned out to as many values as a chart can show.
pub(super) fn history_interval(records: &Records<'_>, fields: &Fields<'_>) -> Answer {
    let key = fields.required("metric_key")?;
    let limit = pages::limit(fields, SAMPLED_VALUES, SAMPLED_VALUES)?;
    let (start, end) = (fields.integer("start_step")?, fields.integer("end_step")?);
    match (start, end) {
        (Some(start), Some(end)) if start > end => {
            return Err(LedgerError::invalid(format!(
                "end_step must be greater than start_step. Found start_step={start} and end_step={end}."
            )));
        }
        (Some(_), None) | (None, Some(_)) => {
            return Err(LedgerError::invalid(
                "If either start step or end step are specified, both must be specified.",
            ));
        }
        _ => {}
    }
    let mut found = Vec::new();
    for run in runs(fields, "run_ids")? {
        let mut metrics = records.metric_history(&run, key, None, 0)?.items;
        metrics.retain(|metric| {
            start.is_none_or(|start| metric.step >= start)
                && end.is_none_or(|end| metric.step <= end)
        });
        metrics.sort_by_key(|metric| (metric.step, metric.timestamp));
        let sampled = sample(&metrics, limit);
        found.extend(
            sampled
                .into_iter()
                .map(|metric| of_run(metric.clone(), &run)),
        );
    }
    one("metrics", found.as_slice())
}

fn runs(fields: &Fields<'_>, name: &str) -> Result<Vec<String>, LedgerError> {
    let runs = fields.texts(name)?;
    if runs.is_empty() {
        return Err(missing(name));
    }
    if runs.len() > MOST_RUNS {
        return Err(LedgerError::invalid(format!(
            "GetMetricHistoryBulk request cannot specify more than {MOST_RUNS} run_ids. Received {} run_ids.",
            runs.len()
        )));
    }
    Ok(runs)
}

fn of_run(metric: Metric, run: &str) -> Metric {
    Metric {
        run_id: Some(run.to_owned()),
        ..metric
    }
}

/// About `limit` values at even distances, with the first and the last.
fn sample(metrics: &[Metric], limit: usize) -> Vec<&Metric> {
    if metrics.len() <= limit {
        return metrics.iter().collect();
    }
    let last = metrics.len() - 1;
    let places: BTreeSet<_> = (0..limit)
        .map(|place| place * last / (limit - 1).max(1))
        .collect();
    places.into_iter().map(|place| &metrics[place]).collect()
}
