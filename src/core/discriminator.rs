//! The port through which somebody learns to tell rows of two kinds apart.
//!
//! Whoever watches a model asks it whether new rows can be told from old ones, all columns taken together, and knows no learner.

/// Learns to tell rows of two kinds apart.
pub trait Discriminator: Send + Sync {
    /// Learns from rows, of which `is_second` says the kind, and says of each row of `asked` how likely it is of the second one:
    /// any number, larger where it is likelier. Rows have equally many finite numbers; equal seeds give equal answers.
    fn discriminate(
        &self,
        learned: &[Vec<f64>],
        is_second: &[bool],
        asked: &[Vec<f64>],
        seed: u64,
    ) -> Discriminated;
}

/// What was learned.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Discriminated {
    /// Of each row that was asked about, in order.
    pub scores: Vec<f64>,
    /// How much each column told, as a share of all; empty where nobody knows.
    pub importance: Vec<f64>,
}
