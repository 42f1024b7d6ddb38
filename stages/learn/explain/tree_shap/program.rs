//! A tree as a list of steps with all constants that do not depend on a row.
//!
//! An edge belongs to the feature its parent splits by. Above it on the path stand the outcome `o'` and share `z'` of the same
//! feature so far (1 and 1 where there is no such edge), and it leaves `o = o' · met` and `z = z' · share`. With
//! `f(o, z) = t o + (1 − t) z` the product over features changes by `f(o, z) / f(o', z')`, and leaves below contribute the
//! integral over `(o − z) / f(o, z)` less that over `(o' − z') / f(o', z')`, which the edge above has already given them.

use super::quadrature::Quadrature;
use crate::tree::{NodeView, Rule, Split, Tree};

/// A feature that every coalition knows, or none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Condition {
    pub(super) feature: usize,
    pub(super) known: bool,
}

/// What a walk does next.
#[derive(Debug)]
pub(super) enum Step {
    /// Decides a split for all rows; its two edges follow.
    Split(Decision),
    /// Goes down an edge to a split.
    Down(usize),
    /// Comes back from that edge.
    Up(usize),
    /// Goes down an edge to a leaf of this value, and back.
    Leaf(usize, f64),
}

/// How a split decides.
#[derive(Debug)]
pub(super) struct Decision {
    pub(super) feature: usize,
    pub(super) missing_left: bool,
    pub(super) choice: Choice,
}

/// Which values go left.
#[derive(Debug)]
pub(super) enum Choice {
    Below(f64),
    OneOf(Box<[u64]>),
}

/// An edge, and what does not depend on the point.
#[derive(Debug)]
pub(super) struct Edge {
    /// Whose value decides here.
    pub(super) feature: usize,
    /// Whether rows that go left meet it.
    pub(super) left: bool,
    /// Depth of the last edge above of the same feature; none where this is the first on the path.
    pub(super) former: Option<usize>,
    /// What products are multiplied by for rows that did not meet the edge above: the share.
    pub(super) never: f64,
    /// Whether it gives its feature anything: not where the game is conditioned on that.
    pub(super) gives: bool,
}

/// What an edge needs at a point.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Constants {
    /// What products are multiplied by for rows that met the edge above, but not this one.
    pub(super) missed: f64,
    /// What is added to that for rows that met both.
    pub(super) met: f64,
    /// Weight of leaves below for rows that met both: `w (1 − z) / f(1, z)`.
    pub(super) here: f64,
    /// The same of the edge above: `w (1 − z') / f(1, z')`.
    pub(super) above: f64,
}

/// A tree, ready to walk.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) steps: Vec<Step>,
    pub(super) edges: Vec<Edge>,
    /// Those of the first edge at every point, of the second, …
    constants: Vec<Constants>,
    /// `−w / (1 − t)` of every point: weight of leaves below an edge for rows that do not meet it.
    pub(super) unmet: Vec<f64>,
    /// The most edges on a path.
    pub(super) depth: usize,
    expected: f64,
}

impl Program {
    /// The steps of `tree`, whose game may be conditioned on a feature.
    pub(super) fn new(tree: &Tree, condition: Option<Condition>) -> Self {
        let mut builder = Builder::default();
        builder.build(tree, condition);
        let rule = Quadrature::new(builder.different.div_ceil(2).max(1));
        let constants = builder
            .edges
            .iter()
            .zip(&builder.shares)
            .flat_map(|(edge, &before)| {
                let known = condition.filter(|_| !edge.gives).map(|it| it.known);
                let points = rule.points.iter().zip(&rule.weights);
                points.map(move |(&t, &w)| match known {
                    Some(known) => Constants::conditioned(edge.never, known),
                    None => Constants::new(edge.never, before, t, w),
                })
            })
            .collect();
        let points = rule.points.iter().zip(&rule.weights);
        Self {
            unmet: points.map(|(t, w)| -w / (1.0 - t)).collect(),
            constants,
            steps: builder.steps,
            edges: builder.edges,
            depth: builder.depth,
            expected: builder.expected,
        }
    }

    /// The mean of the leaves, weighted by their covers.
    pub(super) fn expected(&self) -> f64 {
        self.expected
    }

    /// What an edge needs, one entry a point.
    pub(super) fn constants(&self, edge: usize) -> &[Constants] {
        let points = self.unmet.len();
        &self.constants[edge * points..][..points]
    }
}

