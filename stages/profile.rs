//! `profile`: what a model takes and what it looked like when all was well.
//!
//! A few kilobytes that stand for the data: types, ranges and quantiles of the inputs, counts of words, quantiles of target
//! and predictions, and a sorted sample of validation rows, from which errors at any batch size can be drawn. Whoever serves or
//! watches the model needs nothing else. The format is `docs/formats/profile.md`.

use std::collections::BTreeMap;
use std::path::Path;

use hpipe_core::{
    Arity, Execution, OptionFault, Port, PortPath, ProfiledInput, ReferenceRows, Stage, StageError,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::artifact::{self, Artifact};
use crate::error::Error;
use crate::frame;
use crate::model::Model;
use crate::options::{self, Options};
use crate::ports::{dep, out};
use crate::scores::{Score, Scores};
use crate::shuffle::Generator;
use crate::statistics::Sorted;
use crate::table::{Cells, Column, Lookup, Table, Type, Values};
use crate::transform::Transform;

/// Quantiles of a distribution: from the smallest to the largest value in equal steps of rank.
const QUANTILES: usize = 33;

/// Validation rows that are kept as a sample.
const SAMPLE: usize = 200;

/// Validation rows that are kept whole, and cells that these may have altogether; with fewer rows nothing could be told.
const ROWS: usize = 500;
const MOST_CELLS: usize = 100_000;
const FEWEST_ROWS: usize = 100;

/// Which rows are drawn.
const SEED: u64 = 42;

/// Words of a column that are counted by name.
const WORDS: usize = 100;

/// The built-in stage `profile`.
pub struct Profile;

/// The options: none.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileParams {}

impl Options for ProfileParams {
    type Checked = Self;

    fn check(self) -> Result<Self, Vec<OptionFault>> {
        Ok(self)
    }
}

/// The profile of a model.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Content {
    target: String,
    train_rows: usize,
    validation_rows: usize,
    /// The columns the model is given, before the transform.
    inputs: Vec<Input>,
    /// Of the target in the training rows.
    targets: Vec<f64>,
    /// Of the predictions for the validation rows.
    predictions: Vec<f64>,
    /// Scores on the validation rows.
    scores: Scores,
    /// Validation rows as `[actual, predicted]`, at equal steps of rank of what was missed.
    sample: Vec<[f64; 2]>,
    /// Validation rows drawn at random; none where there are too many columns for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reference: Option<Reference>,
}

/// Validation rows, column by column in the order of `inputs`.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Reference {
    columns: Vec<Vec<Value>>,
    actual: Vec<f64>,
    predicted: Vec<f64>,
}

/// One column the model is given.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Input {
    name: String,
    #[serde(rename = "type")]
    kind: Type,
    missing: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    min: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mean: Option<f64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    quantiles: Vec<f64>,
    /// Words and how many rows have them, the most frequent first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    categories: Vec<(String, usize)>,
    /// Rows with words that are not among them.
    #[serde(default, skip_serializing_if = "is_zero")]
    others: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref)] // serde hands out references
const fn is_zero(rows: &usize) -> bool {
    *rows == 0
}

impl From<Content> for hpipe_core::Profile {
    fn from(content: Content) -> Self {
        let scores = Score::ALL.into_iter();
        let scores = scores.filter_map(|score| {
            let value = content.scores.get(score)?;
            Some((score.name().to_owned(), value))
        });
        Self {
            rows: content
                .reference
                .and_then(|rows| rows.read(&content.inputs)),
            scores: scores.collect(),
            target: content.target,
            train_rows: content.train_rows,
            validation_rows: content.validation_rows,
            inputs: content.inputs.into_iter().map(Into::into).collect(),
            targets: content.targets,
            predictions: content.predictions,
            sample: content.sample,
        }
    }
}

impl From<Input> for ProfiledInput {
    fn from(input: Input) -> Self {
        Self {
            name: input.name,
            kind: input.kind,
            missing: input.missing,
            range: input.min.zip(input.max).map(|(min, max)| [min, max]),
            mean: input.mean,
            quantiles: input.quantiles,
            categories: input.categories,
            others: input.others,
        }
    }
}

impl Artifact for Content {
    const FORMAT: &'static str = "hpipe-profile";
    const VERSION: u32 = 1;
    const WHAT: &'static str = "a profile";
}

