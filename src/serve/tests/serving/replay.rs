//! The gate of replay: a version that is asked over HTTP before anybody serves it.

use std::sync::Arc;

use hpipe_core::{
    Column, Digest, Input, ModelCard, ModelFiles, ModelLoader, PredictionFault, Predictor, Profile,
    Table, Type, Values,
};
use hpipe_serve::replay;
use hpipe_track::ledger::VersionFiles;

/// The third of a number; refuses 7. Where the model's bytes say so, it adds a last bit to rows that are asked alone, or panics.
struct Third {
    card: ModelCard,
    is_moody: bool,
    panics: bool,
}

impl Predictor for Third {
    fn card(&self) -> &ModelCard {
        &self.card
    }

    fn profile(&self) -> Option<&Profile> {
        None
    }

    fn predict(&self, rows: &Table) -> Result<Vec<f64>, PredictionFault> {
        assert!(!self.panics, "as it shall");
        let Values::Number(values) = &rows.columns()[0].values else {
            panic!("numbers");
        };
        if let Some(row) = values.iter().position(|value| *value == Some(7.0)) {
            return Err(PredictionFault {
                message: "7 is refused".into(),
                help: String::new(),
                column: Some("x".into()),
                row: Some(row),
            });
        }
        let more = u64::from(self.is_moody && values.len() == 1);
        let third = |value: &Option<f64>| value.map_or(f64::NAN, |value| value / 3.0);
        let moved = |value: f64| f64::from_bits(value.to_bits() + more);
        Ok(values.iter().map(third).map(moved).collect())
    }
}

struct Thirds;

impl ModelLoader for Thirds {
    fn load(&self, files: ModelFiles<'_>) -> Result<Arc<dyn Predictor>, String> {
        match files.model {
            b"calm" | b"moody" | b"wide" | b"panics" => {}
            b"damaged" => panic!("what a loader should not do"),
            _ => return Err("this is no model".into()),
        }
        let input = |name: &str, kind| Input {
            name: name.into(),
            kind,
            nullable: true,
            range: Some([0.0, 1.0]), // rows outside are replayed all the same
            categories: Vec::new(),
            refuses_unseen: false,
        };
        let mut inputs = vec![input("x", Type::Number)];
        inputs.extend((files.model == b"wide").then(|| input("note", Type::Text)));
        let card = ModelCard {
            kind: "third".into(),
            target: "y".into(),
            inputs,
            features: vec!["x".into()],
        };
        Ok(Arc::new(Third {
            card,
            is_moody: files.model == b"moody",
            panics: files.model == b"panics",
        }))
    }
}

fn asked(model: &str, rows: Table) -> Result<(usize, usize, Option<String>), String> {
    let files = VersionFiles {
        digest: Digest::blake3([1; 32]),
        model: model.as_bytes().to_vec(),
        transform: None,
        profile: None,
    };
    let loader: Arc<dyn ModelLoader> = Arc::new(Thirds);
    let replayed = replay(&loader, &files, &rows)?;
    Ok((replayed.rows, replayed.differing, replayed.first))
}

fn numbers() -> Table {
    noted("beside")
}

fn noted(note: &str) -> Table {
    let mut numbers: Vec<_> = (0..1500).map(|i| Some(f64::from(i) / 7.0)).collect();
    numbers[3] = None;
    numbers[4] = Some(f64::INFINITY); // what JSON cannot say is asked as missing
    let note = Values::Text(vec![Some(note.into()); numbers.len()]);
    Table::new(vec![
        Column {
            name: "note".into(),
            values: note,
        },
        Column::number("x", numbers),
    ])
    .unwrap()
}

#[test]
fn rows_are_answered_as_they_are_predicted() {
    let (rows, differing, first) = asked("calm", numbers()).unwrap();
    // 49 / 7 is 7, which is refused both ways
    assert_eq!((rows, differing, first), (1500, 0, None));
}

/// A thousand rows of a wide model are more bytes than a server takes from strangers.
#[test]
fn wide_rows_are_asked_together_too() {
    let (rows, differing, first) = asked("wide", noted(&"x".repeat(17_000))).unwrap();
    assert_eq!((rows, differing, first), (1500, 0, None));
}

#[test]
fn who_panics_is_told() {
    let said = asked("damaged", numbers()).unwrap_err();
    assert_eq!(said, "the loader panicked: this is a bug in hpipe");
    let said = asked("panics", numbers()).unwrap_err();
    assert_eq!(said, "the model panicked: this is a bug in hpipe");
}

#[test]
fn a_last_bit_is_a_difference() {
    let few = numbers().take(&[1, 2]);
    let (rows, differing, first) = asked("moody", few).unwrap();
    assert_eq!((rows, differing), (2, 2));
    let first = first.unwrap();
    let expect = "row 1, asked alone, is 0.04761904761904762 and not 0.047619047619047616";
    assert_eq!(first, expect);
}

#[test]
fn what_cannot_be_asked_is_said() {
    assert_eq!(asked("empty", numbers()), Err("this is no model".into()));
    let other = Table::new(vec![Column::number("y", vec![Some(1.0)])]).unwrap();
    let said = asked("calm", other).unwrap_err();
    assert_eq!(said, "the rows have no column `x`");
}
