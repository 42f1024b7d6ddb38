//! A model being watched: clean rows, drifted rows, bad rows, windows of time.

use std::sync::Arc;

use hpipe_core::{
    Column, Input, ModelCard, PredictionFault, Predictor, Profile, ProfiledInput, Table, Type,
    Values,
};
use hpipe_monitor::{
    Check, Cut, Fault, Kind, Late, Logged, Report, Settings, Severity, Sketch, Watch,
};

/// Predicts ten times `x`, whatever `place` says.
struct TenTimes {
    card: ModelCard,
    profile: Option<Profile>,
}

impl Predictor for TenTimes {
    fn card(&self) -> &ModelCard {
        &self.card
    }

    fn profile(&self) -> Option<&Profile> {
        self.profile.as_ref()
    }

    fn predict(&self, rows: &Table) -> Result<Vec<f64>, PredictionFault> {
        let Some(Values::Number(x)) = rows.get("x").map(|column| &column.values) else {
            panic!("x is a column of numbers");
        };
        // a row the card says nothing of
        if let Some(row) = x.iter().position(|x| *x == Some(0.5)) {
            let message = "0.5 is refused".to_owned();
            return Err(PredictionFault {
                message,
                help: String::new(),
                column: Some("x".to_owned()),
                row: Some(row),
            });
        }
        Ok(x.iter().map(|x| x.expect("a value") * 10.0).collect())
    }
}

struct Random(u64);

impl Random {
    fn unit(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 * 2.0_f64.powi(-53)
    }
}

/// Rows with `x` uniform from 0 to 1, a place, and the truth: ten times `x` and some noise.
fn rows(
    random: &mut Random,
    rows: usize,
    shift: f64,
    noise: f64,
) -> (Vec<f64>, Vec<String>, Vec<f64>) {
    let x: Vec<_> = (0..rows).map(|_| random.unit() + shift).collect();
    let place = (0..rows).map(|_| {
        if random.unit() < 0.7 {
            "inland"
        } else {
            "coast"
        }
        .to_owned()
    });
    let place = place.collect();
    let y = x
        .iter()
        .map(|x| x * 10.0 + noise * (random.unit() - 0.5))
        .collect();
    (x, place, y)
}

fn predictor() -> Arc<TenTimes> {
    let (x, _, y) = rows(&mut Random(1), 4000, 0.0, 2.0);
    let quantiles = |values: &[f64]| {
        Sketch::of_sample(values, 33)
            .expect("a sketch")
            .quantiles()
            .to_vec()
    };
    let predicted: Vec<_> = x.iter().map(|x| x * 10.0).collect();
    let mut pairs: Vec<_> = y.iter().zip(&predicted).map(|(y, p)| [*y, *p]).collect();
    pairs.sort_by(|one, other| (one[0] - one[1]).total_cmp(&(other[0] - other[1])));
    let input = |name: &str, kind, range| Input {
        name: name.to_owned(),
        kind,
        nullable: false,
        range,
        categories: Vec::new(),
        refuses_unseen: false,
    };
    let mut place = input("place", Type::Text, None);
    place.categories = ["coast", "inland"].map(str::to_owned).into();
    let profiled = |name: &str, kind, quantiles, categories| ProfiledInput {
        name: name.to_owned(),
        kind,
        missing: 0,
        range: None,
        mean: None,
        quantiles,
        categories,
        others: 0,
    };
    let words = vec![("inland".to_owned(), 2800), ("coast".to_owned(), 1200)];
    let profile = Profile {
        target: "y".to_owned(),
        train_rows: 4000,
        validation_rows: 4000,
        inputs: vec![
            profiled("x", Type::Number, quantiles(&x), Vec::new()),
            profiled("place", Type::Text, Vec::new(), words),
        ],
        targets: quantiles(&y),
        predictions: quantiles(&predicted),
        scores: [("rmse".to_owned(), 0.577)].into(),
        sample: (0..200).map(|step| pairs[step * 3999 / 199]).collect(),
        rows: None,
    };
    Arc::new(TenTimes {
        card: ModelCard {
            kind: "ten_times".to_owned(),
            target: "y".to_owned(),
            inputs: vec![input("x", Type::Number, Some([0.0, 1.0])), place],
            features: vec!["x".to_owned(), "place".to_owned()],
        },
        profile: Some(profile),
    })
}

