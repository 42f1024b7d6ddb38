//! The figures of an explanation: importance by permutation and gain, SHAP values.

use hpipe_learn::explain::{
    self, ExplainError, ImportanceKind, PermutationParams, ensemble_importance, shares,
};
use hpipe_learn::learned::Learned;
use hpipe_learn::ready::Ready;
use hpipe_learn::tree::Aggregation;
use linfa::ParamGuard;
use ndarray::{Array2, ArrayView1, ArrayView2, Axis};

use super::params::ExplainParams;
use super::subject::Subject;
use crate::csv;
use crate::error::Error;
use crate::explanation::{Explanation, FeatureRecord, Permutation, Sample, Shap, Spread};
use crate::scores::Scores;
use crate::shuffle::Generator;

/// How many rows' SHAP values the explanation keeps for charts.
const KEPT: usize = 150;

/// By how much the score gets worse when each feature is shuffled.
///
/// # Errors
/// [`Error::UndefinedScore`] where the metric has no value on the test part.
pub(super) fn permutation(
    subject: &Subject,
    params: &ExplainParams,
) -> Result<(Permutation, Vec<Spread>), Error> {
    let metric = params.metric;
    let baseline = Scores::new(&subject.actual, &subject.predicted).get(metric);
    let Some(baseline) = baseline else {
        return Err(Error::UndefinedScore {
            score: metric.name(),
            path: subject.test.clone(),
        });
    };
    let goodness = |actual: &[f64], predicted: &[f64]| {
        let score = Scores::new(actual, predicted).get(metric);
        score.map_or(f64::NAN, |score| metric.goodness(score))
    };
    let failed = |error: explain::PermutationError| Error::Numerical(error.to_string());
    let shuffles = PermutationParams::new(params.seed).repeats(params.repeats);
    let shuffles = shuffles.check().map_err(failed)?;
    let model = Ready::new(&subject.model.learned);
    let predict = |records: ArrayView2<'_, f64>| model.predict(records);
    let records = subject.records.view();
    let importance = shuffles.importance(records, &subject.actual, predict, goodness);
    let importance = importance.map_err(failed)?;
    let (means, deviations) = (importance.means(), importance.deviations());
    let spreads = means.iter().zip(&deviations);
    let spread = |(&mean, &standard_deviation)| Spread {
        mean,
        standard_deviation,
    };
    let permutation = Permutation {
        metric,
        baseline,
        rows: subject.actual.len(),
        repeats: params.repeats,
        seed: params.seed,
    };
    Ok((permutation, spreads.map(spread).collect()))
}

/// The explanation of all that was measured.
pub(super) fn explanation(
    subject: &Subject,
    permutation: Permutation,
    spreads: &[Spread],
    contributions: Option<&Contributions>,
) -> Explanation {
    let card = &subject.model.card;
    let gains = gains(&subject.model.learned);
    let means = contributions.map(Contributions::mean_absolute);
    let names = subject.names().into_iter().zip(spreads).enumerate();
    let feature = |(place, (name, permutation)): (usize, (String, &Spread))| FeatureRecord {
        name,
        permutation: *permutation,
        gain: gains.as_ref().map(|gains| gains[place]),
        mean_abs_shap: means.as_ref().map(|means| means[place]),
    };
    Explanation {
        model: subject.path.clone(),
        kind: card.kind,
        target: card.target.clone(),
        permutation,
        features: names.map(feature).collect(),
        shap: contributions.map(|contributions| contributions.record(subject)),
    }
}

/// The share of each feature in the gain of all splits, of a forest as the mean of its trees' shares: what scikit-learn calls
/// `feature_importances_`. None of what is not trees alone.
fn gains(learned: &Learned) -> Option<Vec<f64>> {
    match learned {
        Learned::Trees(ensemble) => {
            let kind = match ensemble.aggregation {
                Aggregation::Mean => ImportanceKind::MeanShare,
                Aggregation::Sum => ImportanceKind::TotalGain,
            };
            Some(shares(ensemble_importance(ensemble, kind)))
        }
        Learned::Linked(_, model) => gains(model),
        Learned::Linear { .. } | Learned::Stack(_) => None,
    }
}

/// SHAP values of some test rows.
pub(super) struct Contributions {
    /// What is predicted when nothing is known of a row, in the target's unit.
    pub(super) expected: f64,
    /// The rows, ascending, counted from 0.
    pub(super) rows: Vec<usize>,
    /// `rows.len() × n_features`, in the target's unit.
    values: Array2<f64>,
    /// Those of the row that is predicted worst.
    pub(super) of_worst: Vec<f64>,
}

impl Contributions {
    /// The SHAP values of a seeded choice of rows; none of a model whose predictions are no sums of contributions.
    ///
    /// # Errors
    /// [`Error::Numerical`], which would be our fault.
    pub(super) fn compute(
        subject: &Subject,
        params: &ExplainParams,
    ) -> Result<Option<Self>, Error> {
        let rows = chosen(subject.actual.len(), params.rows, params.seed);
        // the worst row goes last, and comes off again
        let asked = [&rows[..], &[subject.worst()]].concat();
        let records = subject.records.select(Axis(0), &asked);
        let explained =
            explain::explain(&subject.model.learned, subject.means.view(), records.view());
        let explained = match explained {
            Ok(explained) => explained,
            Err(ExplainError::Linked) => return Ok(None),
            Err(error) => return Err(Error::Numerical(error.to_string())),
        };
        let (values, of_worst) = explained.values.view().split_at(Axis(0), rows.len());
        Ok(Some(Self {
            expected: explained.expected,
            values: values.to_owned(),
            of_worst: of_worst.iter().copied().collect(),
            rows,
        }))
    }

