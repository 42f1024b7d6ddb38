//! Predictions for a table that is read and written in parts: what is in memory does not grow with it.

use crate::{
    Column, PredictionFault, Predictor, Table, TableReader, TableWriter, Values, nearest,
    predict_valid,
};

/// Rows that are predicted together where a table is read in parts; enough for their cost to be that of the rows.
pub const ROWS_AT_ONCE: usize = 1 << 15;

/// What a table of predictions shall look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScoringOptions {
    /// The name of the column of predictions.
    pub column: String,
    /// The columns it takes over from the rows that are predicted.
    pub keep: Keep,
    /// Whether a row that cannot be predicted has no prediction; else it is an error.
    pub skip_bad_rows: bool,
}

/// Which columns are taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keep {
    /// All.
    All,
    /// These, which may be none.
    Only(Vec<String>),
}

/// What a table came to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ScoredFile {
    /// Number of rows.
    pub rows: usize,
    /// Number of rows without a prediction.
    pub unpredicted: usize,
    /// Why the first of those has none; its row counts from 0 in the whole table.
    pub fault: Option<PredictionFault>,
}

/// Why a table could not be predicted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScoringError {
    /// It could not be read or written.
    #[error("{0}")]
    Table(String),
    /// It lacks a column, or a row cannot be predicted.
    #[error(transparent)]
    Rows(#[from] PredictionFault),
}

/// Predicts every row that comes from `reader` and hands it to `writer`, which it finishes; tells `progress` how far it is, from 0
/// to 1, and asks it whether to go on.
///
/// # Errors
/// [`ScoringError`]; nothing has been finished then. When `progress` says no, that is an error, too.
pub fn score_file(
    predictor: &dyn Predictor,
    reader: &mut dyn TableReader,
    mut writer: Box<dyn TableWriter>,
    options: &ScoringOptions,
    progress: &mut dyn FnMut(f64) -> bool,
) -> Result<ScoredFile, ScoringError> {
    let mut file = ScoredFile::default();
    while let Some(rows) = reader.next().map_err(ScoringError::Table)? {
        let kept = options.kept(&rows)?;
        let scored = predict_valid(predictor, &rows).map_err(|fault| fault.moved(file.rows))?;
        let fault = scored.fault.map(|fault| fault.moved(file.rows));
        if let (Some(fault), false) = (&fault, options.skip_bad_rows) {
            return Err(fault.clone().into());
        }
        let missing = scored.predictions.iter().filter(|one| one.is_none());
        file.unpredicted += missing.count();
        file.rows += rows.rows();
        file.fault = file.fault.or(fault);
        let table = options.with_predictions(kept, scored.predictions)?;
        writer.write(&table).map_err(ScoringError::Table)?;
        if !progress(reader.read()) {
            return Err(ScoringError::Table("interrupted".to_owned()));
        }
    }
    writer.finish().map_err(ScoringError::Table)?;
    Ok(file)
}

impl ScoringOptions {
    /// The columns that are taken over.
    fn kept(&self, rows: &Table) -> Result<Vec<Column>, PredictionFault> {
        match &self.keep {
            Keep::All => Ok(rows.columns().to_vec()),
            Keep::Only(names) => names.iter().map(|name| named(rows, name)).collect(),
        }
    }

    fn with_predictions(
        &self,
        mut columns: Vec<Column>,
        predictions: Vec<Option<f64>>,
    ) -> Result<Table, PredictionFault> {
        if columns.iter().any(|column| column.name == self.column) {
            return Err(PredictionFault {
                help: "give the predictions another name, or keep fewer columns".to_owned(),
                column: Some(self.column.clone()),
                ..PredictionFault::of(format!("there is a column `{}` already", self.column))
            });
        }
        columns.push(Column {
            name: self.column.clone(),
            values: Values::Number(predictions),
        });
        Table::new(columns).map_err(|error| PredictionFault::of(error.to_string()))
    }
}

fn named(rows: &Table, name: &str) -> Result<Column, PredictionFault> {
    rows.get(name).cloned().ok_or_else(|| PredictionFault {
        help: nearest(name, rows.names())
            .map(|near| format!("did you mean `{near}`?"))
            .unwrap_or_default(),
        column: Some(name.to_owned()),
        ..PredictionFault::of(format!("there is no column `{name}` to keep"))
    })
}
