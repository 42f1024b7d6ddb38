//! What can be wrong with what a chart is asked to show.

/// Why a chart could not be made.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// Two columns that belong together have different lengths.
    #[error("`{what}` has {found} values where {expected} are needed")]
    Length {
        /// The column that does not fit.
        what: String,
        /// Values it should have.
        expected: usize,
        /// Values it has.
        found: usize,
    },
    /// A table has no column of this name.
    #[error("no column `{name}`; there are {}", listed(.known))]
    UnknownColumn {
        /// As asked for.
        name: String,
        /// The columns there are.
        known: Vec<String>,
    },
    /// A column of words was asked for where numbers are drawn.
    #[error("column `{name}` holds words, not numbers")]
    NotNumeric {
        /// As asked for.
        name: String,
    },
    /// No template has this name.
    #[error("no plot template `{name}`; there are {}", listed(.known))]
    UnknownTemplate {
        /// As asked for.
        name: String,
        /// The templates there are.
        known: Vec<String>,
    },
    /// The PNG could not be made.
    #[error("draw the PNG: {0}")]
    Png(String),
}

fn listed(names: &[String]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// Checks that a column has as many values as it should.
///
/// # Errors
/// [`Error::Length`] when it does not.
pub(crate) fn same_length(what: &str, expected: usize, found: usize) -> Result<(), Error> {
    if expected == found {
        return Ok(());
    }
    Err(Error::Length {
        what: what.to_owned(),
        expected,
        found,
    })
}
