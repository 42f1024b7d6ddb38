//! From a section of a LightGBM file to a tree of ours.
//!
//! Where zeros count as missing, a split has three ways: zeros and NaN, what is below, what is above. Where zeros go with
//! their threshold anyway it is a split of ours; where not, the values are first parted into negative, zero and positive,
//! and below each part the split of the source is decided or plain. A feature is parted once on a path at most.

use std::rc::Rc;

use super::super::Error;
use super::text::Section;
use crate::tree::{Rule, Tree};

const CATEGORICAL: i32 = 1;
const DEFAULT_LEFT: i32 = 2;
/// LightGBM's `kZeroThreshold`, an `f32` there: what is not further from 0 is 0.
const ZERO: f64 = 1e-35_f32 as f64;
/// Parting doubles subtrees; a tree that grows beyond this is refused.
const MOST_NODES: usize = 1 << 20;
/// Codes of a category are bits in sets.
const MOST_LEVELS: u32 = 1 << 24;

/// A tree as the file holds it. Children count inner nodes from 0 and leaves from −1 downward.
pub(super) struct Source {
    place: String,
    nodes: Vec<Node>,
    leaves: Vec<(f64, f32)>,
}

struct Node {
    feature: usize,
    gain: f32,
    cover: f32,
    children: [i32; 2],
    test: Test,
}

enum Test {
    /// `x <= threshold` left.
    Numeric {
        threshold: f64,
        default_left: bool,
        missing: Missing,
    },
    /// Codes in the set go left, all else right.
    Categorical(Vec<u64>),
}

#[derive(Clone, Copy, PartialEq)]
enum Missing {
    /// NaN counts as 0.
    None,
    /// 0 and NaN take the default side.
    Zero,
    /// NaN takes the default side.
    Nan,
}

/// What a path knows of a feature whose zeros are missing.
#[derive(Clone, Copy, PartialEq)]
enum Zone {
    Negative,
    Zero,
    Positive,
}

/// A list of what a path knows, shared with other paths.
type Known = Option<Rc<Fact>>;

struct Fact {
    feature: usize,
    zone: Zone,
    before: Known,
}

impl Drop for Fact {
    /// Not by recursion: a path may be long.
    fn drop(&mut self) {
        let mut next = self.before.take();
        while let Some(mut fact) = next.and_then(Rc::into_inner) {
            next = fact.before.take();
        }
    }
}

/// What a new node is to become.
#[derive(Clone)]
struct Goal {
    node: i32,
    known: Known,
    /// Only zero and positive values and NaN of the node's feature come here, and are to be parted.
    half_parted: bool,
}

impl Source {
    /// Reads a section, checking children, features and sets.
    pub(super) fn read(section: &Section<'_>, n_features: usize) -> Result<Self, Error> {
        if section.integer("is_linear")?.unwrap_or(0) != 0 {
            let reason = "leaves with linear models; train with linear_tree=false";
            return Err(section.unsupported("is_linear", reason));
        }
        let n_leaves = match section.integer("num_leaves")? {
            Some(count @ 1..=0x00ff_ffff) => count as usize,
            _ => return Err(section.damaged_at("num_leaves", "it is no number of leaves")),
        };
        let values: Vec<f64> = section.numbers("leaf_value", n_leaves)?;
        let mut covers: Vec<f32> = section.all_numbers("leaf_count")?;
        covers.resize(n_leaves, 0.0);
        let mut source = Self {
            place: format!("{}, {n_leaves} leaves", section.name()),
            nodes: Vec::new(),
            leaves: values.into_iter().zip(covers).collect(),
        };
        if n_leaves > 1 {
            source.nodes = nodes(section, n_leaves - 1, n_features)?;
            source.check_children(section)?;
        }
        Ok(source)
    }

    /// Each inner node but the root and each leaf is the child of one node.
    fn check_children(&self, section: &Section<'_>) -> Result<(), Error> {
        let mut inner = vec![false; self.nodes.len()];
        let mut leaves = vec![false; self.leaves.len()];
        inner[0] = true;
        for child in self.nodes.iter().flat_map(|node| node.children) {
            let (met, index) = if child < 0 {
                (&mut leaves, !child)
            } else {
                (&mut inner, child)
            };
            match met.get_mut(index as usize) {
                Some(met) if !*met => *met = true,
                _ => {
                    let reason = format!("node {child} is not there, or is the child of two");
                    return Err(section.damaged_at("left_child", reason));
                }
            }
        }
        Ok(())
    }

