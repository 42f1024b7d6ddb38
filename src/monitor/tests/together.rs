//! What no single column says: columns that fit together in another way, and parts of the data where errors have grown.

use std::sync::Arc;

use hpipe_core::{
    Column, Discriminated, Discriminator, Input, ModelCard, PredictionFault, Predictor, Profile,
    ProfiledInput, ReferenceRows, Table, Type, Values,
};
use hpipe_monitor::{Report, Settings, Severity, Sketch, Watch, rank_test};

/// Predicts three times `x`.
struct Triple {
    card: ModelCard,
    profile: Profile,
}

impl Predictor for Triple {
    fn card(&self) -> &ModelCard {
        &self.card
    }

    fn profile(&self) -> Option<&Profile> {
        Some(&self.profile)
    }

    fn predict(&self, rows: &Table) -> Result<Vec<f64>, PredictionFault> {
        let Some(Values::Number(x)) = rows.get("x").map(|column| &column.values) else {
            panic!("x is a column of numbers");
        };
        Ok(x.iter().map(|x| x.expect("a value") * 3.0).collect())
    }
}

/// The share of the second kind among the ten nearest rows.
struct Nearest;

impl Discriminator for Nearest {
    fn discriminate(
        &self,
        learned: &[Vec<f64>],
        is_second: &[bool],
        asked: &[Vec<f64>],
        _seed: u64,
    ) -> Discriminated {
        let score = |row: &Vec<f64>| {
            let far = |other: &Vec<f64>| -> f64 {
                row.iter().zip(other).map(|(a, b)| (a - b).powi(2)).sum()
            };
            let mut near: Vec<_> = learned.iter().map(far).zip(is_second).collect();
            near.sort_by(|one, other| one.0.total_cmp(&other.0));
            near.iter()
                .take(10)
                .filter(|(_, is_second)| **is_second)
                .count() as f64
        };
        Discriminated {
            scores: asked.iter().map(score).collect(),
            importance: vec![0.75, 0.25],
        }
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

/// Rows with `x` and `z` from 0 to 1, as one another where `agree` says so, and the truth with noise that grows with `x`, and more so
/// above 0.8 where `worse` says so.
fn rows(random: &mut Random, rows: usize, agree: bool, worse: f64) -> [Vec<f64>; 3] {
    let mut columns = [const { Vec::new() }; 3];
    for _ in 0..rows {
        let x = random.unit();
        let z = if agree { x } else { random.unit() };
        let scale = (0.2 + x) * if x > 0.8 { worse } else { 1.0 };
        let row = [x, z, 3.0 * x + scale * (random.unit() - 0.5)];
        columns
            .iter_mut()
            .zip(row)
            .for_each(|(column, value)| column.push(value));
    }
    columns
}

fn table(columns: &[Vec<f64>; 3]) -> Table {
    let column = |(name, values): (&str, &Vec<f64>)| {
        Column::number(name, values.iter().copied().map(Some).collect())
    };
    Table::new(
        ["x", "z", "y"]
            .into_iter()
            .zip(columns)
            .map(column)
            .collect(),
    )
    .expect("a table")
}

fn predictor() -> Arc<Triple> {
    let [x, z, y] = rows(&mut Random(1), 3000, false, 1.0);
    let predicted: Vec<_> = x.iter().map(|x| 3.0 * x).collect();
    let quantiles = |values: &[f64]| {
        Sketch::of_sample(values, 33)
            .expect("a sketch")
            .quantiles()
            .to_vec()
    };
    let profiled = |name: &str, values: &[f64]| ProfiledInput {
        name: name.to_owned(),
        kind: Type::Number,
        missing: 0,
        range: None,
        mean: None,
        quantiles: quantiles(values),
        categories: Vec::new(),
        others: 0,
    };
    let input = |name: &str| Input {
        name: name.to_owned(),
        kind: Type::Number,
        nullable: false,
        range: None,
        categories: Vec::new(),
        refuses_unseen: false,
    };
    let kept = |values: &[f64]| values[..500].to_vec();
    let columns = ["x", "z"].into_iter().zip([&x, &z]);
    let columns = columns
        .map(|(name, values)| Column::number(name, kept(values).into_iter().map(Some).collect()));
    let mut pairs: Vec<_> = y.iter().zip(&predicted).map(|(y, p)| [*y, *p]).collect();
    pairs.sort_by(|one, other| (one[0] - one[1]).total_cmp(&(other[0] - other[1])));
    let profile = Profile {
        target: "y".to_owned(),
        train_rows: 3000,
        validation_rows: 3000,
        inputs: vec![profiled("x", &x), profiled("z", &z)],
        targets: quantiles(&y),
        predictions: quantiles(&predicted),
        scores: [("rmse".to_owned(), 0.2)].into(),
        sample: (0..200).map(|step| pairs[step * 2999 / 199]).collect(),
        rows: Some(ReferenceRows {
            inputs: Table::new(columns.collect()).expect("a table"),
            actual: kept(&y),
            predicted: kept(&predicted),
        }),
    };
    Arc::new(Triple {
        card: ModelCard {
            kind: "triple".to_owned(),
            target: "y".to_owned(),
            inputs: ["x", "z"].map(input).into(),
            features: ["x", "z"].map(str::to_owned).into(),
        },
        profile,
    })
}

fn watched(predictor: Arc<Triple>, columns: &[Vec<f64>; 3], seed: u64) -> Report {
    let settings = Settings {
        segment: Some("z".to_owned()),
        seed,
        ..Settings::default()
    };
    let mut watch = Watch::new(predictor, settings).discriminating(Arc::new(Nearest));
    watch.push(table(columns), None).expect("rows");
    watch.finish(None).expect("a report")
}

/// scipy 1.17.1: `mannwhitneyu([2, 3, 4, 5, 5], [1, 2, 2, 3], alternative="greater", method="asymptotic", use_continuity=False)`.
#[test]
fn ranks_are_compared_as_scipy_does() {
    let (auc, p) = rank_test(&[1.0, 2.0, 2.0, 3.0], &[2.0, 3.0, 4.0, 5.0, 5.0]);
    assert!((auc - 0.875).abs() < 1e-12, "{auc}");
    assert!((p - 0.029_725_546_655_776_813).abs() < 1e-9, "{p}");
    assert_eq!(rank_test(&[], &[1.0]), (0.5, 1.0));
    assert_eq!(rank_test(&[1.0], &[1.0]), (0.5, 1.0));
}

#[test]
fn columns_that_fit_together_in_another_way_are_drift() {
    let columns = rows(&mut Random(2), 600, true, 1.0);
    let report = watched(predictor(), &columns, 42);
    assert!(
        report.drift.iter().all(|drift| drift.severity.is_none()),
        "{:?}",
        report.drift
    );
    let found = report.multivariate.clone().expect("judged");
    assert_eq!(
        (found.severity, found.rows),
        (Some(Severity::Critical), [500, 500])
    );
    assert!(found.auc > 0.7 && found.p < 1e-6, "{found:?}");
    assert_eq!(found.columns[0], ("x".to_owned(), 0.75));
    let alert = report
        .alerts
        .iter()
        .find(|alert| alert.subject == "all columns")
        .expect("told");
    assert!(
        alert.message.ends_with("most by x 75 %, z 25 %"),
        "{alert:?}"
    );
    assert_eq!(report.drift_severity(), Some(Severity::Critical));
}

#[test]
fn too_few_rows_and_a_profile_without_rows_say_nothing_of_all_columns() {
    let columns = rows(&mut Random(2), 99, true, 1.0);
    assert_eq!(watched(predictor(), &columns, 42).multivariate, None);
    let older = Triple {
        card: predictor().card.clone(),
        profile: Profile {
            rows: None,
            ..predictor().profile.clone()
        },
    };
    let report = watched(Arc::new(older), &rows(&mut Random(2), 600, true, 1.0), 42);
    assert_eq!(report.multivariate, None);
    assert!(
        report
            .segments
            .iter()
            .all(|segment| segment.judged.is_none())
    );
}

/// Of 200 inputs without drift hardly one is told from the reference, and hardly one has a part that is worse than it was.
#[test]
fn chance_is_no_drift_of_all_columns() {
    let (mut random, predictor) = (Random(9), predictor());
    let (mut together, mut parts) = (0, 0);
    for seed in 0..200 {
        let columns = rows(&mut random, 200, false, 1.0);
        let report = watched(predictor.clone(), &columns, seed);
        together += usize::from(report.multivariate.expect("judged").severity.is_some());
        parts += usize::from(report.segments.iter().any(|segment| {
            segment
                .judged
                .is_some_and(|judged| judged.severity.is_some())
        }));
    }
    assert!(together <= 4, "{together} of 200");
    assert!(parts <= 6, "{parts} of 200");
}

/// Errors of large rows were larger from the beginning; what has grown is told, what was so is not.
#[test]
fn a_part_that_is_worse_than_it_was_is_told() {
    let columns = rows(&mut Random(3), 800, false, 2.5);
    let report = watched(predictor(), &columns, 42);
    let bad: Vec<_> = report
        .segments
        .iter()
        .filter(|segment| {
            segment
                .judged
                .is_some_and(|judged| judged.severity == Some(Severity::Critical))
        })
        .map(|segment| (segment.by.as_str(), segment.part.as_str()))
        .filter(|(by, _)| *by == "decile of prediction")
        .collect();
    assert_eq!(
        bad,
        [
            ("decile of prediction", "9"),
            ("decile of prediction", "10")
        ]
    );
    let told = report
        .alerts
        .iter()
        .find(|alert| alert.subject == "decile of prediction");
    assert!(told.expect("told").message.contains("MAE"), "{told:?}");
}