    /// The mean of |SHAP value| of each feature.
    pub(super) fn mean_absolute(&self) -> Vec<f64> {
        let mean = |column: ArrayView1<'_, f64>| {
            column.iter().map(|x| x.abs()).sum::<f64>() / column.len() as f64
        };
        self.values.axis_iter(Axis(1)).map(mean).collect()
    }

    /// Values and contributions of every `step`-th of the rows.
    pub(super) fn sample(&self, subject: &Subject, step: usize) -> Sample {
        let known = |x: f64| Some(x).filter(|x| !x.is_nan());
        let places = || (0..self.rows.len()).step_by(step);
        let features = 0..self.values.ncols();
        let value = |feature: usize| {
            let value = |place: usize| known(subject.records[[self.rows[place], feature]]);
            places().map(value).collect()
        };
        let contribution = |feature: usize| {
            places()
                .map(|place| self.values[[place, feature]])
                .collect()
        };
        Sample {
            values: features.clone().map(value).collect(),
            contributions: features.map(contribution).collect(),
        }
    }

    fn record(&self, subject: &Subject) -> Shap {
        Shap {
            expected: self.expected,
            rows: self.rows.len(),
            background: subject.background,
            sample: self.sample(subject, self.rows.len().div_ceil(KEPT)),
        }
    }

    /// A row an explained row: its number in the part, its prediction, what is expected, and what each feature adds.
    pub(super) fn csv(&self, subject: &Subject) -> String {
        let fixed = ["row", "predicted", "expected"].map(str::to_owned);
        let mut text = csv::line(fixed.into_iter().chain(subject.names()));
        for (&row, values) in self.rows.iter().zip(self.values.rows()) {
            let (predicted, expected) = (subject.predicted[row], self.expected);
            let fixed = [
                (row + 1).to_string(),
                predicted.to_string(),
                expected.to_string(),
            ];
            let values = values.iter().map(f64::to_string);
            text += &csv::line(fixed.into_iter().chain(values));
        }
        text
    }
}

/// At most `most` of `count` rows, each equally likely, ascending.
fn chosen(count: usize, most: usize, seed: u64) -> Vec<usize> {
    let mut rows: Vec<usize> = (0..count).collect();
    if count > most {
        Generator::new(seed).shuffle(&mut rows);
        rows.truncate(most);
        rows.sort_unstable();
    }
    rows
}

#[cfg(test)]
mod tests {
    use hpipe_learn::learned::Link;
    use ndarray::{Array1, array};
    use serde_json::Value as Json;

    use super::*;
    use crate::explanation::Background;
    use crate::model::{Card, Model, ModelKind, Training};
    use crate::options::{self, tests::value};
    use crate::schema::Schema;
    use crate::table::{Column, Table};

    /// A model of another program, `exp(x)`, and three rows.
    fn linked() -> Subject {
        let column = Column::number("x", vec![Some(0.0), Some(1.0), Some(2.0)]);
        let table = Table::new(vec![column]).expect("a table");
        let linear = Learned::Linear {
            intercept: 0.0,
            coefficients: vec![1.0],
        };
        Subject {
            model: Model {
                card: Card {
                    kind: ModelKind::Imported,
                    target: "y".into(),
                    features: Schema::learn(&table, "y"),
                    hyperparameters: Json::Null,
                    seed: 0,
                    training: Training::default(),
                },
                learned: Learned::Linked(Link::Exp, Box::new(linear)),
            },
            path: "m".into(),
            test: "t".into(),
            records: array![[0.0], [1.0], [2.0]],
            actual: vec![1.0, 2.0, 9.0],
            predicted: vec![1.0, 1_f64.exp(), 2_f64.exp()],
            means: Array1::from_vec(vec![1.0]),
            background: Background::Test,
        }
    }

    #[test]
    fn a_model_with_a_link_has_importance_and_no_shap_values() {
        let params = options::checked::<ExplainParams>(&value(r#"{"target": "y"}"#));
        let (subject, params) = (linked(), params.expect("options"));
        assert_eq!(subject.worst(), 2);
        let contributions = Contributions::compute(&subject, &params).expect("computed");
        assert!(contributions.is_none());
        let (permutation, spreads) = permutation(&subject, &params).expect("importance");
        assert!(spreads[0].mean > 0.0, "{spreads:?}");
        let explanation = explanation(&subject, permutation, &spreads, None);
        assert_eq!(explanation.shap, None);
        assert_eq!(explanation.features[0].mean_abs_shap, None);
    }

    #[test]
    fn rows_are_chosen_by_seed_and_only_if_there_are_too_many() {
        assert_eq!(chosen(4, 4, 1), [0, 1, 2, 3]);
        let some = chosen(1000, 30, 1);
        assert_eq!(some.len(), 30);
        assert!(some.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(some, chosen(1000, 30, 1));
        assert_ne!(some, chosen(1000, 30, 2));
    }
}