    /// Raises the number of codes of each feature to what the splits know.
    pub(super) fn count_levels(&self, levels: &mut [u32]) -> Result<(), Error> {
        for node in &self.nodes {
            if let Test::Categorical(set) = &node.test {
                let last = set.iter().rposition(|word| *word != 0);
                let largest = last.map_or(0, |at| 64 * at + set[at].ilog2() as usize);
                let needed = u32::try_from(largest + 1).unwrap_or(u32::MAX);
                if needed > MOST_LEVELS {
                    return Err(self.too_large(format!("a category of {needed} codes")));
                }
                levels[node.feature] = levels[node.feature].max(needed);
            }
        }
        Ok(())
    }

    fn too_large(&self, reason: String) -> Error {
        let place = self.place.clone();
        Error::Unsupported { place, reason }
    }

    /// Grows the tree, leaves multiplied by `scale`.
    pub(super) fn tree(&self, scale: f64) -> Result<Tree, Error> {
        let node = if self.nodes.is_empty() { -1 } else { 0 };
        let root = Goal {
            node,
            known: None,
            half_parted: false,
        };
        let mut tree = Tree::leaf(self.value(node) * scale, self.cover(node));
        let mut open = vec![(root, 0)];
        while let Some((goal, place)) = open.pop() {
            let Ok(index) = usize::try_from(goal.node) else {
                continue;
            };
            let node = &self.nodes[index];
            let (goals, rule, missing_left) = self.turn(&goal, node);
            let places = tree.split(
                place,
                (node.feature, rule),
                missing_left,
                node.gain,
                [0, 1].map(|side: usize| self.value(goals[side].node) * scale),
                [0, 1].map(|side: usize| self.cover(goals[side].node)),
            );
            open.extend(goals.into_iter().zip(places).rev());
            if tree.len() > MOST_NODES {
                let reason = "zeros that count as missing make its trees too large; train with zero_as_missing=false";
                return Err(self.too_large(reason.to_owned()));
            }
        }
        Ok(tree)
    }

    /// One split of ours towards `goal`.
    fn turn<'a>(&self, goal: &Goal, node: &'a Node) -> ([Goal; 2], Rule<'a>, bool) {
        let plain = || {
            node.children
                .map(|child| self.resolve(child, goal.known.clone()))
        };
        let (threshold, default_left, missing) = match &node.test {
            Test::Categorical(set) => return (plain(), Rule::OneOf(set), false),
            Test::Numeric {
                threshold,
                default_left,
                missing,
            } => (*threshold, *default_left, *missing),
        };
        let zero_left = 0.0 <= threshold;
        let rule = Rule::Below(threshold.next_up());
        match missing {
            Missing::None => (plain(), rule, zero_left),
            Missing::Zero
                if zone(&goal.known, node.feature).is_none() && zero_left != default_left =>
            {
                self.part(goal, node.feature)
            }
            Missing::Nan | Missing::Zero => (plain(), rule, default_left),
        }
    }

    /// Negative values to the left; then positive ones to the right.
    fn part<'a>(&self, goal: &Goal, feature: usize) -> ([Goal; 2], Rule<'a>, bool) {
        let within = |zone| {
            let before = goal.known.clone();
            let known = Some(Rc::new(Fact {
                feature,
                zone,
                before,
            }));
            self.resolve(goal.node, known)
        };
        if goal.half_parted {
            let goals = [within(Zone::Zero), within(Zone::Positive)];
            return (goals, Rule::Below(ZERO.next_up()), true);
        }
        let rest = Goal {
            half_parted: true,
            ..goal.clone()
        };
        ([within(Zone::Negative), rest], Rule::Below(-ZERO), false)
    }

    /// The first node from `node` on that is not decided by what is known.
    fn resolve(&self, mut node: i32, known: Known) -> Goal {
        while let Some(side) = self.decided(node, &known) {
            node = self.nodes[node as usize].children[side];
        }
        Goal {
            node,
            known,
            half_parted: false,
        }
    }

    fn decided(&self, node: i32, known: &Known) -> Option<usize> {
        let node = &self.nodes[usize::try_from(node).ok()?];
        let Test::Numeric {
            threshold,
            default_left,
            missing: Missing::Zero,
        } = node.test
        else {
            return None;
        };
        match zone(known, node.feature)? {
            Zone::Zero => Some(usize::from(!default_left)),
            Zone::Negative if threshold >= -ZERO => Some(0),
            Zone::Positive if threshold <= ZERO => Some(1),
            Zone::Negative | Zone::Positive => None,
        }
    }

    fn value(&self, node: i32) -> f64 {
        match node {
            0.. => 0.0,
            leaf => self.leaves[!leaf as usize].0,
        }
    }

    fn cover(&self, node: i32) -> f32 {
        match node {
            0.. => self.nodes[node as usize].cover,
            leaf => self.leaves[!leaf as usize].1,
        }
    }
}

