//! What neighbours tell: against scikit-learn, and that nobody is told of itself.

use hpipe_learn::neighbours::{Neighbours, Statistic, Summary, Weighting};
use ndarray::{Array2, ArrayView2, Axis, array};

const STATISTICS: [Statistic; 4] = [
    Statistic::Mean,
    Statistic::Deviation,
    Statistic::Min,
    Statistic::Max,
];

fn summary(k: &[usize], weighting: Weighting) -> Summary {
    Summary {
        k: k.to_vec(),
        statistics: STATISTICS.to_vec(),
        weighting,
        distance: true,
    }
}

/// Every seventh row of the committed table from row `first` on, as `tests/reference/neighbours.py` takes them: the
/// coordinates `n_rows × 3` and the values `n_rows × 2`.
fn rows(first: usize) -> (Array2<f64>, Array2<f64>) {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../data/raw/california_housing.csv"
    );
    let text = std::fs::read_to_string(path).expect("the committed table");
    let (mut points, mut values) = (Vec::new(), Vec::new());
    for line in text.lines().skip(1 + first).step_by(7) {
        let row: Vec<f64> = line
            .split(',')
            .map(|x| x.parse().expect("a number"))
            .collect();
        points.extend([10.0 * row[6], 8.0 * row[7], row[0]]);
        values.extend([row[8], row[1]]);
    }
    let n = values.len() / 2;
    let points = Array2::from_shape_vec((n, 3), points).expect("3 columns");
    let values = Array2::from_shape_vec((n, 2), values).expect("2 columns");
    (points, values)
}

/// Some rows of a matrix.
fn take(matrix: &Array2<f64>, rows: std::ops::Range<usize>) -> Array2<f64> {
    matrix.select(Axis(0), &rows.collect::<Vec<_>>())
}

fn bits(told: ArrayView2<'_, f64>) -> Vec<u64> {
    told.iter().map(|x| x.to_bits()).collect()
}

/// Tolerance: 1e-12 relative; its sums are taken in another order.
#[test]
fn statistics_agree_with_scikit_learn() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/reference/neighbours.json"
    );
    let golden = std::fs::read_to_string(path).expect("the golden values");
    let golden: serde_json::Value = serde_json::from_str(&golden).expect("JSON");
    let (points, values) = rows(0);
    assert_eq!(golden["rows"], points.nrows());
    let neighbours = Neighbours::new(points, values);
    for case in golden["cases"].as_array().expect("cases") {
        let weighting = match case["weighting"].as_str().expect("a word") {
            "uniform" => Weighting::Uniform,
            "inverse 0" => Weighting::Inverse { offset: 0.0 },
            _ => Weighting::Inverse { offset: 0.5 },
        };
        let summary = summary(&[1, 4, 16], weighting);
        near(
            &neighbours.of_points(rows(3).0.view(), &summary),
            &case["points"],
        );
        near(&neighbours.of_reference(&summary), &case["reference"]);
    }
}

/// The first rows of `found` are the golden ones.
fn near(found: &Array2<f64>, golden: &serde_json::Value) {
    let golden = golden.as_array().expect("rows");
    assert_eq!(golden.len(), 25);
    for (row, expect) in golden.iter().enumerate() {
        let expect = expect.as_array().expect("numbers");
        assert_eq!(expect.len(), found.ncols());
        for (column, expect) in expect.iter().enumerate() {
            let (found, expect) = (found[[row, column]], expect.as_f64().expect("a number"));
            let difference = (found - expect).abs();
            assert!(
                difference <= 1e-12 * expect.abs().max(1.0),
                "row {row}, column {column}: {found}, not {expect}"
            );
        }
    }
}

#[test]
fn a_row_is_never_told_of_itself() {
    let (points, values) = rows(0);
    let summary = summary(&[1, 5], Weighting::Inverse { offset: 0.1 });
    let before = Neighbours::new(points.clone(), values.clone()).of_reference(&summary);
    for row in [0, 17, 1000] {
        let mut changed = values.clone();
        changed[[row, 0]] = 1e6;
        let after = Neighbours::new(points.clone(), changed).of_reference(&summary);
        assert_eq!(
            bits(take(&after, row..row + 1).view()),
            bits(take(&before, row..row + 1).view())
        );
        assert_ne!(
            bits(after.view()),
            bits(before.view()),
            "its neighbours are told of it"
        );
    }
}

