//! Neighbourhood features do not leak: nothing of the validation and test parts, and nothing of a training row's own,
//! enters a feature. On every fourth row of the committed table.

mod harness;

use harness::{Project, columns, numbers};

const PARTS: [&str; 3] = ["train", "validation", "test"];

/// Unscaled, so that a feature is what its row is told and not also where the others' lie.
const OPTIONS: &str = r#"{
    "target": "MedHouseVal",
    "numeric": ["MedInc", "HouseAge", "Latitude", "Longitude"],
    "derived": [{"name": "log_income", "log1p": "MedInc"}],
    "neighbours": [
        {"name": "near", "columns": ["Latitude", "Longitude"], "stretch": {"Longitude": 0.8}, "k": [1, 8],
         "statistics": ["mean", "std", "min", "max", "distance"], "of": ["MedHouseVal", "MedInc"]},
        {"name": "alike", "columns": ["Latitude", "Longitude", "log_income", "HouseAge"], "scale": "standard",
         "stretch": {"Latitude": 4, "Longitude": 4}, "k": [5], "statistics": ["mean"], "weights": {"inverse": 0.1}}
    ],
    "scale": {"default": "none"}
}"#;

/// A project with the three parts of the table in `split/`, each row's target taken through `retarget`: given the part,
/// the place of the row in it and the targets of the part.
fn project(retarget: fn(&str, usize, &[f64]) -> f64) -> Project {
    let project = Project::default();
    let raw = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../data/raw/california_housing.csv"
    );
    let table = std::fs::read_to_string(raw).expect("the committed table");
    let mut lines = table.lines();
    let header = lines.next().expect("a header");
    let rows: Vec<(&str, &str)> = lines
        .step_by(4)
        .map(|line| line.rsplit_once(',').expect("a target"))
        .collect();
    for (number, part) in PARTS.into_iter().enumerate() {
        let rows: Vec<_> = rows.iter().skip(number).step_by(3).collect();
        let targets: Vec<f64> = rows
            .iter()
            .map(|(_, y)| y.parse().expect("a number"))
            .collect();
        let line = |(row, (features, _)): (usize, &&(&str, &str))| {
            format!("{features},{}", retarget(part, row, &targets))
        };
        let lines: Vec<String> = rows.iter().enumerate().map(line).collect();
        project.write(
            &format!("{part}.csv"),
            format!("{header}\n{}\n", lines.join("\n")),
        );
        let (csv, parquet) = (format!("{part}.csv"), format!("split/{part}.parquet"));
        project.execute("ingest", "null", &[("table", &csv)], &[("table", &parquet)]);
    }
    project
}

fn as_it_is(_: &str, row: usize, targets: &[f64]) -> f64 {
    targets[row]
}

fn features(project: &Project) {
    let split = PARTS.map(|part| (part, format!("split/{part}.parquet")));
    let split = split.each_ref().map(|(part, path)| (*part, path.as_str()));
    let outs = [
        ("train", "features/train.parquet"),
        ("validation", "features/validation.parquet"),
        ("test", "features/test.parquet"),
        ("transform", "transform.json"),
    ];
    project.execute("features", OPTIONS, &split, &outs);
}

/// The bits of every feature of a part, row by row within each; the target, the last column, is left out.
fn bits(project: &Project, part: &str) -> Vec<(String, Vec<u64>)> {
    let path = project.path(&format!("features/{part}.parquet"));
    let names = columns(&path);
    let (target, names) = names.split_last().expect("columns");
    assert_eq!(target, "MedHouseVal");
    let of = |name: &String| numbers(&path, name).iter().map(|x| x.to_bits()).collect();
    names.iter().map(|name| (name.clone(), of(name))).collect()
}

