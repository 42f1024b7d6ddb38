//! How many features a node may split by, in scikit-learn's words.

use crate::error::{Error, require};

/// How many features a node may split by; they are drawn anew for every node.
///
/// A node that finds no split among them tries the others too, one by one, as in scikit-learn. A feature that is constant
/// in a node counts as drawn, which it does not there.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum MaxFeatures {
    /// All of them, without a draw.
    #[default]
    All,
    /// The square root of their number.
    Sqrt,
    /// The binary logarithm of their number.
    Log2,
    /// So many, at least 1; all when there are fewer.
    Count(usize),
    /// This share of them, above 0 and at most 1.
    Share(f64),
}

impl MaxFeatures {
    /// Checks the ranges.
    pub(crate) fn check(self) -> Result<(), Error> {
        match self {
            Self::All | Self::Sqrt | Self::Log2 => Ok(()),
            Self::Count(count) => require(count > 0, "max_features", count, "at least 1"),
            Self::Share(share) => {
                let holds = share > 0.0 && share <= 1.0;
                require(holds, "max_features", share, "above 0 and at most 1")
            }
        }
    }

    /// The share of `features`.
    pub(crate) fn share(self, features: usize) -> f64 {
        let count = match self {
            Self::All => return 1.0,
            Self::Share(share) => return share,
            Self::Sqrt => features.isqrt(),
            Self::Log2 => features.ilog2() as usize,
            Self::Count(count) => count.min(features),
        };
        count.max(1) as f64 / features as f64
    }
}
