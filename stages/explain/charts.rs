//! The charts of one model.

use hpipe_plot::{
    Curve, Quantity, learning_curve, predicted_against_actual, residual_histogram,
    residuals_against_predicted, shap_dependence, shap_summary, shap_waterfall,
};

use super::measure::Contributions;
use super::params::ExplainParams;
use super::subject::Subject;
use crate::drawings::Drawings;
use crate::error::Error;
use crate::explanation::{Explanation, MOST_FEATURES};
use crate::model::History;

/// Of how many features the contribution is drawn against the value.
const DEPENDENCES: usize = 3;

/// How many features the waterfall shows one by one.
const STEPS: usize = 12;

/// What the charts show.
pub(super) struct Charts<'a> {
    pub(super) subject: &'a Subject,
    pub(super) explanation: &'a Explanation,
    pub(super) contributions: Option<&'a Contributions>,
    pub(super) params: &'a ExplainParams,
}

impl Charts<'_> {
    /// Draws every chart that this model has.
    ///
    /// # Errors
    /// [`Error::Draw`], which would be our fault.
    pub(super) fn draw(&self) -> Result<Drawings, Error> {
        let mut drawings = Drawings::default();
        let target = self.params.quantity();
        self.draw_predictions(&mut drawings, &target)?;
        let importance = self
            .explanation
            .permutation_figure(self.params.unit.as_deref());
        drawings.add("permutation_importance", &importance);
        if let Some(gain) = self.explanation.gain_figure() {
            drawings.add("gain_importance", &gain);
        }
        if let Some(history) = &self.subject.model.card.training.history {
            let (curves, best) = (curves(history), history.best_iteration as f64);
            let curve = learning_curve(&history.metric, &curves, Some(best), false);
            drawings.add("learning_curve", &curve);
        }
        if let Some(contributions) = self.contributions {
            self.draw_shap(&mut drawings, contributions, &target)?;
        }
        Ok(drawings)
    }

    fn draw_predictions(&self, drawings: &mut Drawings, target: &Quantity) -> Result<(), Error> {
        let (actual, predicted) = (&self.subject.actual, &self.subject.predicted);
        drawings.try_add(
            "predicted_against_actual",
            predicted_against_actual(actual, predicted, target),
        )?;
        drawings.try_add(
            "residuals_against_predicted",
            residuals_against_predicted(actual, predicted, target),
        )?;
        let histogram = residual_histogram(actual, predicted, target);
        drawings.try_add("residual_histogram", histogram)
    }

    fn draw_shap(
        &self,
        drawings: &mut Drawings,
        contributions: &Contributions,
        target: &Quantity,
    ) -> Result<(), Error> {
        let sample = contributions.sample(self.subject, 1);
        let explained = self.explanation.explained(&sample);
        let summary = shap_summary(&explained, target, MOST_FEATURES);
        drawings.try_add("shap_summary", summary)?;
        let ranked = ranked(&contributions.mean_absolute());
        for (place, &feature) in ranked.iter().take(DEPENDENCES).enumerate() {
            // the most important of the others tells best why equal values contribute differently
            let other = ranked.iter().copied().find(|other| *other != feature);
            let chart = shap_dependence(&explained, target, feature, other);
            drawings.try_add(&format!("shap_dependence_{}", place + 1), chart)?;
        }
        let features: Vec<(String, String, f64)> = self.steps(contributions);
        let waterfall = shap_waterfall(&features, contributions.expected, target, STEPS);
        let waterfall = waterfall.subtitle(self.subject.worst_in_words(target));
        drawings.add("shap_waterfall_worst", &waterfall);
        Ok(())
    }

    /// Name, value and contribution of each feature of the row that is predicted worst.
    fn steps(&self, contributions: &Contributions) -> Vec<(String, String, f64)> {
        let row = self.subject.worst();
        let names = self.subject.names().into_iter().enumerate();
        let step = |(feature, name)| {
            let value = self.subject.word(row, feature);
            (name, value, contributions.of_worst[feature])
        };
        names.map(step).collect()
    }
}

fn curves(history: &History) -> Vec<Curve> {
    let curve = |name: &str, values: &[f64]| Curve {
        name: name.to_owned(),
        values: (1_u32..)
            .map(f64::from)
            .zip(values.iter().copied())
            .collect(),
    };
    let curves = [
        ("train", &history.train),
        ("validation", &history.validation),
    ];
    let drawn = curves.into_iter().filter(|(_, values)| !values.is_empty());
    drawn.map(|(name, values)| curve(name, values)).collect()
}

/// The places of the largest, in their order; of equals the first.
fn ranked(importances: &[f64]) -> Vec<usize> {
    let mut places: Vec<usize> = (0..importances.len()).collect();
    places.sort_by(|a, b| importances[*b].total_cmp(&importances[*a]));
    places
}
