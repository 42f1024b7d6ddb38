//! Rows that a learner is fitted to or measured on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hpipe_learn::binned::{Binned, Binning};
use hpipe_learn::history::Validation;
use ndarray::{Array1, Array2, Axis};

use crate::error::Error;
use crate::schema::{Gaps, Schema};
use crate::table::{Lookup, Table};

/// Features and target of some rows, and the bins they were cut into, which many fits share.
#[derive(Debug)]
pub(crate) struct Sample {
    /// What the features are.
    pub(crate) schema: Arc<Schema>,
    /// `n_rows × n_features`, column-major; NaN where a value is missing.
    pub(crate) records: Array2<f64>,
    /// `n_rows`, in the target's unit.
    pub(crate) targets: Array1<f64>,
    /// By the most bins a column may have, and whether the order of values within a bin is kept.
    binned: Mutex<BTreeMap<(usize, bool), Arc<Binned>>>,
}

impl Sample {
    /// The rows of `table`.
    ///
    /// # Errors
    /// Those of [`Schema::records`] and [`Table::target`].
    pub(crate) fn new(
        schema: &Arc<Schema>,
        table: &Table,
        target: &str,
        gaps: Gaps,
    ) -> Result<Self, Error> {
        let targets = Array1::from(table.target(target)?);
        Ok(Self::of(schema, schema.records(table, gaps)?, targets))
    }

    fn of(schema: &Arc<Schema>, records: Array2<f64>, targets: Array1<f64>) -> Self {
        Self {
            schema: Arc::clone(schema),
            records,
            targets,
            binned: Mutex::default(),
        }
    }

    /// The given rows, in the given order.
    pub(crate) fn take(&self, rows: &[usize]) -> Self {
        // column-major, as learners walk along columns
        let records = self.records.t().select(Axis(1), rows).reversed_axes();
        Self::of(&self.schema, records, self.targets.select(Axis(0), rows))
    }

    /// Number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.targets.len()
    }

    /// Whether a feature has one value in all rows.
    pub(crate) fn is_constant(&self, feature: usize) -> bool {
        let column = self.records.column(feature);
        column.iter().all(|x| *x == column[0])
    }

    /// As boosters measure on it.
    pub(crate) fn as_validation(&self) -> Validation<'_> {
        Validation {
            records: self.records.view(),
            targets: self.targets.view(),
        }
    }

    /// The records cut into bins, once for every number of bins and either kind, whoever asks.
    ///
    /// # Errors
    /// What the learner refuses: an infinite value, no rows.
    pub(crate) fn binned(&self, binning: &Binning) -> Result<Arc<Binned>, Error> {
        let kind = (binning.max_bin, binning.exact);
        if let Some(binned) = self.known().get(&kind) {
            return Ok(Arc::clone(binned));
        }
        // Not under the lock: a thread that waits for its share of this work may take up another fit meanwhile.
        let binned = Arc::new(Binned::new(self.records.view(), binning)?);
        let mut known = self.known();
        Ok(Arc::clone(known.entry(kind).or_insert(binned)))
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<(usize, bool), Arc<Binned>>> {
        self.binned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
