//! How often batches raise an alarm: without drift, and with one.

use hpipe_core::{Column, Profile, ProfiledInput, Table, Type};
use hpipe_monitor::{BatchVerdict, Batches, FALSE_ALARMS, Scored, Sketch};

/// Normal numbers by Box and Muller, of a congruential generator.
struct Normal(u64);

impl Normal {
    fn unit(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 11) as f64 + 0.5) * 2.0_f64.powi(-53)
    }

    fn next(&mut self) -> f64 {
        (-2.0 * self.unit().ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos()
    }
}

/// How residuals are distributed.
#[derive(Clone, Copy)]
enum Tails {
    Normal,
    /// Laplace's, kurtosis 6.
    Laplace,
    /// The cube of a normal number, kurtosis 46.
    Cubic,
}

/// A world of rows: two inputs, a prediction, and what was true.
struct World {
    normal: Normal,
    tails: Tails,
    /// Added to what was true, in standard deviations of the residual.
    shift: f64,
    /// Added to the first input, in standard deviations.
    input_shift: f64,
}

const INPUTS: usize = 8;

/// The inputs, and `[actual, predicted]`.
type Row = ([f64; INPUTS], [f64; 2]);

impl World {
    fn new(seed: u64, tails: Tails) -> Self {
        Self {
            normal: Normal(seed),
            tails,
            shift: 0.0,
            input_shift: 0.0,
        }
    }

    fn row(&mut self) -> Row {
        let mut inputs = [0.0; INPUTS];
        inputs.iter_mut().for_each(|x| *x = self.normal.next());
        let predicted = 20.0 + inputs.iter().sum::<f64>();
        inputs[0] += self.input_shift;
        let residual = match self.tails {
            Tails::Normal => self.normal.next(),
            Tails::Laplace => (self.normal.unit() / self.normal.unit()).ln() / 2.0_f64.sqrt(),
            Tails::Cubic => self.normal.next().powi(3) / 15.0_f64.sqrt(),
        };
        (inputs, [predicted + residual + self.shift, predicted])
    }

    fn profile(&mut self, rows: usize) -> Profile {
        let rows: Vec<_> = (0..rows).map(|_| self.row()).collect();
        let quantiles = |of: &dyn Fn(&Row) -> f64| {
            let values: Vec<_> = rows.iter().map(of).collect();
            Sketch::of_sample(&values, 33)
                .expect("a sketch")
                .quantiles()
                .to_vec()
        };
        let input = |i: usize| ProfiledInput {
            name: format!("x{i}"),
            kind: Type::Number,
            missing: 0,
            range: None,
            mean: None,
            quantiles: quantiles(&|row| row.0[i]),
            categories: Vec::new(),
            others: 0,
        };
        let mut pairs: Vec<_> = rows.iter().map(|row| row.1).collect();
        pairs.sort_by(|one, other| (one[0] - one[1]).total_cmp(&(other[0] - other[1])));
        let squares = pairs
            .iter()
            .map(|[actual, predicted]| (actual - predicted).powi(2));
        let rmse = (squares.sum::<f64>() / pairs.len() as f64).sqrt();
        Profile {
            target: "y".to_owned(),
            train_rows: rows.len(),
            validation_rows: rows.len(),
            inputs: (0..INPUTS).map(input).collect(),
            targets: quantiles(&|row| row.1[0]),
            predictions: quantiles(&|row| row.1[1]),
            scores: [("rmse".to_owned(), rmse)].into(),
            sample: (0..200)
                .map(|step| pairs[step * (pairs.len() - 1) / 199])
                .collect(),
            rows: None,
        }
    }

    fn judge(&mut self, batches: &mut Batches, size: usize, is_labelled: bool) -> BatchVerdict {
        let rows: Vec<_> = (0..size).map(|_| self.row()).collect();
        let column = |i: usize| {
            Column::number(
                format!("x{i}"),
                rows.iter().map(|row| Some(row.0[i])).collect(),
            )
        };
        let table = Table::new((0..INPUTS).map(column).collect()).expect("a table");
        let predicted: Vec<_> = rows.iter().map(|row| row.1[1]).collect();
        let actual: Vec<_> = rows.iter().map(|row| Some(row.1[0])).collect();
        batches.judge(Scored {
            rows: &table,
            predicted: &predicted,
            actual: is_labelled.then_some(&actual[..]),
        })
    }
}

fn is_alarm(verdict: &BatchVerdict) -> bool {
    verdict.judged.iter().any(|judged| judged.is_alarm)
        || verdict.levels.iter().any(|level| level.is_alarm)
}

/// Alarms in 10,000 batches that come from where the reference comes from.
fn false_alarms(size: usize, tails: Tails, is_labelled: bool) -> usize {
    let mut world = World::new(7, tails);
    let profile = world.profile(3303);
    let mut batches = Batches::new(&profile, FALSE_ALARMS, 42);
    let mut alarm = || is_alarm(&world.judge(&mut batches, size, is_labelled));
    (0..10_000).filter(|_| alarm()).count()
}

#[test]
fn false_alarms_are_at_most_one_percent() {
    for tails in [Tails::Normal, Tails::Laplace] {
        let labelled = false_alarms(10, tails, true);
        assert!(labelled <= 100, "{labelled} of 10,000 labelled batches");
    }
    let unlabelled = false_alarms(10, Tails::Normal, false);
    assert!(
        unlabelled <= 100,
        "{unlabelled} of 10,000 batches without truth"
    );
    let large = false_alarms(100, Tails::Normal, true);
    assert!(large <= 100, "{large} of 10,000 batches of 100 rows");
}

/// Errors whose tails a sample of 200 rows cannot know: worse than promised, and not by much.
#[test]
fn the_heaviest_tails_raise_more_alarms() {
    let cubic = false_alarms(10, Tails::Cubic, true);
    assert!((100..=200).contains(&cubic), "{cubic} of 10,000 batches");
}

/// The share of 500 worlds in which a shift that begins after 20 quiet batches is found within 50 rows.
fn found(tails: Tails, begin: impl Fn(&mut World)) -> f64 {
    let profile = World::new(11, tails).profile(3303);
    let simulated = Batches::new(&profile, FALSE_ALARMS, 42).prepared(10);
    let is_found = |seed: u64| {
        let mut world = World::new(1000 + seed, tails);
        let mut batches = simulated.clone();
        for _ in 0..20 {
            world.judge(&mut batches, 10, true);
        }
        begin(&mut world);
        (0..5).any(|_| is_alarm(&world.judge(&mut batches, 10, true)))
    };
    (0..500).filter(|seed| is_found(*seed)).count() as f64 / 500.0
}

#[test]
fn a_shift_of_one_sigma_is_found_within_fifty_rows() {
    let of_errors = found(Tails::Normal, |world| world.shift = 1.0);
    assert!(of_errors >= 0.9, "errors: {of_errors}");
    let of_heavy = found(Tails::Laplace, |world| world.shift = 1.0);
    assert!(of_heavy >= 0.9, "heavy tails: {of_heavy}");
    let of_input = found(Tails::Normal, |world| world.input_shift = 1.0);
    assert!(of_input >= 0.9, "an input: {of_input}");
}

#[test]
fn a_reference_without_rows_judges_nothing() {
    let mut world = World::new(3, Tails::Normal);
    let mut batches = Batches::new(&Profile::default(), FALSE_ALARMS, 42);
    let verdict = world.judge(&mut batches, 10, true);
    assert!(verdict.errors.is_some() && verdict.judged.is_empty() && verdict.levels.is_empty());
}