impl Stage for Profile {
    fn name(&self) -> &'static str {
        "profile"
    }

    fn version(&self) -> u32 {
        2
    }

    fn summary(&self) -> &'static str {
        "records what a model takes and how it errs, for the registry, serving and monitoring"
    }

    fn ports(&self) -> &'static [Port] {
        const PORTS: &[Port] = &[
            dep("model", Arity::One, "the model (safetensors)"),
            dep(
                "transform",
                Arity::Optional,
                "what makes its features, as `features` fitted it (JSON)",
            ),
            dep(
                "train",
                Arity::One,
                "the train rows before the transform (parquet)",
            ),
            dep(
                "validation",
                Arity::One,
                "the validation rows before the transform (parquet)",
            ),
            out("profile", Arity::One, "the profile (JSON)"),
        ];
        PORTS
    }

    fn check(&self, with: &hpipe_core::Value) -> Result<(), Vec<OptionFault>> {
        options::checked::<ProfileParams>(with).map(drop)
    }

    fn execute(&self, execution: &Execution<'_>) -> Result<(), StageError> {
        Ok(execute(execution)?)
    }
}

fn execute(execution: &Execution<'_>) -> Result<(), Error> {
    let model = Model::read(execution.dep("model"))?;
    let transform = execution.optional_dep("transform");
    let transform = transform.map(artifact::read::<Transform>).transpose()?;
    let (train, validation) = (
        rows(execution.dep("train"))?,
        rows(execution.dep("validation"))?,
    );
    let port = execution.dep("validation");
    let within = |error: Error| error.within(&port.declared);
    let predicted = match &transform {
        Some(transform) => transform
            .apply(&validation)
            .and_then(|applied| model.predict(&applied.features)),
        None => model.predict(&validation),
    };
    let predicted = predicted.map_err(within)?;
    let actual = validation.target(&model.card.target).map_err(within)?;
    let targets = train.target(&model.card.target);
    let targets = targets.map_err(|error| error.within(&execution.dep("train").declared))?;
    let inputs = inputs(&model, transform.as_ref(), &train)?;
    let content = Content {
        train_rows: train.rows(),
        validation_rows: validation.rows(),
        targets: quantiles(&Sorted::new(targets)),
        predictions: quantiles(&Sorted::new(predicted.clone())),
        scores: Scores::new(&actual, &predicted),
        sample: sample(&actual, &predicted),
        reference: reference(&inputs, &validation, &actual, &predicted),
        inputs,
        target: model.card.target,
    };
    write(execution.out("profile"), &content)
}

/// Writes a line an input and a line a distribution: one a number would be twice as long.
fn write(path: &Path, content: &Content) -> Result<(), Error> {
    let text = match serde_json::to_string(content) {
        Ok(text) => text,
        Err(error) => panic!("bug: a profile cannot be written: {error}"),
    };
    let mut lines = text.replace("{\"name\":", "\n{\"name\":");
    for field in [
        "inputs",
        "targets",
        "predictions",
        "scores",
        "sample",
        "reference",
    ] {
        lines = lines.replace(&format!("\"{field}\":"), &format!("\n\"{field}\":"));
    }
    let (format, version) = (Content::FORMAT, Content::VERSION);
    let whole = format!("{{\"format\":\"{format}\",\"version\":{version},\"content\":{lines}}}\n");
    artifact::write_text(path, &whole)
}

fn rows(port: &PortPath) -> Result<Table, Error> {
    let table = frame::read_parquet(port)?;
    match table.rows() {
        0 => Err(Error::NoRows {
            path: port.declared.to_string(),
        }),
        _ => Ok(table),
    }
}

/// The columns the model is given: those the transform reads, or, without one, its features.
fn inputs(
    model: &Model,
    transform: Option<&Transform>,
    train: &Table,
) -> Result<Vec<Input>, Error> {
    let names: Vec<String> = match transform {
        Some(transform) => {
            let numeric = transform
                .numeric
                .iter()
                .map(|numeric| numeric.column.clone());
            let words = transform
                .categories
                .iter()
                .map(|words| words.column.clone());
            numeric.chain(words).collect()
        }
        None => model.card.features.names(),
    };
    names.iter().map(|name| input(train, name)).collect()
}

fn input(train: &Table, name: &str) -> Result<Input, Error> {
    let column = train.column(name)?;
    let mut input = Input {
        name: name.to_owned(),
        kind: column.values.kind(),
        missing: column.values.missing(),
        min: None,
        max: None,
        mean: None,
        quantiles: Vec::new(),
        categories: Vec::new(),
        others: 0,
    };
    match &column.values {
        Values::Number(_) | Values::Integer(_) => {
            let numbers = column.numbers()?;
            let finite = numbers.iter().flatten().copied().filter(|x| x.is_finite());
            let sorted = Sorted::new(finite.collect());
            input.min = sorted.min();
            input.max = sorted.max();
            input.mean = sorted
                .min()
                .map(|_| short(crate::statistics::mean(sorted.values())));
            input.quantiles = quantiles(&sorted);
        }
        Values::Text(_) | Values::Boolean(_) => {
            let mut counts: BTreeMap<String, usize> = BTreeMap::new();
            for word in column.words()?.iter().flatten() {
                *counts.entry(word.clone()).or_default() += 1;
            }
            let mut counts: Vec<_> = counts.into_iter().collect();
            counts.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
            let rest = counts.split_off(counts.len().min(WORDS));
            input.others = rest.iter().map(|(_, rows)| rows).sum();
            input.categories = counts;
        }
    }
    Ok(input)
}