fn texts<T: ToString>(name: &str, values: impl IntoIterator<Item = T>) -> Column {
    let values = Values::Text(
        values
            .into_iter()
            .map(|value| Some(value.to_string()))
            .collect(),
    );
    Column {
        name: name.to_owned(),
        values,
    }
}

/// As a CSV file gives them: all columns are texts.
fn table((x, place, y): (Vec<f64>, Vec<String>, Vec<f64>)) -> Table {
    Table::new(vec![texts("x", x), texts("place", place), texts("y", y)]).expect("a table")
}

fn watched(settings: Settings, parts: Vec<Table>) -> Report {
    let mut watch = Watch::new(predictor(), settings);
    for part in parts {
        watch.push(part, None).expect("rows that can be watched");
    }
    watch.finish(None).expect("a report")
}

fn told(report: &Report, kind: Kind) -> Vec<(&str, Severity)> {
    let alerts = report.alerts.iter().filter(|alert| alert.kind == kind);
    alerts
        .map(|alert| (alert.subject.as_str(), alert.severity))
        .collect()
}

#[test]
fn clean_rows_are_nothing_to_tell() {
    let mut random = Random(5);
    let parts = (0..7).map(|_| table(rows(&mut random, 143, 0.0, 2.0)));
    let report = watched(Settings::default(), parts.collect());
    assert_eq!(
        (report.rows, report.valid, report.batches.len()),
        (1001, 1001, 101)
    );
    assert_eq!(
        report.batches[100].rows, 1,
        "the last batch is what is left"
    );
    assert!(
        report.severity() < Some(Severity::Critical),
        "{:?}",
        report.alerts
    );
    assert!(report.alarmed <= 3, "{}", report.alarmed);
    let errors = report.errors.expect("labelled rows");
    assert!((errors.rmse - 0.577).abs() < 0.03, "{errors:?}");
    assert_eq!(report.segments.len(), 10, "deciles of the prediction");
}

#[test]
fn drifted_inputs_are_told_as_such() {
    let report = watched(
        Settings::default(),
        vec![table(rows(&mut Random(6), 400, 0.3, 2.0))],
    );
    let drift = told(&report, Kind::Drift);
    let critical = |name| drift.contains(&(name, Severity::Critical));
    assert!(
        critical("x") && critical("prediction") && critical("target"),
        "{drift:?}"
    );
    assert!(!drift.iter().any(|(name, _)| *name == "place"), "{drift:?}");
    assert!(told(&report, Kind::Level).contains(&("x", Severity::Critical)));
    assert!(
        told(&report, Kind::Quality).contains(&("x", Severity::Warning)),
        "outside the range"
    );
    assert!(report.alerts.iter().any(|alert| alert.subject == "batches"));
    assert!(report.suppressed > 0);
    let html = report.to_html("ten/1", "rows.csv");
    assert!(html.contains("Monitoring ten/1") && html.contains("critical"));
}

#[test]
fn errors_that_grow_are_told_without_any_drift_of_inputs() {
    let report = watched(
        Settings::default(),
        vec![table(rows(&mut Random(7), 300, 0.0, 6.0))],
    );
    assert!(told(&report, Kind::Drift).is_empty(), "{:?}", report.alerts);
    assert!(told(&report, Kind::Errors).contains(&("rmse", Severity::Critical)));
}

#[test]
fn rows_the_model_cannot_take_are_counted_and_left_out() {
    let columns = vec![
        texts("x", ["0.1", "NA", "inf", "many", "0.5", "2", "0.9", "0.2"]),
        texts(
            "place",
            [
                "coast", "coast", "coast", "coast", "coast", "moon", "inland", "inland",
            ],
        ),
    ];
    let report = watched(
        Settings::default(),
        vec![Table::new(columns).expect("a table")],
    );
    assert_eq!((report.rows, report.valid, report.errors), (8, 4, None));
    let found: Vec<_> = report
        .findings
        .iter()
        .map(|((check, column), found)| {
            (
                *check,
                column.as_str(),
                found.rows,
                found.invalid,
                found.example.as_deref(),
            )
        })
        .collect();
    let expected = [
        (Check::Schema, "x", 1, 1, Some("many")),
        (Check::Missing, "x", 1, 1, None),
        (Check::Infinite, "x", 1, 1, Some("inf")),
        (Check::Range, "x", 1, 0, Some("2")),
        (Check::Categories, "place", 1, 0, Some("moon")),
        (Check::Refused, "x", 1, 1, Some("0.5")),
    ];
    assert_eq!(found, expected);
    assert!(told(&report, Kind::Quality).contains(&("rows", Severity::Warning)));
}

