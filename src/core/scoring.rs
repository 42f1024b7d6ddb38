//! Rows from anywhere, as a model takes them; and predictions where some rows cannot be predicted.

use crate::{Column, ModelCard, PredictionFault, Predictor, Table, Type};

impl ModelCard {
    /// The columns the model takes, of a table that has them and maybe others, in the model's order and types.
    ///
    /// Types are [cast](crate::Values::cast); a column of words takes integers and booleans as they are written.
    ///
    /// # Errors
    /// A column that is not there; the first value that is none of its type, with its row.
    pub fn columns_of(&self, rows: &Table) -> Result<Table, PredictionFault> {
        let (table, faults) = cast_valid(self, rows)?;
        match faults.into_iter().next() {
            Some((_, fault)) => Err(fault),
            None => Ok(table),
        }
    }

    fn lacks(&self, name: &str, rows: &Table) -> PredictionFault {
        let near = crate::nearest(name, rows.names());
        let help = near.map(|near| format!("`{near}` is there"));
        PredictionFault {
            help: help.unwrap_or_default(),
            column: Some(name.to_owned()),
            ..PredictionFault::of(format!("there is no column `{name}`"))
        }
    }
}

impl PredictionFault {
    /// A fault of the whole table.
    pub const fn of(message: String) -> Self {
        Self {
            message,
            help: String::new(),
            column: None,
            row: None,
        }
    }

    /// The same in a table of which these rows are a part that begins at row `first`; the message says no row of its own.
    #[must_use]
    pub fn moved(mut self, first: usize) -> Self {
        if let Some(row) = &mut self.row {
            let (within, whole) = (format!("in row {}", *row + 1), *row + first);
            self.message = self
                .message
                .replace(&within, &format!("in row {}", whole + 1));
            *row = whole;
        }
        self
    }
}

fn misfit(column: &str, kind: Type, row: usize, says: &str) -> PredictionFault {
    let wanted = match kind {
        Type::Number => "a number",
        Type::Integer => "an integer",
        Type::Text => "a text",
        Type::Boolean => "true or false",
    };
    PredictionFault {
        column: Some(column.to_owned()),
        row: Some(row),
        ..PredictionFault::of(format!(
            "column `{column}` says `{says}` in row {}, where {wanted} is needed",
            row + 1
        ))
    }
}

/// What a table came to whose rows cannot all be predicted.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// One a row, in the target's unit; none where the row cannot be predicted.
    pub predictions: Vec<Option<f64>>,
    /// Why the first of those cannot.
    pub fault: Option<PredictionFault>,
}

/// Predicts every row that can be predicted.
///
/// Rows are predicted together where they can be: the cost grows with the number of rows at fault times the logarithm of all.
///
/// # Errors
/// What is at fault with the table and not with rows of it.
pub fn predict_valid(predictor: &dyn Predictor, rows: &Table) -> Result<Scored, PredictionFault> {
    let mut scored = Scored {
        predictions: vec![None; rows.rows()],
        fault: None,
    };
    let (cast, misfits) = cast_valid(predictor.card(), rows)?;
    let is_valid = |row: &usize| misfits.binary_search_by_key(row, |(row, _)| *row).is_err();
    let valid: Vec<usize> = (0..rows.rows()).filter(is_valid).collect();
    scored.fault = misfits.into_iter().next().map(|(_, fault)| fault);
    score(predictor, &cast, &valid, &mut scored)?;
    Ok(scored)
}

/// The columns the model takes, and the rows, ascending, that have a value of another type.
fn cast_valid(
    card: &ModelCard,
    rows: &Table,
) -> Result<(Table, Vec<(usize, PredictionFault)>), PredictionFault> {
    let mut faults: Vec<(usize, PredictionFault)> = Vec::new();
    let mut columns = Vec::with_capacity(card.inputs.len());
    for input in &card.inputs {
        let column = rows
            .get(&input.name)
            .ok_or_else(|| card.lacks(&input.name, rows))?;
        let (values, misfits) = column.values.cast(input.kind);
        let told =
            |(row, says): (usize, String)| (row, misfit(&input.name, input.kind, row, &says));
        faults.extend(misfits.into_iter().map(told));
        columns.push(Column {
            name: input.name.clone(),
            values,
        });
    }
    faults.sort_by_key(|(row, _)| *row);
    faults.dedup_by_key(|(row, _)| *row);
    let table = Table::new(columns).map_err(|error| PredictionFault::of(error.to_string()))?;
    Ok((table, faults))
}

