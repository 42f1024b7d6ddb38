//! `features`: from the three parts of a table to the numeric features a model is trained on.
//!
//! The transform is fitted on the training part alone; validation and test are only transformed, so nothing about them
//! leaks into a model. Every part keeps its rows and their order. What a feature is and how it is computed:
//! `transform.rs`.

mod fit;
mod neighbours;
mod params;

use hpipe_core::{Arity, Execution, OptionFault, Port, Stage, StageError, Value};
use rayon::prelude::*;

use self::params::FeaturesParams;
use crate::artifact;
use crate::error::Error;
use crate::frame;
use crate::markdown::counted;
use crate::options;
use crate::ports::{dep, out};
use crate::split::Part;
use crate::table::{Column, Lookup, Table};
use crate::transform::Transform;

/// The built-in stage `features`.
pub struct Features;

impl Stage for Features {
    fn name(&self) -> &'static str {
        "features"
    }

    fn version(&self) -> u32 {
        3
    }

    fn summary(&self) -> &'static str {
        "imputes, derives, encodes and scales columns, fitted on the training part"
    }

    fn ports(&self) -> &'static [Port] {
        const PORTS: &[Port] = &[
            dep("train", Arity::One, "the rows to fit on (parquet)"),
            dep("validation", Arity::One, "the rows to choose on (parquet)"),
            dep("test", Arity::One, "the rows to judge on (parquet)"),
            out(
                "train",
                Arity::One,
                "features and target of the train rows (parquet)",
            ),
            out(
                "validation",
                Arity::One,
                "features and target of the validation rows (parquet)",
            ),
            out(
                "test",
                Arity::One,
                "features and target of the test rows (parquet)",
            ),
            out(
                "transform",
                Arity::One,
                "what makes features of a table (JSON)",
            ),
        ];
        PORTS
    }

    fn check(&self, with: &Value) -> Result<(), Vec<OptionFault>> {
        options::checked::<FeaturesParams>(with).map(drop)
    }

    fn execute(&self, execution: &Execution<'_>) -> Result<(), StageError> {
        Ok(execute(execution)?)
    }
}

fn execute(execution: &Execution<'_>) -> Result<(), Error> {
    let params = options::executable::<FeaturesParams>(execution.with)?;
    let progress = execution.progress;
    progress.report(0, Some(2), "fitting on train");
    let port = execution.dep(Part::Train.name());
    let train = frame::read_rows(port)?;
    let fitted = fit::fit(&params, &train).map_err(|error| error.within(&port.declared))?;
    for note in &fitted.notes {
        progress.log(note);
    }
    for warning in &fitted.warnings {
        progress.warn(warning);
    }
    artifact::write(execution.out("transform"), &fitted.transform)?;
    if progress.is_cancelled() {
        return Err(Error::Cancelled);
    }
    progress.report(1, Some(2), "transforming every part");
    let notes: Vec<Vec<String>> = Part::ALL
        .par_iter()
        .map(|&part| match part {
            Part::Train => transform_part(execution, part, &fitted.transform, &train),
            _ => {
                let table = frame::read_parquet(execution.dep(part.name()))?;
                transform_part(execution, part, &fitted.transform, &table)
            }
        })
        .collect::<Result<_, _>>()?;
    for note in notes.into_iter().flatten() {
        progress.log(&note);
    }
    Ok(())
}

/// Writes the features and the target of a part; returns what is worth noting about it.
fn transform_part(
    execution: &Execution<'_>,
    part: Part,
    transform: &Transform,
    table: &Table,
) -> Result<Vec<String>, Error> {
    let declared = &execution.dep(part.name()).declared;
    let (features, unseen) =
        with_target(transform, part, table).map_err(|error| error.within(declared))?;
    frame::write_parquet(execution.out(part.name()), &features)?;
    let note = |(column, rows): &(String, usize)| {
        format!(
            "{part}: {} with a category of `{column}` that train does not know",
            counted(*rows, "row")
        )
    };
    Ok(unseen.iter().map(note).collect())
}

/// The features of a table followed by its target, which must be a finite number in every row.
fn with_target(
    transform: &Transform,
    part: Part,
    table: &Table,
) -> Result<(Table, Vec<(String, usize)>), Error> {
    let target = table.target(&transform.target)?;
    let applied = match part {
        Part::Train => transform.apply_to_training(table)?,
        Part::Validation | Part::Test => transform.apply(table)?,
    };
    let mut columns = applied.features.columns().to_vec();
    let target = target.into_iter().map(Some).collect();
    columns.push(Column::number(&transform.target, target));
    Ok((Table::new(columns)?, applied.unseen))
}