#[test]
fn windows_of_time_are_batches() {
    let (x, place, y) = rows(&mut Random(8), 6, 0.0, 2.0);
    let times = [
        "2026-01-01 10:00",
        "2026-01-01 10:59",
        "",
        "2026-01-01T11:00:00Z",
        "2026-01-01 13:05",
        "2026-01-01 13:06",
    ];
    let columns = vec![
        texts("x", x),
        texts("place", place),
        texts("y", y),
        texts("at", times),
    ];
    let all = Table::new(columns).expect("a table");
    let settings = Settings {
        cut: Cut::Window {
            column: "at".to_owned(),
            seconds: 3600.0,
            late: Late::Refused,
        },
        segment: Some("place".to_owned()),
        ..Settings::default()
    };
    // in parts that end within a window
    let parts = [&[0, 1][..], &[2, 3, 4], &[5]]
        .map(|rows| all.take(rows))
        .to_vec();
    let report = watched(settings.clone(), parts);
    let sizes: Vec<_> = report.batches.iter().map(|batch| batch.rows).collect();
    assert_eq!(sizes, [3, 1, 2]);
    assert!(report.segments.iter().any(|segment| segment.by == "place"));
    let missing = Watch::new(predictor(), settings)
        .push(table(rows(&mut Random(9), 3, 0.0, 2.0)), None)
        .map(|batches| batches.len());
    assert!(matches!(missing, Err(Fault::NoColumn(fault)) if fault.column == "at"));
}

#[test]
fn a_column_that_is_not_there_is_named_with_one_like_it() {
    let columns = vec![texts("x", ["1"]), texts("plaec", ["coast"])];
    let rows = Table::new(columns).expect("a table");
    let fault = Watch::new(
        predictor(),
        Settings {
            cut: Cut::Rows(1),
            ..Settings::default()
        },
    )
    .push(rows, None)
    .map(|batches| batches.len());
    let Err(Fault::NoColumn(fault)) = fault else {
        panic!("{fault:?}")
    };
    assert_eq!(
        (fault.column.as_str(), fault.near.as_deref()),
        ("place", Some("plaec"))
    );
}

#[test]
fn a_segment_or_a_time_that_nobody_says_is_a_fault() {
    let rows = || table(rows(&mut Random(9), 3, 0.0, 2.0));
    let push = |settings| {
        Watch::new(predictor(), settings)
            .push(rows(), None)
            .map(|batches| batches.len())
    };
    let missing = push(Settings {
        cut: Cut::Rows(1),
        segment: Some("plase".to_owned()),
        ..Settings::default()
    });
    assert!(
        matches!(missing, Err(Fault::NoColumn(fault)) if fault.near.as_deref() == Some("place"))
    );
    let timeless = push(Settings {
        cut: Cut::Window {
            column: "place".to_owned(),
            seconds: 60.0,
            late: Late::Refused,
        },
        ..Settings::default()
    });
    assert!(matches!(timeless, Err(Fault::NoTime(column)) if column == "place"));
}

/// Rows with `x` and `place` as they should be, and this truth.
fn with_truth(truth: [&str; 4]) -> Table {
    let columns = vec![
        texts("x", ["0.1", "0.2", "0.3", "0.4"]),
        texts("place", ["coast"; 4]),
        texts("y", truth),
    ];
    Table::new(columns).expect("a table")
}

