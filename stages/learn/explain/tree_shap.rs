//! Exact path-dependent Shapley values of trees, in time linear in the number of nodes.
//!
//! The game is that of TreeSHAP (Lundberg et al. 2020, algorithm 1): a feature that is not known goes both ways, weighted by
//! the training rows that did. XGBoost and the package shap compute its values by algorithm 2, in time quadratic in the
//! depth. Here they are integrals: a leaf of value `v`, on whose path the features `j` have `oⱼ = 1` if the row meets all
//! their splits, else 0, and a share `zⱼ` of training rows that does, contributes to feature `i`
//!
//! `v (oᵢ − zᵢ) ∫₀¹ Πⱼ≠ᵢ (t oⱼ + (1 − t) zⱼ) dt`,
//!
//! for `s! (d − 1 − s)! / d! = ∫₀¹ tˢ (1 − t)ᵈ⁻¹⁻ˢ dt` are the Shapley weights of a path with `d` features. The integrand is a
//! polynomial of degree `d − 1`, and `⌈d / 2⌉` points of Gauss and Legendre integrate it exactly. As in Linear TreeShap
//! (Yu, Xu, Bifet and Read 2022), products are carried down the tree and sums over leaves are carried up, so that an edge
//! costs a few multiplications a point. All terms have one sign: no cancellation, whatever the depth.
//!
//! All rows visit the same edges, so rows go in lanes beside each other (`walk.rs`), and what an edge needs is computed
//! once (`program.rs`).

mod program;
mod quadrature;
mod walk;

use ndarray::{Array2, Array3, ArrayView2, ArrayViewMut2, Axis};
use rayon::prelude::*;

use self::program::{Condition, Program};
use self::walk::{Batch, LANES, Stack};
use super::Explanation;
use crate::tree::{Aggregation, Ensemble, NodeView, Precision, Tree};

/// Rows explained by a thread at a time: a tree's program is used for all of them before the next one's is fetched.
const TASK: usize = 8 * LANES;

/// Nodes of the trees whose programs are kept: a program needs about 32 bytes a node and point of the quadrature, which is
/// little for boosted trees and too much for a large forest. Those of more nodes are made anew for every task.
const KEPT_NODES: usize = 500_000;

/// An ensemble made ready to explain rows.
///
/// Making it costs about as much as explaining some fifty rows.
#[derive(Debug)]
pub struct TreeExplainer<'a> {
    ensemble: &'a Ensemble,
    /// One a tree, or none at all.
    programs: Vec<Program>,
    expected: f64,
}

impl<'a> TreeExplainer<'a> {
    /// Prepares `ensemble`, whose nodes need covers: where both children of a split have none, each is given half.
    pub fn new(ensemble: &'a Ensemble) -> Self {
        let trees: Vec<&Tree> = ensemble.trees.iter().collect();
        let programs = programs(&trees, None);
        let means: Vec<f64> = if programs.is_empty() {
            let trees = trees.par_iter();
            trees
                .map(|tree| Program::new(tree, None).expected())
                .collect()
        } else {
            programs.iter().map(Program::expected).collect()
        };
        Self {
            ensemble,
            programs,
            expected: ensemble.base + means.iter().sum::<f64>() * weight(ensemble),
        }
    }

    /// What is predicted when nothing is known of a row, in the target's unit.
    pub fn expected(&self) -> f64 {
        self.expected
    }

    /// The Shapley values of `records` (`n_rows × n_features`; NaN is missing), in the target's unit.
    ///
    /// Costs `n_rows · nodes · ⌈d / 2⌉` for paths of `d` different features, on all cores; bits do not depend on their
    /// number.
    ///
    /// # Panics
    /// When `records` has another number of features than the ensemble.
    pub fn explain(&self, records: ArrayView2<'_, f64>) -> Explanation {
        let features = self.ensemble.features.len();
        assert_eq!(records.ncols(), features, "bug: other features");
        let trees: Vec<&Tree> = self.ensemble.trees.iter().collect();
        Explanation {
            expected: self.expected,
            values: self.values(&records, &trees, &self.programs, None),
        }
    }