#[test]
fn a_reference_row_is_told_what_a_new_point_there_is_told_by_the_others() {
    let (points, values) = rows(0);
    let summary = summary(&[1, 3], Weighting::Uniform);
    let all = Neighbours::new(points.clone(), values.clone()).of_reference(&summary);
    let others = Neighbours::new(
        take(&points, 1..points.nrows()),
        take(&values, 1..values.nrows()),
    );
    let alone = others.of_points(take(&points, 0..1).view(), &summary);
    assert_eq!(bits(take(&all, 0..1).view()), bits(alone.view()));
}

#[test]
fn a_point_alone_is_told_what_it_is_told_among_others_with_any_number_of_threads() {
    let (points, values) = rows(0);
    let neighbours = Neighbours::new(points, values);
    let summary = summary(&[2, 30], Weighting::Inverse { offset: 0.0 });
    let asked = rows(3).0;
    let with_threads = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("threads")
            .install(|| neighbours.of_points(asked.view(), &summary))
    };
    let together = with_threads(1);
    assert_eq!(bits(with_threads(2).view()), bits(together.view()));
    for row in (0..asked.nrows()).step_by(100) {
        let alone = neighbours.of_points(take(&asked, row..row + 1).view(), &summary);
        assert_eq!(
            bits(alone.view()),
            bits(take(&together, row..row + 1).view())
        );
    }
}

#[test]
fn fewer_rows_than_asked_for_are_all_told_of() {
    let neighbours = Neighbours::new(array![[0.0], [3.0]], array![[1.0], [5.0]]);
    let summary = summary(&[1, 9], Weighting::Uniform);
    let point = neighbours.of_points(array![[1.0]].view(), &summary);
    assert_eq!(
        point,
        array![[1.0, 0.0, 1.0, 1.0, 1.0, 3.0, 2.0, 1.0, 5.0, 2.0]]
    );
    let first = neighbours.of_reference(&summary).row(0).to_vec();
    assert_eq!(first, [5.0, 0.0, 5.0, 5.0, 3.0, 5.0, 0.0, 5.0, 5.0, 3.0]);
    let alone = Neighbours::new(array![[0.0]], array![[1.0]]);
    assert!(alone.of_reference(&summary).iter().all(|x| x.is_nan()));
    let nobody = Neighbours::new(Array2::zeros((0, 1)), Array2::zeros((0, 1)));
    assert!(
        nobody
            .of_points(array![[1.0]].view(), &summary)
            .iter()
            .all(|x| x.is_nan())
    );
}

#[test]
fn coincident_rows_count_but_for_the_row_itself() {
    let neighbours = Neighbours::new(
        array![[2.0], [2.0], [2.0], [9.0]],
        array![[1.0], [2.0], [6.0], [7.0]],
    );
    let summary = Summary {
        statistics: vec![Statistic::Mean],
        ..summary(&[2, 3], Weighting::Inverse { offset: 0.0 })
    };
    let told = neighbours.of_reference(&summary);
    assert_eq!(told.row(0).to_vec(), [4.0, 0.0, 4.0, 7.0]);
    assert_eq!(told.row(2).to_vec(), [1.5, 0.0, 1.5, 7.0]);
}

#[test]
fn missing_coordinates_and_values_are_told_of_as_missing() {
    let points = array![[0.0, 0.0], [f64::NAN, 0.0], [1.0, 0.0], [2.0, 0.0]];
    let values = array![[1.0], [50.0], [f64::NAN], [3.0]];
    let neighbours = Neighbours::new(points, values);
    let summary = Summary {
        statistics: vec![Statistic::Mean],
        ..summary(&[2], Weighting::Uniform)
    };
    let told = neighbours.of_points(array![[0.4, 0.0], [0.0, f64::NAN]].view(), &summary);
    assert_eq!(told.row(0).to_vec(), [1.0, 0.6]);
    assert!(told.row(1).iter().all(|x| x.is_nan()));
    let reference = neighbours.of_reference(&summary);
    assert!(reference.row(1).iter().all(|x| x.is_nan()));
    assert_eq!(reference.row(3).to_vec(), [1.0, 2.0]);
}