/// Predicts the rows named, by halves where one of them is at fault.
fn score(
    predictor: &dyn Predictor,
    table: &Table,
    rows: &[usize],
    scored: &mut Scored,
) -> Result<(), PredictionFault> {
    if rows.is_empty() {
        return Ok(());
    }
    let all = rows.len() == table.rows();
    let answer = match all {
        true => predictor.predict(table),
        false => predictor.predict(&table.take(rows)),
    };
    match answer {
        Ok(predictions) => {
            for (row, prediction) in rows.iter().zip(predictions) {
                scored.predictions[*row] = Some(prediction);
            }
            Ok(())
        }
        Err(fault) if fault.row.is_none() => Err(fault),
        Err(fault) if rows.len() == 1 => {
            let of_rows = PredictionFault {
                row: Some(0),
                ..fault
            }
            .moved(rows[0]);
            let is_first = |known: &PredictionFault| known.row > of_rows.row;
            if scored.fault.as_ref().is_none_or(is_first) {
                scored.fault = Some(of_rows);
            }
            Ok(())
        }
        Err(_) => {
            let (first, second) = rows.split_at(rows.len() / 2);
            score(predictor, table, first, scored)?;
            score(predictor, table, second, scored)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Input, Profile, Values};

    /// Predicts the double; refuses negative numbers.
    struct Double(ModelCard);

    impl Double {
        fn new() -> Self {
            let input = Input {
                name: "x".to_owned(),
                kind: Type::Number,
                nullable: false,
                range: None,
                categories: Vec::new(),
                refuses_unseen: false,
            };
            Self(ModelCard {
                kind: "double".to_owned(),
                target: "y".to_owned(),
                inputs: vec![input],
                features: vec!["x".to_owned()],
            })
        }
    }

    impl Predictor for Double {
        fn card(&self) -> &ModelCard {
            &self.0
        }

        fn profile(&self) -> Option<&Profile> {
            None
        }

        fn predict(&self, rows: &Table) -> Result<Vec<f64>, PredictionFault> {
            let Some(Values::Number(values)) = rows.get("x").map(|column| &column.values) else {
                return Err(PredictionFault::of("no column of numbers".to_owned()));
            };
            let one = |(row, x): (usize, &Option<f64>)| match x {
                Some(x) if *x >= 0.0 => Ok(2.0 * x),
                _ => Err(PredictionFault {
                    row: Some(row),
                    ..PredictionFault::of(format!("column `x` is bad in row {}", row + 1))
                }),
            };
            values.iter().enumerate().map(one).collect()
        }
    }

    fn texts(name: &str, words: &[&str]) -> Table {
        let words = words.iter().map(|word| Some((*word).to_owned()));
        let values = Values::Text(words.collect());
        let name = name.to_owned();
        Table::new(vec![Column { name, values }]).expect("a table")
    }

    #[test]
    fn rows_at_fault_take_no_others_with_them() {
        let rows = texts("x", &["1", "2", "-3", "?", "5", "-6", "7"]);
        let scored = predict_valid(&Double::new(), &rows).expect("predictions");
        let expect = [
            Some(2.0),
            Some(4.0),
            None,
            None,
            Some(10.0),
            None,
            Some(14.0),
        ];
        assert_eq!(scored.predictions, expect);
        let fault = scored.fault.expect("a fault");
        assert_eq!(
            (fault.row, &fault.message[..]),
            (Some(2), "column `x` is bad in row 3")
        );
        let whole = predict_valid(&Double::new(), &texts("x", &["1"])).expect("predictions");
        assert_eq!((whole.predictions, whole.fault), (vec![Some(2.0)], None));
    }

    #[test]
    fn a_fault_of_the_table_is_one_of_all_rows() {
        let fault = predict_valid(&Double::new(), &texts("X", &["1"])).expect_err("no column");
        assert_eq!(fault.message, "there is no column `x`");
        assert_eq!(fault.help, "`X` is there");
        let card = Double::new().0;
        let fault = card
            .columns_of(&texts("x", &["1", "one"]))
            .expect_err("a word");
        assert_eq!(fault.row, Some(1));
        assert_eq!(
            fault.message,
            "column `x` says `one` in row 2, where a number is needed"
        );
        assert_eq!(
            fault.moved(9).message,
            "column `x` says `one` in row 11, where a number is needed"
        );
    }
}
