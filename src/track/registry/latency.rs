//! The gate of latency: how long a model may take to predict one row.
//!
//! It asks for a measurement: [`Latency`] holds for the machine it was taken on, at the moment of the
//! promotion, so it is no part of a record. Whoever promotes hands it in; where nobody could measure, the gate says why
//! and is not passed.

use serde::{Deserialize, Serialize};

use super::gates::{Check, figure, unjudged};
use super::replay::Replayed;

/// The name of the gate.
const GATE: &str = "latency";

/// How long a model may take to predict one row, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LatencyBudget {
    /// Of half of the predictions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50_ms: Option<f64>,
    /// Of 99 in 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99_ms: Option<f64>,
}

/// How long a model took to predict one row, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Latency {
    /// How many predictions were timed.
    pub predictions: u32,
    /// Half of them took no longer.
    pub p50_ms: f64,
    /// 99 in 100 took no longer.
    pub p99_ms: f64,
}

/// What was measured of a version before its gates are judged.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Measured {
    /// Its latency, or why it cannot be told; none if nobody measured.
    pub latency: Option<Result<Latency, String>>,
    /// How it answers over HTTP, or why that cannot be told; none if nobody asked.
    pub replay: Option<Result<Replayed, String>>,
}

impl Latency {
    /// The quantiles of durations in milliseconds; none if there are none.
    pub fn of(mut durations: Vec<f64>) -> Option<Self> {
        durations.sort_by(f64::total_cmp);
        // The smallest that at least this many in 100 do not exceed.
        let quantile = |percent: usize| {
            let rank = (durations.len() * percent).div_ceil(100);
            durations.get(rank.saturating_sub(1)).copied()
        };
        Some(Self {
            predictions: u32::try_from(durations.len()).unwrap_or(u32::MAX),
            p50_ms: quantile(50)?,
            p99_ms: quantile(99)?,
        })
    }
}

impl LatencyBudget {
    /// Says what is wrong with it, if something is.
    pub(crate) fn fault(self) -> Option<&'static str> {
        let said = [self.p50_ms, self.p99_ms].into_iter().flatten();
        match said.clone().next() {
            None => Some("it says neither `p50_ms` nor `p99_ms`"),
            Some(_) => said
                .into_iter()
                .any(|bound| bound.is_nan() || bound <= 0.0)
                .then_some("a budget is more than no milliseconds"),
        }
    }

    /// A check for each bound.
    pub(crate) fn judge(self, measured: &Measured) -> Vec<Check> {
        let refuse = |why: &str| {
            let message = format!("the latency of one row was not measured: {why}");
            vec![unjudged(GATE, "latency", message)]
        };
        let latency = match &measured.latency {
            None => return refuse("nobody here can load models"),
            Some(Err(why)) => return refuse(why),
            Some(Ok(latency)) => latency,
        };
        let of = latency.predictions;
        let checks = [
            ("p50", latency.p50_ms, self.p50_ms),
            ("p99", latency.p99_ms, self.p99_ms),
        ];
        let check = |(name, value, bound): (&str, f64, Option<f64>)| {
            let bound = bound?;
            let passed = value <= bound;
            let verdict = if passed { "at most" } else { "above" };
            Some(Check {
                value: Some(value),
                bound: Some(bound),
                passed,
                message: format!(
                    "{name} of one row {} ms is {verdict} {bound} ms ({of} predictions)",
                    figure(value)
                ),
                ..unjudged(GATE, &format!("{name}_ms"), String::new())
            })
        };
        checks.into_iter().filter_map(check).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_were_measured() {
        let hundred = (1..=100).rev().map(f64::from).collect();
        let expect = Latency {
            predictions: 100,
            p50_ms: 50.0,
            p99_ms: 99.0,
        };
        assert_eq!(Latency::of(hundred), Some(expect));
        let one = Latency::of(vec![7.0]).unwrap();
        assert_eq!((one.p50_ms, one.p99_ms), (7.0, 7.0));
        assert_eq!(Latency::of(Vec::new()), None);
    }

    #[test]
    fn a_budget_is_kept_missed_or_not_judged() {
        let latency = Latency {
            predictions: 1000,
            p50_ms: 0.02,
            p99_ms: 0.5,
        };
        let ok = Some(Ok(latency));
        for (budget, latency, expect) in [
            (
                r#"{"p99_ms": 0.5}"#,
                ok.clone(),
                "true p99 of one row 0.5 ms is at most 0.5 ms (1000 predictions)",
            ),
            (
                r#"{"p50_ms": 0.01, "p99_ms": 1}"#,
                ok,
                "false p50 of one row 0.02 ms is above 0.01 ms (1000 predictions); true p99 of one row 0.5 ms is at most 1 ms \
                 (1000 predictions)",
            ),
            (
                r#"{"p99_ms": 1}"#,
                Some(Err("it is no model".to_owned())),
                "false the latency of one row was not measured: it is no model",
            ),
            (
                r#"{"p99_ms": 1}"#,
                None,
                "false the latency of one row was not measured: nobody here can load models",
            ),
        ] {
            let budget: LatencyBudget = serde_json::from_str(budget).unwrap();
            let measured = Measured {
                latency,
                ..Measured::default()
            };
            let checks = budget.judge(&measured).into_iter();
            let told = checks.map(|check| format!("{} {}", check.passed, check.message));
            assert_eq!(told.collect::<Vec<_>>().join("; "), expect);
        }
    }

    #[test]
    fn a_budget_that_bounds_nothing_is_a_fault() {
        for (budget, is_fault) in [
            ("{}", true),
            (r#"{"p99_ms": 0}"#, true),
            (r#"{"p99_ms": 1, "p50_ms": -1}"#, true),
            (r#"{"p50_ms": 1}"#, false),
        ] {
            let budget: LatencyBudget = serde_json::from_str(budget).unwrap();
            assert_eq!(budget.fault().is_some(), is_fault, "{budget:?}");
        }
    }
}