/// Values at equal steps of rank, the smallest and the largest among them; nothing of nothing.
fn quantiles(sorted: &Sorted) -> Vec<f64> {
    let at = (0..QUANTILES).map(|step| step as f64 / (QUANTILES - 1) as f64);
    at.filter_map(|q| sorted.quantile(q).map(short)).collect()
}

/// Rows at equal steps of rank of the residual, the least and the largest among them.
fn sample(actual: &[f64], predicted: &[f64]) -> Vec<[f64; 2]> {
    let mut rows: Vec<_> = actual
        .iter()
        .zip(predicted)
        .map(|(a, p)| [*a, *p])
        .collect();
    rows.sort_by(|one, other| {
        let residual = |row: &[f64; 2]| row[0] - row[1];
        residual(one)
            .total_cmp(&residual(other))
            .then(one[0].total_cmp(&other[0]))
    });
    let kept = rows.len().min(SAMPLE);
    let at = |step: usize| match kept {
        0 | 1 => 0,
        kept => step * (rows.len() - 1) / (kept - 1),
    };
    (0..kept).map(|step| rows[at(step)].map(short)).collect()
}

/// Validation rows drawn at random; none of so many columns that a hundred rows would be more than a profile should hold.
fn reference(
    inputs: &[Input],
    validation: &Table,
    actual: &[f64],
    predicted: &[f64],
) -> Option<Reference> {
    let most = ROWS.min(MOST_CELLS / inputs.len().max(1));
    if most < FEWEST_ROWS {
        return None;
    }
    let mut drawn: Vec<usize> = (0..actual.len()).collect();
    Generator::new(SEED).shuffle(&mut drawn);
    drawn.truncate(most);
    drawn.sort_unstable();
    let columns = inputs.iter().map(|input| {
        let column = validation.get(&input.name)?;
        Some(drawn.iter().map(|row| cell(&column.values, *row)).collect())
    });
    let of = |values: &[f64]| drawn.iter().map(|row| short(values[*row])).collect();
    Some(Reference {
        columns: columns.collect::<Option<_>>()?,
        actual: of(actual),
        predicted: of(predicted),
    })
}

/// A cell as JSON; what is missing or infinite is null.
fn cell(values: &Values, row: usize) -> Value {
    match values {
        Values::Number(values) => values[row].map(short).into(),
        Values::Integer(values) => values[row].into(),
        Values::Text(values) => values[row].clone().into(),
        Values::Boolean(values) => values[row].into(),
    }
}

impl Reference {
    /// The rows as a table; none where they are not what was written.
    fn read(self, inputs: &[Input]) -> Option<ReferenceRows> {
        let rows = self.actual.len();
        let fits = self.columns.iter().all(|column| column.len() == rows);
        if !fits || self.predicted.len() != rows || self.columns.len() != inputs.len() {
            return None;
        }
        let columns = inputs
            .iter()
            .zip(self.columns)
            .map(|(input, cells)| Column {
                name: input.name.clone(),
                values: match input.kind {
                    Type::Number => Values::Number(cells.iter().map(Value::as_f64).collect()),
                    Type::Integer => Values::Integer(cells.iter().map(Value::as_i64).collect()),
                    Type::Boolean => Values::Boolean(cells.iter().map(Value::as_bool).collect()),
                    Type::Text => Values::Text(cells.iter().map(text).collect()),
                },
            });
        Some(ReferenceRows {
            inputs: Table::new(columns.collect()).ok()?,
            actual: self.actual,
            predicted: self.predicted,
        })
    }
}

fn text(cell: &Value) -> Option<String> {
    cell.as_str().map(str::to_owned)
}

