//! Fits linear models to a matrix in a file and prints what each took; `benches/linear.py` calls it and scikit-learn.
//!
//! `linear_bench FILE ROWS COLUMNS REPEATS`: the file holds columns of little-endian doubles one after the other, the
//! target last. Prints a JSON object a line: what, the CPU seconds of the fastest repeat, coefficients.

#![allow(clippy::print_stdout, reason = "this is its purpose")]

use hpipe_learn::linear::{LinearKind, LinearParams, Moments, ValidLinear};
use linfa::traits::Fit;
use linfa::{DatasetBase, ParamGuard};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, ShapeBuilder};
use rustix::time::{ClockId, clock_gettime};

type Outcome = Result<(), Box<dyn std::error::Error>>;

struct Bench<'a> {
    records: ArrayView2<'a, f64>,
    targets: ArrayView1<'a, f64>,
    repeats: usize,
}

impl Bench<'_> {
    fn report(&self, what: &str, fit: impl Fn() -> Vec<f64>) {
        let mut best = f64::INFINITY;
        let mut coefficients = Vec::new();
        for _ in 0..self.repeats {
            let start = cpu_seconds();
            coefficients = fit();
            best = best.min(cpu_seconds() - start);
        }
        println!(
            "{{\"what\": \"{what}\", \"seconds\": {best:e}, \"coefficients\": {coefficients:?}}}"
        );
    }

    /// One model of ours.
    fn ours(&self, what: &str, params: LinearParams) -> Outcome {
        let params = params.check()?;
        let alphas = [params.alpha()];
        self.path(what, &params, &alphas)
    }

    /// A path of ours; its last model counts.
    fn path(&self, what: &str, params: &ValidLinear, alphas: &[f64]) -> Outcome {
        params.path(self.records, self.targets, alphas)?;
        self.report(what, || {
            let fits = params.path(self.records, self.targets, alphas);
            fits.map_or_else(
                |_| Vec::new(),
                |mut fits| {
                    fits.pop()
                        .map_or_else(Vec::new, |fit| fit.model.coefficients)
                },
            )
        });
        Ok(())
    }

    /// linfa's solvers, on centred columns: it centres only the target.
    fn linfa(&self) {
        let means = self.records.mean_axis(Axis(0)).unwrap_or_default();
        let dataset = |targets: ArrayView1<'_, f64>| {
            let mut centred = Array2::zeros(self.records.dim().f());
            centred.assign(&self.records);
            centred -= &means;
            DatasetBase::new(centred, targets.to_owned())
        };
        self.report("linfa linear", || {
            let fitted = linfa_linear::LinearRegression::new().fit(&dataset(self.targets));
            fitted.map_or_else(|_| Vec::new(), |model| model.params().to_vec())
        });
        for (what, l1_ratio) in [("linfa lasso", 1.0), ("linfa elastic_net", 0.5)] {
            self.report(what, || {
                let params = linfa_elasticnet::ElasticNet::params();
                let params = params.penalty(0.001).l1_ratio(l1_ratio).tolerance(1e-4);
                let fitted = params.fit(&dataset(self.targets));
                fitted.map_or_else(|_| Vec::new(), |model| model.hyperplane().to_vec())
            });
        }
    }

    fn run(&self) -> Outcome {
        let new = LinearParams::new;
        self.ours("linear", new(LinearKind::Linear))?;
        self.ours("ridge", new(LinearKind::Ridge).alpha(10.0))?;
        self.ours("lasso", new(LinearKind::Lasso).alpha(0.001))?;
        self.ours("elastic_net", new(LinearKind::ElasticNet).alpha(0.001))?;
        let logarithmic = |from: f64, to: f64| -> Vec<f64> {
            let step = |i: i32| from * (to / from).powf(f64::from(i) / 49.0);
            (0..50).map(step).collect()
        };
        let ridge = new(LinearKind::Ridge).check()?;
        self.path("ridge path", &ridge, &logarithmic(1e3, 1e-1))?;
        let lasso = new(LinearKind::Lasso).check()?;
        let moments = Moments::new(self.records, self.targets)?;
        let grid = lasso.alpha_grid(&moments, 50, 1e-3);
        self.path("lasso path", &lasso, &grid)?;
        let rows = self.targets.len();
        let folds: Vec<usize> = (0..rows).map(|row| row * 5 / rows).collect();
        lasso.cross_validate(self.records, self.targets, &folds, &grid)?;
        self.report("lasso folds", || {
            let errors = lasso.cross_validate(self.records, self.targets, &folds, &grid);
            errors.map_or_else(|_| Vec::new(), |found| found.means().to_vec())
        });
        self.linfa();
        Ok(())
    }
}

/// What this process has used of the processors so far.
fn cpu_seconds() -> f64 {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}

fn main() -> Outcome {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("FILE ROWS COLUMNS REPEATS");
    let bytes = std::fs::read(next()?)?;
    let (rows, columns): (usize, usize) = (next()?.parse()?, next()?.parse()?);
    let repeats = next()?.parse()?;
    let mut values = bytes
        .chunks_exact(8)
        .map(|eight| f64::from_le_bytes(std::array::from_fn(|i| eight[i])));
    let records: Vec<f64> = values.by_ref().take(rows * columns).collect();
    let records = Array2::from_shape_vec((rows, columns).f(), records)?;
    let targets: Array1<f64> = values.collect();
    let bench = Bench {
        records: records.view(),
        targets: targets.view(),
        repeats,
    };
    bench.run()
}