impl Constants {
    /// At point `t` of weight `w`, for an edge with this share below one that left `before`.
    fn new(share: f64, before: f64, t: f64, w: f64) -> Self {
        let rest = 1.0 - t;
        let after = before * share;
        let (f_before, f_after) = (t + rest * before, t + rest * after);
        Self {
            missed: rest * after / f_before,
            met: t / f_before,
            here: w * (1.0 - after) / f_after,
            above: w * (1.0 - before) / f_before,
        }
    }

    /// Where the feature is known to all coalitions, or to none.
    fn conditioned(share: f64, known: bool) -> Self {
        Self {
            missed: if known { 0.0 } else { share },
            met: if known { 1.0 } else { 0.0 },
            here: 0.0,
            above: 0.0,
        }
    }
}

/// An edge on the path to where the building stands.
struct Above {
    feature: usize,
    /// What its feature's edges so far leave of the training rows.
    left_over: f64,
    /// What all edges so far leave.
    weight: f64,
    /// Number of different features so far.
    different: usize,
}

/// What is to be built next; the last of a list first, so that deep trees need no deep calls.
enum Work {
    Node(usize),
    Edge { parent: usize, left: bool },
    Up(usize),
}

#[derive(Default)]
struct Builder {
    path: Vec<Above>,
    steps: Vec<Step>,
    edges: Vec<Edge>,
    /// What the edges above of the same feature leave of the training rows, for each edge.
    shares: Vec<f64>,
    /// The most different features on a path.
    different: usize,
    depth: usize,
    expected: f64,
}

impl Builder {
    fn build(&mut self, tree: &Tree, condition: Option<Condition>) {
        let mut work = vec![Work::Node(0)];
        while let Some(next) = work.pop() {
            match next {
                Work::Node(place) => match tree.node(place) {
                    NodeView::Leaf { value } => self.expected += value,
                    NodeView::Split(split) => {
                        self.steps.push(Step::Split(decision(&split)));
                        let edge = |left| Work::Edge {
                            parent: place,
                            left,
                        };
                        work.extend([edge(false), edge(true)]);
                    }
                },
                Work::Edge { parent, left } => {
                    let NodeView::Split(split) = tree.node(parent) else {
                        continue;
                    };
                    let child = split.left + usize::from(!left);
                    let above =
                        self.edge(split.feature, left, share(tree, &split, left), condition);
                    let edge = self.edges.len() - 1;
                    if let NodeView::Leaf { value } = tree.node(child) {
                        self.expected += above.weight * value;
                        self.steps.push(Step::Leaf(edge, value));
                    } else {
                        self.steps.push(Step::Down(edge));
                        self.path.push(above);
                        work.extend([Work::Up(edge), Work::Node(child)]);
                    }
                }
                Work::Up(edge) => {
                    self.path.pop();
                    self.steps.push(Step::Up(edge));
                }
            }
        }
    }

    /// Adds an edge; what stands above its child then.
    fn edge(
        &mut self,
        feature: usize,
        left: bool,
        share: f64,
        condition: Option<Condition>,
    ) -> Above {
        let former = self.path.iter().rposition(|above| above.feature == feature);
        let before = former.map_or(1.0, |place| self.path[place].left_over);
        let (weight, different) = match self.path.last() {
            Some(above) => (above.weight, above.different),
            None => (1.0, 0),
        };
        let above = Above {
            feature,
            left_over: before * share,
            weight: weight * share,
            different: different + usize::from(former.is_none()),
        };
        let known = condition
            .filter(|it| it.feature == feature)
            .map(|it| it.known);
        self.edges.push(Edge {
            feature,
            left,
            former,
            never: if known == Some(true) { 0.0 } else { share },
            gives: known.is_none(),
        });
        self.shares.push(before);
        self.different = self.different.max(above.different);
        self.depth = self.depth.max(self.path.len() + 1);
        above
    }
}

fn decision(split: &Split<'_>) -> Decision {
    Decision {
        feature: split.feature,
        missing_left: split.missing_left,
        choice: match split.rule {
            Rule::Below(threshold) => Choice::Below(threshold),
            Rule::OneOf(set) => Choice::OneOf(set.into()),
        },
    }
}

/// The share of the training rows at a split that went to a side; half where none is known to have come.
fn share(tree: &Tree, split: &Split<'_>, left: bool) -> f64 {
    let covers = [split.left, split.left + 1].map(|place| f64::from(tree.cover(place)));
    let sum = covers[0] + covers[1];
    if sum > 0.0 {
        covers[usize::from(!left)] / sum
    } else {
        0.5
    }
}
