//! The explanation artifact: what a model looks at, feature by feature.
//!
//! Written by `explain`, read by `evaluate` for its report. Its file is `docs/formats/explanation.md`.

use hpipe_core::PortPath;
use hpipe_plot::{Error as PlotError, Explained, Figure, Importance, Quantity};
use serde::{Deserialize, Serialize};

use crate::artifact::{self, Artifact};
use crate::error::Error;
use crate::model::ModelKind;
use crate::scores::Score;

/// How many features a chart shows at most.
pub(crate) const MOST_FEATURES: usize = 20;

/// What a model looks at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Explanation {
    /// The path of the model, as the pipeline declares it.
    pub(crate) model: String,
    /// Which model.
    pub(crate) kind: ModelKind,
    /// The column it predicts.
    pub(crate) target: String,
    /// What importance by permutation is measured with.
    pub(crate) permutation: Permutation,
    /// Its features, in its order.
    pub(crate) features: Vec<FeatureRecord>,
    /// Its SHAP values; none of a model whose prediction is no sum of contributions.
    pub(crate) shap: Option<Shap>,
}

/// What importance by permutation is measured with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Permutation {
    /// The score that gets worse.
    pub(crate) metric: Score,
    /// Its value on the test part as it is.
    pub(crate) baseline: f64,
    /// Number of test rows.
    pub(crate) rows: usize,
    /// How often each feature was shuffled.
    pub(crate) repeats: usize,
    /// The seed of the shuffles, and of the choice of rows for SHAP.
    pub(crate) seed: u64,
}

/// How much a feature matters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct FeatureRecord {
    /// Its name.
    pub(crate) name: String,
    /// By how much the score gets worse when its values are shuffled.
    pub(crate) permutation: Spread,
    /// Its share in the gain of all splits; none where there are no trees, or others beside them.
    pub(crate) gain: Option<f64>,
    /// Mean of |SHAP value| over the explained rows, in the target's unit.
    pub(crate) mean_abs_shap: Option<f64>,
}

/// Mean and standard deviation over repeats.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spread {
    pub(crate) mean: f64,
    pub(crate) standard_deviation: f64,
}

/// The SHAP values of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Shap {
    /// What is predicted when nothing is known of a row, in the target's unit.
    pub(crate) expected: f64,
    /// Number of explained rows.
    pub(crate) rows: usize,
    /// Which part's means stand for "not known" in linear models.
    pub(crate) background: Background,
    /// Some of them, for charts.
    pub(crate) sample: Sample,
}

/// A part of the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Background {
    /// The rows the model was fitted on.
    Train,
    /// The rows it is judged on.
    Test,
}

/// Values and contributions of some rows: `n_features × n_rows`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// What each feature is, null where it is missing; of words their codes.
    pub(crate) values: Vec<Vec<Option<f64>>>,
    /// What each feature adds to the prediction, in the target's unit.
    pub(crate) contributions: Vec<Vec<f64>>,
}

impl Artifact for Explanation {
    const FORMAT: &'static str = "hpipe-explanation";
    const VERSION: u32 = 1;
    const WHAT: &'static str = "an explanation";
}

impl Explanation {
    /// Reads an explanation.
    ///
    /// # Errors
    /// Those of [`artifact::read`]; [`Error::NotAnArtifact`] when its columns are not those of its features.
    pub(crate) fn read(port: &PortPath) -> Result<Self, Error> {
        let explanation: Self = artifact::read(port)?;
        let features = explanation.features.len();
        let of_features = |shap: &Shap| {
            let sample = &shap.sample;
            sample.values.len() == features && sample.contributions.len() == features
        };
        if explanation.shap.as_ref().is_none_or(of_features) {
            return Ok(explanation);
        }
        Err(Error::NotAnArtifact {
            path: port.declared.to_string(),
            what: Self::WHAT,
            reason: format!("its sample does not have {features} features"),
        })
    }

    /// The features by importance, the most important first; of equals the one that comes first in the model.
    pub(crate) fn ranked(&self) -> Vec<&FeatureRecord> {
        let mut ranked: Vec<&FeatureRecord> = self.features.iter().collect();
        ranked.sort_by(|a, b| b.permutation.mean.total_cmp(&a.permutation.mean));
        ranked
    }

    /// The chart of importance by permutation.
    pub(crate) fn permutation_figure(&self, unit: Option<&str>) -> Figure {
        let metric = self.permutation.metric;
        let unit = unit.filter(|_| metric.has_unit());
        let unit = unit.map(|unit| format!(" ({unit})")).unwrap_or_default();
        let change = if metric.larger_is_better() {
            "fall"
        } else {
            "rise"
        };
        let measure = format!("{change} of {} when shuffled{unit}", metric.name());
        let bar = |feature: &FeatureRecord| Importance {
            name: feature.name.clone(),
            value: feature.permutation.mean,
            error: Some(feature.permutation.standard_deviation),
        };
        let bars: Vec<Importance> = self.features.iter().map(bar).collect();
        hpipe_plot::importance("Permutation importance", &measure, &bars, MOST_FEATURES)
    }

    /// The chart of importance by gain, of a model of trees.
    pub(crate) fn gain_figure(&self) -> Option<Figure> {
        let bar = |feature: &FeatureRecord| {
            Some(Importance {
                name: feature.name.clone(),
                value: feature.gain?,
                error: None,
            })
        };
        let bars: Option<Vec<Importance>> = self.features.iter().map(bar).collect();
        let measure = "share in the gain of all splits";
        bars.map(|bars| hpipe_plot::importance("Gain importance", measure, &bars, MOST_FEATURES))
    }

    /// The chart of the SHAP values of the sample.
    pub(crate) fn shap_figure(&self, target: &Quantity) -> Option<Result<Figure, PlotError>> {
        let shap = self.shap.as_ref()?;
        Some(hpipe_plot::shap_summary(
            &self.explained(&shap.sample),
            target,
            MOST_FEATURES,
        ))
    }

    /// A sample with the names of its features.
    pub(crate) fn explained(&self, sample: &Sample) -> Explained {
        let value = |value: &Option<f64>| value.unwrap_or(f64::NAN);
        let column = |column: &Vec<Option<f64>>| column.iter().map(value).collect();
        Explained {
            names: self.features.iter().map(|f| f.name.clone()).collect(),
            contributions: sample.contributions.clone(),
            values: sample.values.iter().map(column).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_of_version_1_are_read_and_written() {
        artifact::assert_golden::<Explanation>(include_str!("tests/golden/explanation.json"));
    }
}
