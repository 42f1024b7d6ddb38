//! What `tune --json` and `--report` write: a study and all its trials. Format page: `docs/formats/study.md`.

use hpipe_core::{Mapping, Value};
use hpipe_tune::{Best, Direction, Importance, Outcome, State, Trial};
use serde::Serialize;

use super::value::{InOrder, JsonValue};
use super::{VERSION, line};
use crate::tune::{Asked, End, Found, Goal, Stop};
use crate::ui::Counted;

/// Encodes a study; `importance` is that of its trials.
pub(crate) fn study(
    asked: &Asked,
    goal: &Goal,
    found: &Found,
    importance: &[Importance],
) -> String {
    let definition = &asked.definition;
    let counted = Counted::of(found);
    line(&Study {
        v: VERSION,
        study: asked.name.as_deref(),
        metric: Metric {
            file: goal.file.as_str(),
            key: &goal.key,
        },
        direction: match definition.direction() {
            Direction::Minimize => "minimize",
            Direction::Maximize => "maximize",
        },
        seed: definition.seed(),
        concurrency: definition.concurrency(),
        planned: definition.trials(),
        stopped: found.stop.map(|stop| match stop {
            Stop::Interrupted => "interrupted",
            Stop::Timeout => "timeout",
            Stop::Failing => "failing",
        }),
        ran: counted.ran,
        restored: counted.restored,
        failed: counted.failed,
        best: found.study.best().map(best),
        importance: InOrder(
            importance
                .iter()
                .map(|one| (one.param.as_str(), one.share))
                .collect(),
        ),
        trials: found
            .ends
            .iter()
            .filter_map(|(number, end)| Some(trial(found.study.trials().get(*number)?, end)))
            .collect(),
        seconds: found.duration.as_secs_f64(),
    })
}

#[derive(Serialize)]
struct Study<'a> {
    v: u32,
    study: Option<&'a str>,
    metric: Metric<'a>,
    direction: &'static str,
    seed: u64,
    concurrency: usize,
    planned: usize,
    stopped: Option<&'static str>,
    ran: usize,
    restored: usize,
    failed: usize,
    best: Option<BestTrial<'a>>,
    importance: InOrder<'a, f64>,
    trials: Vec<OneTrial<'a>>,
    seconds: f64,
}

#[derive(Serialize)]
struct Metric<'a> {
    file: &'a str,
    key: &'a str,
}

#[derive(Serialize)]
struct BestTrial<'a> {
    trial: usize,
    value: Number,
    params: InOrder<'a, JsonValue<'a>>,
}

#[derive(Serialize)]
struct OneTrial<'a> {
    trial: usize,
    state: &'static str,
    value: Option<Number>,
    params: InOrder<'a, JsonValue<'a>>,
    executed: Vec<&'a str>,
    seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<String>,
}

/// A float, infinities as texts.
struct Number(f64);

impl Serialize for Number {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        JsonValue(&Value::Float(self.0)).serialize(serializer)
    }
}

fn best(best: Best<'_>) -> BestTrial<'_> {
    BestTrial {
        trial: best.trial.number,
        value: Number(best.value),
        params: params(&best.trial.params),
    }
}

fn trial<'a>(trial: &'a Trial, end: &'a End) -> OneTrial<'a> {
    OneTrial {
        trial: trial.number,
        state: match trial.state {
            State::Running => "running",
            State::Finished(Outcome::Complete(_)) => "complete",
            State::Finished(Outcome::Pruned { .. }) => "pruned",
            State::Finished(Outcome::Failed) => "failed",
        },
        value: trial.value().map(Number),
        params: params(&trial.params),
        executed: end.executed.iter().map(|stage| stage.as_str()).collect(),
        seconds: end.duration.as_secs_f64(),
        error: end.error.as_deref(),
        log: end.log.as_ref().map(|log| log.display().to_string()),
    }
}

fn params(params: &Mapping) -> InOrder<'_, JsonValue<'_>> {
    InOrder(
        params
            .iter()
            .map(|(name, value)| (name, JsonValue(value)))
            .collect(),
    )
}
