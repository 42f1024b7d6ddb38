//! A loaded model predicts as the stages do: whole tables and rows alone, bit for bit; and what it cannot predict is told.

mod harness;

use std::sync::Arc;

use harness::Project;
use hpipe_core::{Column, ModelFiles, ModelLoader, Predictor, Table, Type, Values};
use hpipe_stages::Loader;

const ROWS: usize = 120;

/// Rooms, people, a word; of some rows the rooms are missing.
fn raw(rows: usize) -> Table {
    let rooms = |i: usize| (i % 9 != 4).then(|| (i * 7 % 31) as f64 / 3.0);
    let people = |i: usize| Some(1 + (i * 5 % 13) as i64);
    let sea = |i: usize| Some(["near", "far", "isle"][i % 3].to_owned());
    Table::new(vec![
        Column::number("rooms", (0..rows).map(rooms).collect()),
        column("people", Values::Integer((0..rows).map(people).collect())),
        column("sea", Values::Text((0..rows).map(sea).collect())),
    ])
    .expect("a table")
}

fn column(name: &str, values: Values) -> Column {
    let name = name.to_owned();
    Column { name, values }
}

/// The same as CSV, with a target.
fn csv() -> String {
    let table = raw(ROWS);
    let [
        Values::Number(rooms),
        Values::Integer(people),
        Values::Text(sea),
    ] = [0, 1, 2].map(|i| table.columns()[i].values.clone())
    else {
        unreachable!("as made above")
    };
    let line = |i: usize| {
        let shown = rooms[i].map(|x| x.to_string()).unwrap_or_default();
        let (people, sea) = (people[i].unwrap_or(0), sea[i].clone().unwrap_or_default());
        let y = rooms[i].unwrap_or(2.5) * 1.7 + people as f64 / 7.0 + f64::from(sea == "near");
        format!("{shown},{people},{sea},{y}\n")
    };
    let lines: String = (0..ROWS).map(line).collect();
    format!("rooms,people,sea,y\n{lines}")
}

const PARTS: [(&str, &str); 2] = [("train", "t.parquet"), ("validation", "t.parquet")];
const FEATURES: [(&str, &str); 2] = [("train", "f.parquet"), ("validation", "v.parquet")];

/// A project with a transform of all kinds of steps, and the features it makes.
fn project() -> Project {
    let project = Project::default();
    project.write("raw.csv", csv());
    let relaxed = r#"{"checks": {"rows": {"severity": "off"}, "missing": {"severity": "off"}}}"#;
    let table = [("table", "t.parquet")];
    project.execute("ingest", relaxed, &[("table", "raw.csv")], &table);
    let with = r#"{
        "target": "y", "numeric": ["rooms", "people"], "impute": {"columns": {"rooms": "median"}},
        "derived": [{"name": "each", "ratio": ["rooms", "people"]}],
        "neighbours": [{"name": "near", "columns": ["rooms", "people"], "k": [3], "statistics": ["mean", "distance"], "of": ["y"], "folds": 4}],
        "scale": {"default": "standard"}, "categorical": [{"column": "sea"}]
    }"#;
    let deps = [PARTS[0], PARTS[1], ("test", "t.parquet")];
    let outs = [
        FEATURES[0],
        FEATURES[1],
        ("test", "e.parquet"),
        ("transform", "transform.json"),
    ];
    project.execute("features", with, &deps, &outs);
    project
}

fn load(project: &Project, model: &str) -> Arc<dyn Predictor> {
    let (model, transform, profile) = (
        project.read(model),
        project.read("transform.json"),
        project.read("profile.json"),
    );
    let files = ModelFiles {
        model: &model,
        transform: Some(&transform),
        profile: Some(&profile),
    };
    Loader.load(files).expect("a predictor")
}