#[test]
fn other_targets_of_validation_and_test_change_no_feature_of_any_part() {
    let reversed = |part: &str, row: usize, targets: &[f64]| match part {
        "train" => targets[row],
        _ => targets[targets.len() - 1 - row],
    };
    let (before, after) = (project(as_it_is), project(reversed));
    assert_ne!(
        before.read("split/test.parquet"),
        after.read("split/test.parquet")
    );
    features(&before);
    features(&after);
    assert_eq!(before.read("transform.json"), after.read("transform.json"));
    for part in PARTS {
        let names: Vec<_> = bits(&before, part)
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(names.len(), 4 + 1 + 2 * (4 * 2 + 1) + 1);
        assert_eq!(bits(&before, part), bits(&after, part), "{part}");
    }
}

#[test]
fn another_target_of_a_training_row_changes_features_of_other_rows_only() {
    const ROW: usize = 700;
    let changed = |part: &str, row: usize, targets: &[f64]| match (part, row) {
        ("train", ROW) => targets[row] + 3.0,
        _ => targets[row],
    };
    let (before, after) = (project(as_it_is), project(changed));
    features(&before);
    features(&after);
    let mut others = 0;
    for ((name, before), (_, after)) in bits(&before, "train").iter().zip(&bits(&after, "train")) {
        assert_eq!(before[ROW], after[ROW], "{name}");
        others += before.iter().zip(after).filter(|(a, b)| a != b).count();
    }
    assert!(others > 10, "its neighbours are told of it: {others}");
    assert_ne!(bits(&before, "test"), bits(&after, "test"));
}

#[test]
fn equal_inputs_give_equal_bytes_whatever_the_number_of_threads() {
    let project = project(as_it_is);
    let outs_with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("threads").install(|| features(&project));
        let features = PARTS.map(|part| project.read(&format!("features/{part}.parquet")));
        (features, project.read("transform.json"))
    };
    assert!(outs_with(1) == outs_with(2));
}

/// scikit-learn's LinearRegression on the same kind of features: 0.43 on all rows; without neighbours 0.66.
#[test]
fn a_linear_model_knows_its_neighbourhood() {
    let project = project(as_it_is);
    features(&project);
    let deps =
        ["train", "validation", "test"].map(|part| (part, format!("features/{part}.parquet")));
    let deps = deps.each_ref().map(|(part, path)| (*part, path.as_str()));
    let with = r#"{"model": "ridge", "target": "MedHouseVal", "hyperparameters": {"alpha": 1}}"#;
    project.execute("train", with, &deps[..2], &[("model", "ridge.json")]);
    let judged = [&deps[..], &[("models", "ridge.json")]].concat();
    let with = r#"{"target": "MedHouseVal"}"#;
    project.execute("evaluate", with, &judged, &[("metrics", "metrics.json")]);
    let rmse = project.json("metrics.json")["models"]["ridge"]["scores"]["test"]["rmse"].as_f64();
    let rmse = rmse.expect("a score");
    assert!((0.4..0.56).contains(&rmse), "{rmse}");
}

/// 60 places of 65 rows each, in train and in test; what a row is worth is its place's, and a row's own.
fn clusters(project: &Project) {
    let mut state = 1_u64;
    let mut noise = || {
        // Knuth's linear congruential generator; the sum of twelve uniform numbers is nearly normal
        (0..12)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                (state >> 11) as f64 / (1_u64 << 53) as f64
            })
            .sum::<f64>()
            - 6.0
    };
    let worth: Vec<f64> = (0..60).map(|_| noise()).collect();
    for part in PARTS {
        let rows = (0..60 * 65).map(|row| {
            let place = row % 60;
            format!("{place},{},{:.6}", place * 37 % 60, worth[place] + noise())
        });
        let rows: Vec<String> = rows.collect();
        let csv = format!("{part}.csv");
        project.write(&csv, format!("a,b,y\n{}\n", rows.join("\n")));
        let parquet = format!("split/{part}.parquet");
        project.execute("ingest", "null", &[("table", &csv)], &[("table", &parquet)]);
    }
}

