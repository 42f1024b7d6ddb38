//! Which codes a categorical split of XGBoost lists, and how many codes a feature has.
//!
//! XGBoost keeps, a tree, one list of codes with a segment for each categorical node: those that go right.

use super::super::Error;
use super::super::document::Place;

/// Codes are bits in sets; a file that lists a huge one must not make a huge set of every split.
const MOST_WORDS: usize = 1 << 24;

/// A code that no split lists goes left in XGBoost, also one that no training row had. Where the model does not tell its
/// categories, this many codes, or the next multiple of it above the largest that is listed, go left like that here.
const UNTOLD: u32 = 256;

/// The segments of a tree.
pub(super) struct Listed {
    /// Node, and where its codes lie in `codes`; ascending by node.
    segments: Vec<(usize, std::ops::Range<usize>)>,
    codes: Vec<i64>,
}

impl Listed {
    /// Reads the segments of the tree at `tree`; old versions have none.
    pub(super) fn read(tree: &Place<'_>) -> Result<Self, Error> {
        let Some(nodes) = tree.find("categories_nodes") else {
            return Ok(Self {
                segments: Vec::new(),
                codes: Vec::new(),
            });
        };
        let codes = tree.get("categories")?.integers(0)?;
        let nodes = nodes.integers(0)?;
        let starts = tree.get("categories_segments")?.integers(0)?;
        let sizes = tree.get("categories_sizes")?.integers(0)?;
        if starts.len() != nodes.len() || sizes.len() != nodes.len() {
            let reason = "`categories_nodes`, `_segments` and `_sizes` differ in length";
            return Err(tree.damaged(reason));
        }
        let mut segments = Vec::with_capacity(nodes.len());
        for ((node, start), size) in nodes.iter().zip(starts).zip(sizes) {
            let range = start as usize..(start + size) as usize;
            if range.end > codes.len() {
                return Err(tree.damaged(format!("the categories of node {node} are not there")));
            }
            segments.push((*node as usize, range));
        }
        segments.sort_unstable_by_key(|(node, _)| *node);
        Ok(Self { segments, codes })
    }

    /// The codes that the node sends right.
    pub(super) fn of(&self, node: usize) -> Option<&[i64]> {
        let found = self.segments.binary_search_by_key(&node, |(node, _)| *node);
        found
            .ok()
            .map(|at| &self.codes[self.segments[at].1.clone()])
    }
}

/// How many codes each feature has; 0 for a numeric one.
pub(super) struct Levels {
    levels: Vec<u32>,
    /// Whether the model says how many codes there are.
    told: Vec<bool>,
    /// Words of all sets, if each were as long as the largest code that was met before it.
    words: usize,
}

impl Levels {
    /// From what the model says of its features: their types, and the codes it was trained with (`cats`, since 3.1).
    pub(super) fn declared(
        learner: &Place<'_>,
        model: &Place<'_>,
        n_features: usize,
    ) -> Result<Self, Error> {
        let mut levels = vec![0; n_features];
        let mut told = vec![false; n_features];
        if let Some(types) = learner.find("feature_types") {
            for (level, text) in levels.iter_mut().zip(types.texts()?) {
                *level = u32::from(text == "c");
            }
        }
        let cats = model.find("cats").and_then(|c| c.find("feature_segments"));
        if let Some(ends) = cats {
            for (feature, pair) in ends.integers(0)?.windows(2).take(n_features).enumerate() {
                let count = (pair[1] - pair[0]).clamp(0, 1 << 24) as u32;
                told[feature] = count > 0;
                levels[feature] = levels[feature].max(count);
            }
        }
        Ok(Self {
            levels,
            told,
            words: 0,
        })
    }

    /// Takes note of a split of `feature` that lists `codes`.
    pub(super) fn meet(&mut self, feature: usize, codes: &[i64]) {
        let largest = codes.iter().copied().max().unwrap_or(0);
        let needed = u32::try_from(largest + 1).unwrap_or(u32::MAX);
        self.levels[feature] = self.levels[feature].max(needed);
        self.words += self.levels[feature].max(UNTOLD).div_ceil(64) as usize;
    }

    /// Levels by feature, when the sets of all splits met are of a reasonable size.
    pub(super) fn finish(self, model: &Place<'_>) -> Result<Vec<u32>, Error> {
        let largest = self.levels.iter().copied().max().unwrap_or(0);
        if self.words > MOST_WORDS || largest > 1 << 24 {
            let reason = format!("its categorical splits know {largest} codes, too many to keep");
            return Err(model.unsupported(reason));
        }
        let known = self.levels.into_iter().zip(self.told);
        let known = known.map(|(levels, told)| {
            if told {
                levels
            } else {
                levels.next_multiple_of(UNTOLD)
            }
        });
        Ok(known.collect())
    }
}

/// The codes below `levels` that are not listed: those that go left.
pub(super) fn complement(codes: &[i64], levels: u32) -> Vec<u64> {
    let mut set = vec![u64::MAX; levels.div_ceil(64) as usize];
    if let (Some(last), rest @ 1..) = (set.last_mut(), levels % 64) {
        *last = (1 << rest) - 1;
    }
    for code in codes {
        set[*code as usize / 64] &= !(1 << (code % 64));
    }
    set
}
