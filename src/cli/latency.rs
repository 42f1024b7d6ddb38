//! Times a model that predicts one row, which is what the gate of latency asks for.
//!
//! The rows are made of what the model says of its inputs: numbers from all over the range they had in training, the words
//! it knows. Which rows they are hardly matters to the time; that they are not all the same keeps processors from learning
//! one by heart. The machine does other things, too: of several rounds the quietest counts.

use std::time::{Duration, Instant};

use hpipe_core::{Column, Input, Predictor, Table, Type, Values};
use hpipe_track::registry::Latency;

/// Different rows that are predicted in turn.
const ROWS: usize = 64;

/// Rounds, of which the one with the lowest p99 counts.
const ROUNDS: usize = 3;

/// Predictions of a round: as many as [`PATIENCE`] allows between these.
const FEWEST: usize = 100;
const MOST: usize = 1000;

/// How long a round takes at most, if that allows the fewest.
const PATIENCE: Duration = Duration::from_millis(500);

/// The latency of one row.
pub(crate) fn timed(predictor: &dyn Predictor) -> Result<Latency, String> {
    let rows = rows(&predictor.card().inputs)?;
    round(predictor, &rows)?; // warms up: caches, branch predictors, the processor's clock
    let mut quietest: Option<Latency> = None;
    for _ in 0..ROUNDS {
        let latency = Latency::of(round(predictor, &rows)?);
        let is_quieter = |other: &Latency| quietest.is_none_or(|best| other.p99_ms < best.p99_ms);
        quietest = latency.filter(is_quieter).or(quietest);
    }
    quietest.ok_or_else(|| "nothing was predicted".to_owned())
}

/// Milliseconds of each prediction.
fn round(predictor: &dyn Predictor, rows: &[Table]) -> Result<Vec<f64>, String> {
    let began = Instant::now();
    let mut durations = Vec::with_capacity(MOST);
    for row in rows.iter().cycle().take(MOST) {
        if durations.len() >= FEWEST && began.elapsed() > PATIENCE {
            break;
        }
        let asked = Instant::now();
        let predicted = predictor.predict(row);
        let lasted = asked.elapsed();
        predicted.map_err(|fault| fault.message)?;
        durations.push(lasted.as_secs_f64() * 1000.0);
    }
    Ok(durations)
}

/// Tables of one row each.
fn rows(inputs: &[Input]) -> Result<Vec<Table>, String> {
    let row = |place| {
        let columns = inputs.iter().map(|input| Column {
            name: input.name.clone(),
            values: value(input, place),
        });
        Table::new(columns.collect()).map_err(|error| error.to_string())
    };
    (0..ROWS).map(row).collect()
}

/// What an input holds in one of the rows.
fn value(input: &Input, place: usize) -> Values {
    let [from, to] = input.range.unwrap_or([0.0, 1.0]);
    // By 13, which has no divisor in common with the number of rows: columns do not rise together.
    let share = (place * 13 % ROWS) as f64 / (ROWS - 1) as f64;
    let number = from + (to - from) * share;
    let word = || input.categories.get(place % input.categories.len().max(1));
    match input.kind {
        Type::Number => Values::Number(vec![Some(number)]),
        Type::Integer => Values::Integer(vec![Some(number.round() as i64)]),
        Type::Boolean => Values::Boolean(vec![Some(place.is_multiple_of(2))]),
        Type::Text => Values::Text(vec![Some(word().cloned().unwrap_or_default())]),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use hpipe_core::{ModelCard, PredictionFault, Profile};

    use super::*;

    /// Notes what it is asked.
    struct Listener {
        card: ModelCard,
        heard: Mutex<Vec<Table>>,
        refuses: bool,
    }

    fn listener(refuses: bool) -> Listener {
        let input = |name: &str, kind, range, words: &[&str]| Input {
            name: name.to_owned(),
            kind,
            nullable: false,
            range,
            categories: words.iter().map(|word| (*word).to_owned()).collect(),
            refuses_unseen: true,
        };
        Listener {
            card: ModelCard {
                kind: "ridge".to_owned(),
                target: "y".to_owned(),
                inputs: vec![
                    input("rooms", Type::Number, Some([2.0, 4.0]), &[]),
                    input("age", Type::Integer, None, &[]),
                    input("near", Type::Text, None, &["sea", "land"]),
                ],
                features: Vec::new(),
            },
            heard: Mutex::default(),
            refuses,
        }
    }

    impl Predictor for Listener {
        fn card(&self) -> &ModelCard {
            &self.card
        }

        fn profile(&self) -> Option<&Profile> {
            None
        }

        fn predict(&self, rows: &Table) -> Result<Vec<f64>, PredictionFault> {
            self.heard.lock().expect("no panic").push(rows.clone());
            match self.refuses {
                false => Ok(vec![1.0; rows.rows()]),
                true => Err(PredictionFault {
                    message: "the model is tired".to_owned(),
                    help: String::new(),
                    column: None,
                    row: None,
                }),
            }
        }
    }

    #[test]
    fn a_model_is_asked_for_single_rows_of_its_own_inputs() {
        let model = listener(false);
        let latency = timed(&model).expect("timed");
        assert!(latency.predictions >= FEWEST as u32, "{latency:?}");
        assert!(latency.p50_ms <= latency.p99_ms, "{latency:?}");
        let heard = model.heard.lock().expect("no panic");
        for (place, row) in heard.iter().enumerate() {
            assert_eq!(row.rows(), 1, "row {place}");
            let columns = row.columns();
            let Values::Number(rooms) = &columns[0].values else {
                panic!("rooms are numbers: {row:?}");
            };
            assert!((2.0..=4.0).contains(&rooms[0].expect("a value")));
            let Values::Text(near) = &columns[2].values else {
                panic!("near is a text: {row:?}");
            };
            assert!(matches!(near[0].as_deref(), Some("sea" | "land")));
        }
        assert_ne!(heard[0], heard[1]);
    }

    #[test]
    fn a_model_that_refuses_has_no_latency() {
        assert_eq!(timed(&listener(true)).unwrap_err(), "the model is tired");
    }
}