/// The features of clusters, each row told of 64 others.
fn clustered_features(project: &Project, folds: &str) {
    let options = format!(
        r#"{{"target": "y", "numeric": ["a", "b"], "scale": {{"default": "none"}}, "neighbours": [
            {{"name": "near", "columns": ["a", "b"], "k": [64], "statistics": ["mean"], "folds": {folds}}}]}}"#
    );
    let split = PARTS.map(|part| (part, format!("split/{part}.parquet")));
    let split = split.each_ref().map(|(part, path)| (*part, path.as_str()));
    let outs = PARTS.map(|part| (part, format!("features/{part}.parquet")));
    let mut outs: Vec<_> = outs
        .iter()
        .map(|(part, path)| (*part, path.as_str()))
        .collect();
    outs.push(("transform", "transform.json"));
    project.execute("features", &options, &split, &outs);
}

/// The test RMSE of a forest on the features that are there.
fn forest(project: &Project) -> f64 {
    let with =
        r#"{"model": "random_forest", "target": "y", "hyperparameters": {"n_estimators": 40}}"#;
    let parts = PARTS.map(|part| (part, format!("features/{part}.parquet")));
    let parts = parts.each_ref().map(|(part, path)| (*part, path.as_str()));
    project.execute(
        "train",
        with,
        &parts[..1],
        &[("model", "forest.safetensors")],
    );
    let judged = [&parts[..], &[("models", "forest.safetensors")]].concat();
    project.execute(
        "evaluate",
        r#"{"target": "y"}"#,
        &judged,
        &[("metrics", "metrics.json")],
    );
    let metrics = project.json("metrics.json");
    let rmse = metrics["models"]["forest"]["scores"]["test"]["rmse"].as_f64();
    rmse.expect("a score")
}

/// The noise has a deviation of 1: nothing can be better than that on new rows. Leave-one-out tells each of 65 coincident
/// rows the sum of the others, from which a forest reads its target, with a minus sign; folds do not.
#[test]
fn coincident_rows_do_not_learn_their_own_target_from_folds() {
    let project = Project::default();
    clusters(&project);
    clustered_features(&project, "\"none\"");
    let warned = project.logged();
    let expect = "`near`: 3900 of 3900 train rows share their point with at most 64 others, and with `folds: none` are told \
                  of all of them, from which a model can read their own target";
    assert!(warned.iter().any(|line| line == expect), "{warned:?}");
    let leaking = forest(&project);
    clustered_features(&project, "10");
    assert_eq!(
        project
            .logged()
            .iter()
            .filter(|line| *line == expect)
            .count(),
        1
    );
    let folded = forest(&project);
    assert!(leaking > 1.3 && folded < 1.1, "{leaking} {folded}");
}

#[test]
fn a_row_is_not_told_of_all_others() {
    let project = Project::default();
    for part in PARTS {
        let csv = format!("{part}.csv");
        project.write(&csv, "a,y\n1,1\n2,2\n3,4\n,5\n4,3\n");
        let parquet = format!("split/{part}.parquet");
        project.execute("ingest", "null", &[("table", &csv)], &[("table", &parquet)]);
    }
    let split = PARTS.map(|part| (part, format!("split/{part}.parquet")));
    let split = split.each_ref().map(|(part, path)| (*part, path.as_str()));
    let outs = PARTS.map(|part| (part, format!("features/{part}.parquet")));
    let mut outs: Vec<_> = outs
        .iter()
        .map(|(part, path)| (*part, path.as_str()))
        .collect();
    outs.push(("transform", "transform.json"));
    let with = |k: usize, folds: &str| {
        format!(
            r#"{{"target": "y", "numeric": ["a"], "impute": {{"default": "keep"}}, "neighbours": [
                {{"name": "near", "columns": ["a"], "k": [1, {k}], "statistics": ["mean"], "folds": {folds}}}]}}"#
        )
    };
    let told = project.fail("features", &with(3, "\"none\""), &split, &outs);
    assert_eq!(
        told,
        "in split/train.parquet: the neighbours `near` tell of 3 rows, and some train row is compared with 3 only (take \
         every `k` below 3: who is told of all others is told nothing but its own value, backwards)"
    );
    let told = project.fail("features", &with(2, "2"), &split, &outs);
    // of the two folds, one has three of the four rows that have a place
    assert!(
        told.contains("compared with 1 only (too few train rows"),
        "{told}"
    );
    project.execute("features", &with(2, "\"none\""), &split, &outs);
}