    /// The Shapley interaction values of `records`, `n_rows × n_features × n_features`, in the target's unit.
    ///
    /// Symmetric; a row's of feature `i` add up to its Shapley value, the diagonal being what is left for the feature
    /// itself (Fujimoto, Kojadinovic and Marichal 2006; defined and scaled as by XGBoost and shap). Costs `2 · n_features`
    /// times the values.
    ///
    /// # Panics
    /// When `records` has another number of features than the ensemble.
    pub fn interactions(&self, records: ArrayView2<'_, f64>) -> Array3<f64> {
        let mut values = self.explain(records).values;
        let (rows, features) = values.dim();
        let mut interactions = Array3::zeros((rows, features, features));
        for j in 0..features {
            let with = self.conditioned(
                &records,
                Condition {
                    feature: j,
                    known: true,
                },
            );
            let without = self.conditioned(
                &records,
                Condition {
                    feature: j,
                    known: false,
                },
            );
            let halves = (with - without) / 2.0;
            values -= &halves;
            interactions.index_axis_mut(Axis(2), j).assign(&halves);
        }
        // a feature does not interact with itself: its column of halves is 0
        for j in 0..features {
            let mut plane = interactions.index_axis_mut(Axis(2), j);
            plane.column_mut(j).assign(&values.column(j));
        }
        interactions
    }

    /// Shapley values of the game in which a feature is known, or unknown, to every coalition; of the trees that use it.
    fn conditioned(&self, records: &ArrayView2<'_, f64>, condition: Condition) -> Array2<f64> {
        let trees = self.ensemble.trees.iter();
        let trees: Vec<&Tree> = trees.filter(|tree| uses(tree, condition.feature)).collect();
        let condition = Some(condition);
        self.values(records, &trees, &programs(&trees, condition), condition)
    }

    /// What `trees` give; their programs are made here where there are none.
    fn values(
        &self,
        records: &ArrayView2<'_, f64>,
        trees: &[&Tree],
        programs: &[Program],
        condition: Option<Condition>,
    ) -> Array2<f64> {
        let mut values = Array2::zeros(records.dim());
        let tasks = values.axis_chunks_iter_mut(Axis(0), TASK).into_par_iter();
        let records = records.axis_chunks_iter(Axis(0), TASK).into_par_iter();
        tasks.zip(records).for_each(|(mut values, records)| {
            let mut batches = self.batches(&records);
            let mut stack = Stack::default();
            for (place, tree) in trees.iter().enumerate() {
                let made;
                let program = match programs.get(place) {
                    Some(kept) => kept,
                    None => {
                        made = Program::new(tree, condition);
                        &made
                    }
                };
                for batch in &mut batches {
                    stack.walk(program, batch);
                }
            }
            self.gather(&batches, &mut values);
        });
        values
    }

    fn batches(&self, records: &ArrayView2<'_, f64>) -> Vec<Batch> {
        let single = self.ensemble.precision == Precision::Single;
        let chunks = records.axis_chunks_iter(Axis(0), LANES);
        chunks.map(|rows| Batch::new(&rows, single)).collect()
    }

    fn gather(&self, batches: &[Batch], values: &mut ArrayViewMut2<'_, f64>) {
        let scale = weight(self.ensemble);
        let chunks = values.axis_chunks_iter_mut(Axis(0), LANES);
        for (mut chunk, batch) in chunks.zip(batches) {
            for ((row, feature), value) in chunk.indexed_iter_mut() {
                *value = batch.value(row, feature) * scale;
            }
        }
    }
}

/// The programs of trees, if they are to be kept.
fn programs(trees: &[&Tree], condition: Option<Condition>) -> Vec<Program> {
    let nodes: usize = trees.iter().map(|tree| tree.len()).sum();
    if nodes > KEPT_NODES {
        return Vec::new();
    }
    let trees = trees.par_iter();
    trees.map(|tree| Program::new(tree, condition)).collect()
}

/// Whether a split is by `feature`.
fn uses(tree: &Tree, feature: usize) -> bool {
    let mut nodes = (0..tree.len()).map(|place| tree.node(place));
    nodes.any(|node| matches!(node, NodeView::Split(split) if split.feature == feature))
}

/// What a tree's value is multiplied by.
fn weight(ensemble: &Ensemble) -> f64 {
    match ensemble.aggregation {
        Aggregation::Sum => 1.0,
        Aggregation::Mean => 1.0 / ensemble.trees.len().max(1) as f64,
    }
}
