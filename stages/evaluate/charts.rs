//! The charts of an evaluation: all models side by side, and where the best one errs.

use hpipe_plot::{
    Axis, Bar, Bars, Chart, Figure, Fill, Mark, ModelScores, Quantity, Region, Tone,
    compared_models, format_number, predicted_against_actual, regions, residual_histogram,
    residual_quantiles, residuals_against_predicted,
};

use super::params::RegionKind;
use super::report::{Evaluation, Judged};
use super::residuals::Group;
use super::selection::Selection;
use super::supplements::Supplements;
use crate::drawings::Drawings;
use crate::error::Error;
use crate::split::Part;

/// What was found, of which the best model's predictions are drawn.
pub(super) struct Findings<'a> {
    pub(super) evaluation: &'a Evaluation<'a>,
    pub(super) selection: &'a Selection<'a>,
    pub(super) supplements: &'a Supplements,
    /// The target of the test rows.
    pub(super) actual: &'a [f64],
    /// What the best model predicts of them.
    pub(super) predicted: &'a [f64],
}

impl Findings<'_> {
    /// Draws every chart that goes to the folder.
    ///
    /// # Errors
    /// [`Error::Draw`], which would be our fault.
    pub(super) fn draw(&self) -> Result<Drawings, Error> {
        let mut drawings = Drawings::default();
        drawings.add("comparison", &self.comparison());
        let target = self.evaluation.params().quantity();
        let (actual, predicted) = (self.actual, self.predicted);
        drawings.try_add(
            "predicted_against_actual",
            predicted_against_actual(actual, predicted, &target),
        )?;
        drawings.try_add(
            "residuals_against_predicted",
            residuals_against_predicted(actual, predicted, &target),
        )?;
        let histogram = residual_histogram(actual, predicted, &target);
        drawings.try_add("residual_histogram", histogram)?;
        let quantiles = residual_quantiles(actual, predicted, &target);
        drawings.try_add("residual_quantiles", quantiles)?;
        if let Some(best) = self.evaluation.models().first() {
            self.draw_groups(&mut drawings, best);
        }
        Ok(drawings)
    }

    fn comparison(&self) -> Figure {
        let params = self.evaluation.params();
        let metric = params.select.metric;
        let score = |model: &Judged, part| model.score(part, metric).unwrap_or(f64::NAN);
        let models = self.evaluation.models().iter().enumerate();
        let models: Vec<ModelScores> = models
            .map(|(place, model)| ModelScores {
                model: model.name.clone(),
                scores: Part::ALL.map(|part| score(model, part)).to_vec(),
                is_selected: place == 0,
            })
            .collect();
        let limit = params.limit(metric);
        compared_models(
            &params.labelled(metric),
            &Part::ALL.map(Part::name),
            &models,
            limit.map(|limit| (limit, "required on test")),
        )
    }

    fn draw_groups(&self, drawings: &mut Drawings, best: &Judged) {
        let params = self.evaluation.params();
        let unit = params.unit.as_deref();
        let by_target = &best.residuals.by_target;
        let label = params.quantity();
        let title = format!("Residuals by {}", label.name);
        drawings.add("residuals_by_target", &bars(&title, by_target, unit));
        let Some(groups) = &best.residuals.by_region else {
            return;
        };
        match &params.regions {
            Some(RegionKind::Grid(columns, _)) => {
                let [mean, rmse] = maps(groups, columns, unit);
                drawings.add("residuals_by_region", &mean);
                drawings.add("rmse_by_region", &rmse);
            }
            _ => drawings.add(
                "residuals_by_region",
                &bars("Residuals by region", groups, unit),
            ),
        }
    }
}

/// Two bars a group: the mean of its residuals, and their root mean square.
fn bars(title: &str, groups: &[Group], unit: Option<&str>) -> Figure {
    let layer = |place: usize, name: &str, value: fn(&Group) -> f64| {
        let middle = |group: usize| group as f64 - 0.2 + 0.4 * place as f64;
        let bar = |(number, group): (usize, &Group)| {
            let label = format_number(value(group), 3);
            Bar {
                tip: Some(format!(
                    "{}, {name}: {label}, {} rows",
                    group.name, group.rows
                )),
                label: Some(label),
                ..Bar::new(middle(number), 0.34, value(group))
            }
        };
        Mark::Bars(Bars {
            bars: groups.iter().enumerate().map(bar).collect(),
            is_horizontal: true,
            tone: Tone::Series(place),
            fill: Fill::of_series(2 - place),
            name: Some(name.to_owned()),
        })
    };
    let names = groups.iter().map(|group| group.name.clone());
    let chart = Chart::new(
        Axis::linear(in_unit("residual", unit)).including(0.0),
        Axis::category("", names),
    )
    .with(layer(0, "mean", |group| group.mean))
    .with(layer(1, "rmse", |group| group.rmse));
    Figure::new(title, chart)
        .subtitle("target minus prediction, test part")
        .panel_height(56.0 + 38.0 * groups.len().max(1) as f64)
}

/// Where the mean residual and the error are how large.
fn maps(groups: &[Group], [x, y]: &[String; 2], unit: Option<&str>) -> [Figure; 2] {
    // degrees of latitude are longer than those of longitude, other grids are what they are
    let says = |name: &str, word: &str| name.to_lowercase().starts_with(word);
    let is_geographic = says(x, "lon") && says(y, "lat");
    let (x, y) = (Quantity::new(x), Quantity::new(y));
    let map = |title: &str, name: &str, value: fn(&Group) -> f64, around_zero: bool| {
        let region = |group: &Group| {
            let square = group.square?;
            Some(Region {
                x: square.x,
                y: square.y,
                value: value(group),
                rows: group.rows,
            })
        };
        let squares: Vec<Region> = groups.iter().filter_map(region).collect();
        let value = Quantity {
            name: name.to_owned(),
            unit: unit.map(str::to_owned),
        };
        regions(
            title,
            (&x, &y),
            &value,
            &squares,
            around_zero,
            is_geographic,
        )
    };
    [
        map("Mean residual by region", "mean residual", |g| g.mean, true),
        map("RMSE by region", "RMSE", |g| g.rmse, false),
    ]
}

fn in_unit(words: &str, unit: Option<&str>) -> String {
    match unit {
        Some(unit) => format!("{words} ({unit})"),
        None => words.to_owned(),
    }
}