fn zone(known: &Known, feature: usize) -> Option<Zone> {
    let mut next = known.as_ref();
    while let Some(fact) = next {
        if fact.feature == feature {
            return Some(fact.zone);
        }
        next = fact.before.as_ref();
    }
    None
}

fn nodes(section: &Section<'_>, count: usize, n_features: usize) -> Result<Vec<Node>, Error> {
    let features: Vec<usize> = section.numbers("split_feature", count)?;
    let gains: Vec<f32> = section.numbers("split_gain", count)?;
    let thresholds: Vec<f64> = section.numbers("threshold", count)?;
    let decisions: Vec<i32> = section.numbers("decision_type", count)?;
    let left: Vec<i32> = section.numbers("left_child", count)?;
    let right: Vec<i32> = section.numbers("right_child", count)?;
    let mut covers: Vec<f32> = section.all_numbers("internal_count")?;
    covers.resize(count, 0.0);
    let mut sets = sets(section)?;
    let node = |index: usize| {
        let feature = features[index];
        if feature >= n_features {
            let reason = format!("node {index} splits by feature {feature} of {n_features}");
            return Err(section.damaged_at("split_feature", reason));
        }
        Ok(Node {
            feature,
            gain: if gains[index].is_nan() {
                0.0
            } else {
                gains[index]
            },
            cover: covers[index],
            children: [left[index], right[index]],
            test: test(section, &mut sets, decisions[index], thresholds[index])?,
        })
    };
    (0..count).map(node).collect()
}

fn test(
    section: &Section<'_>,
    sets: &mut [Option<Vec<u64>>],
    decision: i32,
    threshold: f64,
) -> Result<Test, Error> {
    if decision & CATEGORICAL != 0 {
        let set = sets.get_mut(threshold as usize).and_then(Option::take);
        return set.map(Test::Categorical).ok_or_else(|| {
            let reason = format!("set {threshold} of categories is not there, or used twice");
            section.damaged_at("threshold", reason)
        });
    }
    let missing = match decision >> 2 {
        0 => Missing::None,
        1 => Missing::Zero,
        2 => Missing::Nan,
        _ => {
            let reason = format!("the decision type {decision}");
            return Err(section.damaged_at("decision_type", reason));
        }
    };
    Ok(Test::Numeric {
        threshold,
        default_left: decision & DEFAULT_LEFT != 0,
        missing,
    })
}

/// The sets of codes: words of 32 bits, put together by two.
fn sets(section: &Section<'_>) -> Result<Vec<Option<Vec<u64>>>, Error> {
    let bounds: Vec<usize> = section.all_numbers("cat_boundaries")?;
    let words: Vec<u32> = section.all_numbers("cat_threshold")?;
    let set = |bounds: &[usize]| {
        let words = words.get(bounds[0]..bounds[1]);
        let words = words.ok_or_else(|| {
            section.damaged_at(
                "cat_boundaries",
                format!("words {} to {}", bounds[0], bounds[1]),
            )
        })?;
        let pair =
            |pair: &[u32]| u64::from(pair[0]) | u64::from(pair.get(1).copied().unwrap_or(0)) << 32;
        Ok(Some(words.chunks(2).map(pair).collect()))
    };
    bounds.windows(2).map(set).collect()
}
