//! What can be asked of a search: filter, order, page. The grammar is MLflow's.
//!
//! ```text
//! filter    = condition { "AND" condition }
//! condition = field operator value | field "IS" ["NOT"] "NULL"
//! field     = [ entity "." ] key        entity: metrics, params, tags, attributes, datasets (or metric, param, …)
//! operator  = = != < <= > >= LIKE ILIKE IN "NOT IN"
//! value     = 'text' | "text" | number | ( 'text', … )
//! order     = field [ "ASC" | "DESC" ]
//! ```
//!
//! A key may hold dots, and may be quoted with backticks or double quotes, whatever it holds then. `filter` reads text
//! into checked [`Condition`]s; `sql` turns those into SQL whose values are bound, never pasted.

mod field;
mod filter;
mod sql;
mod tokens;

use super::error::LedgerError;
use super::values::{DatasetFilter, View};

pub(crate) use field::{EXPERIMENTS, LOGGED_MODELS, MODELS, RUNS, Subject, VERSIONS};
pub(crate) use filter::{Condition, order, parse};
pub(crate) use sql::Clauses;

/// Part of what a search found.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// In the order asked for.
    pub items: Vec<T>,
    /// Where the next page begins, if there is one.
    pub next: Option<usize>,
}

/// A search of runs.
#[derive(Debug, Clone, Default)]
pub struct RunQuery {
    /// The experiments to look in.
    pub experiments: Vec<i64>,
    /// The names that runs may have; empty for any.
    pub names: Vec<String>,
    /// Conditions; empty for none.
    pub filter: String,
    /// By what to sort, the most telling first; then the youngest come first.
    pub order: Vec<String>,
    /// Whether deleted ones count.
    pub view: View,
    /// How many at most.
    pub limit: usize,
    /// Where the page begins.
    pub offset: usize,
}

/// A search of experiments.
#[derive(Debug, Clone, Default)]
pub struct ExperimentQuery {
    /// Conditions; empty for none.
    pub filter: String,
    /// By what to sort; else the youngest come first.
    pub order: Vec<String>,
    /// Whether deleted ones count.
    pub view: View,
    /// How many at most.
    pub limit: usize,
    /// Where the page begins.
    pub offset: usize,
}

/// A search of registered models, or of model versions.
#[derive(Debug, Clone, Default)]
pub struct RegistryQuery {
    /// Conditions; empty for none.
    pub filter: String,
    /// By what to sort.
    pub order: Vec<String>,
    /// How many at most.
    pub limit: usize,
    /// Where the page begins.
    pub offset: usize,
}

/// By what logged models are sorted.
#[derive(Debug, Clone)]
pub struct ModelOrder {
    /// An attribute, or `metrics.KEY`.
    pub field: String,
    /// Whether the smallest come first.
    pub ascending: bool,
    /// The data the metric was measured on.
    pub dataset: Option<DatasetFilter>,
}

/// A search of logged models.
#[derive(Debug, Clone, Default)]
pub struct LoggedModelQuery {
    /// The experiments to look in.
    pub experiments: Vec<i64>,
    /// Conditions; empty for none.
    pub filter: String,
    /// Data on one of which metrics must have been measured.
    pub datasets: Vec<DatasetFilter>,
    /// By what to sort; then the youngest come first.
    pub order: Vec<ModelOrder>,
    /// How many at most.
    pub limit: usize,
    /// Where the page begins.
    pub offset: usize,
}

impl<T> Page<T> {
    /// The first `limit` of what was found from `offset` on; one more shows that there is a next page.
    pub(crate) fn cut(mut found: Vec<T>, limit: Option<usize>, offset: usize) -> Self {
        let next = limit.filter(|limit| found.len() > *limit);
        if let Some(limit) = next {
            found.truncate(limit);
        }
        Self {
            items: found,
            next: next.map(|limit| offset + limit),
        }
    }
}

pub(crate) fn invalid(message: impl Into<String>) -> LedgerError {
    LedgerError::invalid(message)
}
