//! The trials of a search, as runs within its run. The file is docs/formats/stage_study.md.

use hpipe_core::Value;
use hpipe_track::ledger::{Metric, Pair, RunResults};
use serde::Deserialize;

use super::words::{self, Params};

#[derive(Debug, Deserialize)]
struct StudyFile {
    format: String,
    content: Study,
}

/// What a search found, as far as runs tell of it.
#[derive(Debug, Deserialize)]
pub(super) struct Study {
    objective: Objective,
    best: Option<Trial>,
    trials: Vec<Trial>,
}

#[derive(Debug, Deserialize)]
struct Objective {
    metric: String,
}

#[derive(Debug, Deserialize)]
struct Trial {
    number: u64,
    state: Option<String>,
    value: Option<f64>,
    params: Value,
    steps: Option<u64>,
    failure: Option<String>,
}

impl Study {
    /// Reads the file; none if it is no study.
    pub(super) fn read(text: &str) -> Option<Self> {
        let file: StudyFile = serde_json::from_str(text).ok()?;
        (file.format == "hpipe-study").then_some(file.content)
    }

    /// What the search itself came to: the best value, under the name of its metric, and the best params.
    pub(super) fn best(&self, now: i64) -> (Vec<Pair>, Vec<Metric>) {
        let Some(best) = &self.best else {
            return Default::default();
        };
        let mut params = Params::default();
        params.add("best", &best.params, "study");
        let mut metrics = self.metrics(best, now);
        metrics.push(metric("best_trial", best.number as f64, 0, now));
        (params.into_pairs(), metrics)
    }

    /// Every trial, with its name.
    pub(super) fn trials(&self, now: i64) -> Vec<(String, RunResults)> {
        let trials = self.trials.iter();
        trials
            .map(|trial| {
                let name = format!("trial {}", trial.number);
                (name, self.results(trial, now))
            })
            .collect()
    }

    fn results(&self, trial: &Trial, now: i64) -> RunResults {
        let state = trial.state.as_deref().unwrap_or("complete");
        let mut params = Params::default();
        params.add("", &trial.params, "study");
        let mut tags = vec![words::tag("hpipe.trial_state", state)];
        tags.extend(
            trial
                .failure
                .iter()
                .map(|why| words::tag("hpipe.failure", why)),
        );
        let is_best = self.best.as_ref().is_some_and(|b| b.number == trial.number);
        tags.extend(is_best.then(|| words::tag("hpipe.best_trial", "true")));
        RunResults {
            status: match state {
                "failed" => "FAILED".to_owned(),
                _ => "FINISHED".to_owned(),
            },
            end_time: now,
            params: params.into_pairs(),
            metrics: self.metrics(trial, now),
            tags,
        }
    }

    fn metrics(&self, trial: &Trial, now: i64) -> Vec<Metric> {
        let step = trial.steps.unwrap_or_default() as i64;
        let value = trial.value.into_iter();
        let name = &self.objective.metric;
        value.map(|value| metric(name, value, step, now)).collect()
    }
}

fn metric(name: &str, value: f64, step: i64, now: i64) -> Metric {
    Metric {
        key: words::key(name),
        value,
        timestamp: now,
        step,
        ..Metric::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"format": "hpipe-study", "version": 1, "content": {"model": "ridge", "target": "y",
        "objective": {"metric": "rmse"},
        "best": {"number": 1, "value": 0.5, "params": {"alpha": 8.1}, "hyperparameters": {"alpha": 8.1}},
        "importance": [], "trials": [
        {"number": 0, "state": "failed", "value": null, "params": {"alpha": 0.5}, "failure": "singular"},
        {"number": 1, "state": "complete", "value": 0.5, "params": {"alpha": 8.1}, "steps": 3}]}}"#;

    #[test]
    fn trials_become_runs() {
        let study = Study::read(TEXT).expect("a study");
        let trials = study.trials(9);
        let (name, failed) = &trials[0];
        assert_eq!(
            (name.as_str(), failed.status.as_str()),
            ("trial 0", "FAILED")
        );
        assert!(failed.metrics.is_empty());
        assert!(
            failed
                .tags
                .contains(&Pair::new("hpipe.failure", "singular"))
        );
        let best = &trials[1].1;
        assert_eq!((best.metrics[0].value, best.metrics[0].step), (0.5, 3));
        assert!(best.tags.contains(&Pair::new("hpipe.best_trial", "true")));
        let (params, metrics) = study.best(9);
        assert_eq!(params, [Pair::new("best.alpha", "8.1")]);
        assert_eq!(metrics[0].key, "rmse");
        assert!(Study::read("{}").is_none());
    }
}
