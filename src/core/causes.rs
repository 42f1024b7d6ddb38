//! An error as one sentence: what was attempted, and why it could not be.
//!
//! Errors say only their own part and keep the cause as `source`; whoever tells a person joins them, in this one way.

use std::error::Error;
use std::iter::successors;

/// Joins an error and its causes, outermost first: `read params.yaml: permission denied`.
pub fn with_causes(error: &dyn Error) -> String {
    let words: Vec<_> = successors(Some(error), |&error| error.source())
        .map(ToString::to_string)
        .collect();
    words.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{attempt}")]
    struct Attempt {
        attempt: &'static str,
        source: Option<Box<Self>>,
    }

    #[test]
    fn causes_follow_outermost_first() {
        let attempt = |attempt, source: Option<Attempt>| Attempt {
            attempt,
            source: source.map(Box::new),
        };
        let denied = attempt("permission denied", None);
        assert_eq!(with_causes(&denied), "permission denied");
        let read = attempt("read params.yaml", Some(denied));
        let open = attempt("open the project", Some(read));
        assert_eq!(
            with_causes(&open),
            "open the project: read params.yaml: permission denied"
        );
    }
}