fn trained(project: &Project, kind: &str) -> Arc<dyn Predictor> {
    let with = format!(r#"{{"model": "{kind}", "target": "y"}}"#);
    project.execute("train", &with, &FEATURES, &[("model", "m.safetensors")]);
    let deps = [
        ("model", "m.safetensors"),
        ("transform", "transform.json"),
        PARTS[0],
        PARTS[1],
    ];
    project.execute("profile", "{}", &deps, &[("profile", "profile.json")]);
    load(project, "m.safetensors")
}

#[test]
fn a_row_alone_is_predicted_as_among_others() {
    let (project, table) = (project(), raw(ROWS));
    for kind in [
        "linear",
        "lasso",
        "decision_tree",
        "random_forest",
        "xgboost",
    ] {
        let predictor = trained(&project, kind);
        let together = predictor.predict(&table).expect("predictions");
        assert_eq!(together.len(), ROWS);
        for (row, expect) in together.iter().enumerate() {
            let alone = predictor
                .predict(&table.take(&[row]))
                .expect("a prediction");
            assert_eq!(alone[0].to_bits(), expect.to_bits(), "{kind}, row {row}");
        }
    }
}

#[test]
fn its_card_and_profile_say_what_it_takes() {
    let predictor = trained(&project(), "xgboost");
    let card = predictor.card();
    assert_eq!((&card.kind[..], &card.target[..]), ("xgboost", "y"));
    let inputs: Vec<_> = card
        .inputs
        .iter()
        .map(|input| (&input.name[..], input.kind, input.nullable))
        .collect();
    let expect = [
        ("rooms", Type::Number, true),
        ("people", Type::Integer, false),
        ("sea", Type::Text, false),
    ];
    assert_eq!(inputs, expect);
    assert_eq!(card.inputs[1].range, Some([1.0, 13.0]));
    assert_eq!(card.inputs[2].categories, ["far", "isle", "near"]);
    assert!(card.inputs[2].refuses_unseen);
    let profile = predictor.profile().expect("a profile");
    assert_eq!((profile.train_rows, profile.inputs.len()), (ROWS, 3));
    assert!(profile.scores["rmse"] > 0.0);
}

#[test]
fn what_it_cannot_predict_is_told_with_its_place() {
    let predictor = trained(&project(), "linear");
    let fault = |name: &str, values| {
        let mut columns = raw(2).into_columns();
        columns.retain(|column| column.name != name);
        columns.extend(Option::map(values, |values| column(name, values)));
        let table = Table::new(columns).expect("a table");
        let fault = predictor.predict(&table).expect_err("a fault");
        (fault.column.unwrap_or_default(), fault.row, fault.message)
    };
    let check = |found: (String, Option<usize>, String), column: &str, row, message: &str| {
        assert_eq!(found, (column.to_owned(), row, message.to_owned()));
    };
    check(
        fault("people", None),
        "people",
        None,
        "there is no column `people`",
    );
    let gap = Values::Integer(vec![Some(1), None]);
    check(
        fault("people", Some(gap)),
        "people",
        Some(1),
        "column `people` has no value in row 2",
    );
    let endless = Values::Number(vec![Some(f64::INFINITY), Some(1.0)]);
    check(
        fault("rooms", Some(endless)),
        "rooms",
        Some(0),
        "column `rooms` is inf in row 1",
    );
    let words = Values::Text(vec![Some("near".into()), Some("deep".into())]);
    let (column, row, _) = fault("sea", Some(words));
    assert_eq!((&column[..], row), ("sea", Some(1)));
}

#[test]
fn files_that_do_not_belong_together_are_refused() {
    let project = project();
    drop(trained(&project, "linear"));
    let model = project.read("m.safetensors");
    let refused = |model: &[u8], transform: Option<&[u8]>| {
        let files = ModelFiles {
            model,
            transform,
            profile: None,
        };
        Loader.load(files).err().expect("refused")
    };
    assert!(refused(&model[..9], None).starts_with("the model is not a model: "));
    assert!(refused(&model, Some(b"{}")).starts_with("the transform is not a transform: "));
    let transform = String::from_utf8(project.read("transform.json")).expect("a text");
    let other = transform.replace("\"target\": \"y\"", "\"target\": \"z\"");
    assert_ne!(other, transform);
    let said = refused(&model, Some(other.as_bytes()));
    assert!(said.contains("predicts another column"), "{said}");
    let fewer = transform.replace("\"name\": \"each\"", "\"name\": \"every\"");
    assert_ne!(fewer, transform);
    let said = refused(&model, Some(fewer.as_bytes()));
    assert!(said.contains("`each`"), "{said}");
}