/// A number in seven digits, which is more than a sketch is worth.
fn short(x: f64) -> f64 {
    format!("{x:.6e}").parse().unwrap_or(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_spans_all_residuals() {
        let actual: Vec<f64> = (0..1000).map(f64::from).collect();
        let predicted: Vec<f64> = actual.iter().map(|x| x * 1.1).collect();
        let kept = sample(&actual, &predicted);
        assert_eq!(kept.len(), SAMPLE);
        assert_eq!(kept[SAMPLE - 1], [0.0, 0.0]);
        assert_eq!(kept[0], [999.0, 1098.9]);
        assert_eq!(sample(&[1.0], &[2.0]), [[1.0, 2.0]]);
        assert!(sample(&[], &[]).is_empty());
    }

    #[test]
    fn quantiles_are_at_equal_steps() {
        let found = quantiles(&Sorted::new((0..=320).map(f64::from).collect()));
        assert_eq!(found.len(), QUANTILES);
        assert_eq!((found[0], found[1], found[32]), (0.0, 10.0, 320.0));
        assert_eq!(short(1.0 / 3.0), 0.333_333_3);
        assert!(quantiles(&Sorted::new(Vec::new())).is_empty());
    }

    #[test]
    fn words_are_counted() {
        let words = ["b", "a", "b"].map(|word| Some(word.to_owned()));
        let column = crate::table::Column {
            name: "ocean".to_owned(),
            values: Values::Text(words.into()),
        };
        let table = Table::new(vec![column]).expect("a table");
        let input = input(&table, "ocean").expect("an input");
        assert_eq!(input.categories, [("b".to_owned(), 2), ("a".to_owned(), 1)]);
        assert_eq!((input.kind, input.others, input.min), (Type::Text, 0, None));
    }

    const GOLDEN: &str = r#"{"format":"hpipe-profile","version":1,"content":{"target":"price","train_rows":3,"validation_rows":2,
"inputs":[
{"name":"rooms","type":"number","missing":1,"min":1.0,"max":9.0,"mean":4.0,"quantiles":[1.0,9.0]},
{"name":"ocean","type":"text","missing":0,"categories":[["INLAND",2]],"others":1}],
"targets":[1.0,2.0],
"predictions":[1.5,1.75],
"scores":{"rows":2,"rmse":0.5,"mae":0.5,"r2":null,"mape":0.1,"max_error":0.5,"median_absolute_error":0.5},
"sample":[[1.0,1.5],[2.0,1.5]],
"reference":{"columns":[[3.5,null],["INLAND",null]],"actual":[1.0,2.0],"predicted":[1.5,1.5]}}}
"#;

    #[test]
    fn rows_are_drawn_and_read_again() {
        let numbers: Vec<f64> = (0..700).map(f64::from).collect();
        let words = (0..700).map(|row| (row % 3 > 0).then(|| format!("w{}", row % 3)));
        let infinite = |x: &f64| Some(if *x == 3.0 { f64::INFINITY } else { *x });
        let columns = vec![
            Column {
                name: "ocean".to_owned(),
                values: Values::Text(words.collect()),
            },
            Column {
                name: "rooms".to_owned(),
                values: Values::Number(numbers.iter().map(infinite).collect()),
            },
        ];
        let table = Table::new(columns).expect("a table");
        let inputs = ["ocean", "rooms"].map(|name| input(&table, name).expect("an input"));
        let kept = reference(&inputs, &table, &numbers, &numbers).expect("rows");
        assert_eq!(kept.actual.len(), ROWS);
        assert!(kept.actual.is_sorted() && kept.actual != numbers[..ROWS]);
        let text = serde_json::to_string(&kept).expect("JSON");
        let again: Reference = serde_json::from_str(&text).expect("rows");
        assert_eq!(again, kept);
        let rows = again.read(&inputs).expect("a table");
        assert_eq!((rows.inputs.rows(), &rows.actual), (ROWS, &rows.predicted));
        let Values::Text(words) = &rows.inputs.columns()[0].values else {
            panic!("words")
        };
        let of = |x: f64| (x % 3.0 > 0.0).then(|| format!("w{}", x % 3.0));
        assert!(
            words
                .iter()
                .zip(&rows.actual)
                .all(|(word, x)| *word == of(*x))
        );
        let wide: Vec<Input> = (0..1001)
            .map(|_| input(&table, "rooms").expect("an input"))
            .collect();
        assert_eq!(reference(&wide, &table, &numbers, &numbers), None);
    }

    #[test]
    fn golden() {
        let folder = tempfile::tempdir().expect("a folder");
        let port = PortPath {
            role: "profile".to_owned(),
            declared: hpipe_core::ProjectPath::new("profile.json"),
            path: folder.path().join("profile.json"),
        };
        artifact::write_text(&port.path, GOLDEN).expect("written");
        let content: Content = artifact::read(&port).expect("a profile");
        write(&port.path, &content).expect("written");
        assert_eq!(std::fs::read_to_string(&port.path).expect("a text"), GOLDEN);
        let before = GOLDEN.find(",\n\"reference\"").expect("the last field");
        artifact::write_text(&port.path, &format!("{}}}}}\n", &GOLDEN[..before])).expect("written");
        let older: Content = artifact::read(&port).expect("a profile of before");
        assert_eq!(hpipe_core::Profile::from(older).rows, None);
    }
}