#[test]
fn a_truth_that_cannot_be_read_is_not_ok() {
    let unusable = watched(
        Settings::default(),
        vec![with_truth(["high", "low", "", "high"])],
    );
    assert_eq!((unusable.status(), unusable.errors), ("critical", None));
    let quality = told(&unusable, Kind::Quality);
    assert!(
        quality.contains(&("target", Severity::Critical)),
        "{quality:?}"
    );
    let found = &unusable.findings[&(Check::Schema, "y".to_owned())];
    assert_eq!((found.rows, found.example.as_deref()), (3, Some("high")));
    let unknown = watched(Settings::default(), vec![with_truth([""; 4])]);
    assert_eq!(
        told(&unknown, Kind::Quality),
        [("target", Severity::Warning)]
    );
    let settings = Settings {
        target: Some("y".to_owned()),
        ..Settings::default()
    };
    let named = watched(settings, vec![with_truth([""; 4])]);
    assert_eq!(told(&named, Kind::Quality), [("y", Severity::Critical)]);
    let some = watched(
        Settings::default(),
        vec![with_truth(["1", "high", "3", "4"])],
    );
    assert_eq!(told(&some, Kind::Quality), [("y", Severity::Warning)]);
    assert_eq!(some.errors.expect("errors").rows, 3);
}

#[test]
fn no_rows_are_not_ok_and_no_reason_to_train() {
    let report = watched(Settings::default(), vec![table((vec![], vec![], vec![]))]);
    assert_eq!(told(&report, Kind::Quality), [("rows", Severity::Critical)]);
    assert_eq!(
        (report.status(), report.drift_severity()),
        ("critical", None)
    );
}

#[test]
fn without_a_profile_nothing_is_judged_and_nothing_is_ok() {
    let mut model = TenTimes {
        profile: None,
        card: predictor().card.clone(),
    };
    model.card.inputs[1].categories.clear();
    let mut watch = Watch::new(Arc::new(model), Settings::default());
    watch
        .push(table(rows(&mut Random(4), 50, 0.0, 2.0)), None)
        .expect("rows");
    let report = watch.finish(None).expect("a report");
    assert_eq!((report.status(), report.has_reference), ("unjudged", false));
}

#[test]
fn what_a_log_says_was_answered_is_judged_and_not_predicted_again() {
    let number = |name: &str, values: &[Option<f64>]| Column::number(name, values.to_vec());
    let columns = vec![
        texts("x", ["0.1", "0.2", "0.3", "0.4"]),
        texts("place", ["coast"; 4]),
        number("answer", &[Some(7.0), Some(7.0), None, Some(7.0)]),
        number("waited", &[Some(0.1), Some(0.2), Some(0.3), Some(0.9)]),
        texts("y", ["6", "6", "6", "6"]),
    ];
    let settings = Settings {
        logged: Some(Logged {
            prediction: "answer".to_owned(),
            latency: "waited".to_owned(),
        }),
        ..Settings::default()
    };
    let report = watched(settings, vec![Table::new(columns).expect("a table")]);
    let batch = &report.batches[0];
    assert_eq!(
        (batch.rows, batch.valid, batch.answered),
        (4, 3, Some([0.2, 0.9]))
    );
    assert_eq!(
        batch.errors.map(|errors| (errors.rows, errors.bias)),
        Some((3, 1.0))
    );
}

/// Reports in between change nothing of what batches are told: neither moving averages nor what was told begin anew.
#[test]
fn a_watch_goes_on_after_a_report() {
    let settings = Settings {
        cooldown: 15,
        ..Settings::default()
    };
    let drifted = |from: usize| {
        let mut random = Random(20 + from as u64);
        let shift = if from < 20 { 0.0 } else { 0.15 };
        table(rows(&mut random, 7, shift, 2.0))
    };
    let mut whole = Watch::new(predictor(), settings.clone());
    let mut parts = Watch::new(predictor(), settings);
    let (mut expected, mut found, mut alarmed) = (Vec::new(), Vec::new(), 0);
    for part in 0..60 {
        expected.extend(whole.push(drifted(part), None).expect("judged"));
        found.extend(parts.push(drifted(part), None).expect("judged"));
        if part % 5 == 4 {
            let report = parts.turn();
            assert_eq!(report.batch_count, report.batches.len());
            alarmed += report.alarmed;
        }
    }
    assert_eq!(found, expected);
    let levels = |alert: &&hpipe_monitor::Alert| alert.kind == Kind::Level;
    let told = found
        .iter()
        .flat_map(|batch| &batch.alerts)
        .filter(levels)
        .count();
    assert!(told > 0, "a shift so small is found by what adds up");
    let (whole, rest) = (
        whole.finish(None).expect("judged"),
        parts.finish(None).expect("judged"),
    );
    assert_eq!(whole.alarmed, alarmed + rest.alarmed);
    assert_eq!(rest.rows, 0, "all was in the report before");
}
