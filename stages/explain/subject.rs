//! What is explained: a model, the test rows, and what it predicts of them.

use hpipe_core::{Execution, PortPath};
use hpipe_plot::Quantity;
use ndarray::{Array1, Array2, ArrayView1, Axis};

use super::params::ExplainParams;
use crate::error::Error;
use crate::explanation::Background;
use crate::frame;
use crate::markdown::figure;
use crate::model::Model;
use crate::table::{Lookup, Table};

/// A model, the test rows, and what it predicts of them.
pub(super) struct Subject {
    pub(super) model: Model,
    /// The model's path, as the pipeline declares it.
    pub(super) path: String,
    /// The path of the test rows.
    pub(super) test: String,
    /// `n_rows × n_features`, NaN where a value is missing.
    pub(super) records: Array2<f64>,
    /// `n_rows`, in the target's unit.
    pub(super) actual: Vec<f64>,
    /// `n_rows`, in the target's unit.
    pub(super) predicted: Vec<f64>,
    /// `n_features` means, those of the rows that [`background`](Self::background) names.
    pub(super) means: Array1<f64>,
    pub(super) background: Background,
}

impl Subject {
    /// Reads model and rows.
    ///
    /// # Errors
    /// Those of reading; [`Error::NoRows`]; [`Error::MissingColumn`] and its like where the rows lack what the model needs.
    pub(super) fn read(execution: &Execution<'_>, params: &ExplainParams) -> Result<Self, Error> {
        let port = execution.dep("model");
        let model = Model::read_of(port, &params.target)?;
        let test = execution.dep("test");
        let (table, records) = rows(&model, test)?;
        for unseen in model.card.features.unseen(&table, test.declared.as_str()) {
            execution.progress.warn(&unseen);
        }
        let actual = table.target(&params.target);
        let (background, means) = match execution.optional_dep("train") {
            Some(train) => (Background::Train, means(&rows(&model, train)?.1)),
            None => (Background::Test, means(&records)),
        };
        Ok(Self {
            path: port.declared.to_string(),
            test: test.declared.to_string(),
            actual: actual.map_err(|error| error.within(&test.declared))?,
            predicted: model.learned.predict(records.view()),
            model,
            records,
            means,
            background,
        })
    }

    /// The names of the features.
    pub(super) fn names(&self) -> Vec<String> {
        self.model.card.features.names()
    }

    /// The row that is predicted worst; of equals the first.
    pub(super) fn worst(&self) -> usize {
        let error = |row: usize| (self.actual[row] - self.predicted[row]).abs();
        (1..self.actual.len()).fold(0, |worst, row| {
            if error(row) > error(worst) {
                row
            } else {
                worst
            }
        })
    }

    /// Which row is predicted worst, and what it truly is, in the unit of `target`.
    pub(super) fn worst_in_words(&self, target: &Quantity) -> String {
        let row = self.worst();
        format!(
            "Row {} of {}, the one predicted worst; its actual value is {}",
            row + 1,
            self.test,
            target.with_unit(&figure(self.actual[row]))
        )
    }

    /// A feature's value of a row, as people write it.
    pub(super) fn word(&self, row: usize, feature: usize) -> String {
        let value = self.records[[row, feature]];
        let levels = &self.model.card.features.features()[feature].levels;
        match levels {
            _ if value.is_nan() => "missing".to_owned(),
            Some(levels) => levels.get(value as usize).cloned().unwrap_or_default(),
            None => figure(value),
        }
    }
}

/// The rows of a part, and the model's features of them.
fn rows(model: &Model, port: &PortPath) -> Result<(Table, Array2<f64>), Error> {
    let table = frame::read_rows(port)?;
    let records = model.card.features.records(&table, model.gaps());
    let records = records.map_err(|error| error.within(&port.declared))?;
    Ok((table, records))
}

/// The mean of what is known of each feature.
fn means(records: &Array2<f64>) -> Array1<f64> {
    let mean = |column: ArrayView1<'_, f64>| {
        let known = column.iter().filter(|x| !x.is_nan());
        let (sum, count) = known.fold((0.0, 0.0), |(sum, count), x| (sum + x, count + 1.0));
        if count > 0.0 { sum / count } else { 0.0 }
    };
    records.map_axis(Axis(0), mean)
}
