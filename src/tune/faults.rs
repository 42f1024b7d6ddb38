//! Collects the faults of a definition, each with the dotted path of the option it is at.
//!
//! Holds the reading of numbers, booleans and mappings as well, so that every option is refused in the same words. Knows
//! nothing of what the options mean.

use hpipe_core::{OptionFault, Value, nearest};

/// Whole numbers beyond are not exact as `f64`, which is what samplers compute with.
pub(crate) const LARGEST_WHOLE: i128 = 9_007_199_254_740_992;

/// The faults found so far.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<OptionFault>);

impl Faults {
    /// Notes a fault.
    pub(crate) fn add(&mut self, path: &str, message: impl Into<String>) {
        self.push(path, message.into(), None);
    }

    /// Notes a fault, and how to mend it.
    pub(crate) fn add_with_help(
        &mut self,
        path: &str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(path, message.into(), Some(help.into()));
    }

    fn push(&mut self, path: &str, message: String, help: Option<String>) {
        self.0.push(OptionFault {
            path: path.to_owned(),
            message,
            help,
        });
    }

    /// What was read of a part, or its faults below `path`.
    pub(crate) fn part<T>(&mut self, path: &str, part: Result<T, Vec<OptionFault>>) -> Option<T> {
        part.map_err(|faults| {
            self.0.extend(faults.into_iter().map(|fault| OptionFault {
                path: join(path, &fault.path),
                ..fault
            }));
        })
        .ok()
    }

    /// How many there are.
    pub(crate) const fn len(&self) -> usize {
        self.0.len()
    }

    /// The value, if no fault was noted.
    pub(crate) fn into_result<T>(self, value: T) -> Result<T, Vec<OptionFault>> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(self.0)
        }
    }

    /// The faults; at least one.
    pub(crate) fn into_list(self) -> Vec<OptionFault> {
        assert!(
            !self.0.is_empty(),
            "bug: something is refused without a fault"
        );
        self.0
    }

    /// A whole number of at least `least`; a fault and none if the option is something else.
    pub(crate) fn whole(&mut self, path: &str, value: &Value, least: i128) -> Option<i128> {
        match value.whole() {
            Some(n) if (least..=LARGEST_WHOLE).contains(&n) => Some(n),
            Some(n) if n > LARGEST_WHOLE => {
                self.add(path, format!("must be at most 2^53, not {n}"));
                None
            }
            Some(n) => {
                self.add(path, format!("must be at least {least}, not {n}"));
                None
            }
            None => self.refuse(path, "a whole number", value),
        }
    }

    /// A count: a whole number of at least `least` that fits.
    pub(crate) fn count(&mut self, path: &str, value: &Value, least: usize) -> Option<usize> {
        self.whole(path, value, least as i128)
            .and_then(|n| usize::try_from(n).ok())
    }

    /// A finite number.
    pub(crate) fn number(&mut self, path: &str, value: &Value) -> Option<f64> {
        match value {
            Value::Int(n) if n.abs() <= LARGEST_WHOLE => Some(*n as f64),
            Value::Float(x) if x.is_finite() => Some(*x),
            _ => self.refuse(path, "a finite number", value),
        }
    }

    /// A finite number above 0.
    pub(crate) fn positive(&mut self, path: &str, value: &Value) -> Option<f64> {
        let x = self.number(path, value)?;
        if x > 0.0 {
            return Some(x);
        }
        self.add(path, format!("must be positive, not {value}"));
        None
    }

    /// A boolean.
    pub(crate) fn boolean(&mut self, path: &str, value: &Value) -> Option<bool> {
        match value {
            Value::Bool(b) => Some(*b),
            _ => self.refuse(path, "a boolean", value),
        }
    }

    /// Notes that an option is something else than what was expected.
    pub(crate) fn refuse<T>(&mut self, path: &str, expected: &str, found: &Value) -> Option<T> {
        let found = match found {
            Value::Null => "nothing".to_owned(),
            Value::List(_) | Value::Map(_) => found.kind().to_owned(),
            Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) => {
                format!("`{found}`")
            }
        };
        self.add(path, format!("expected {expected}, found {found}"));
        None
    }
}

/// The path of an option below another.
pub(crate) fn join(path: &str, key: &str) -> String {
    match (path, key) {
        ("", key) => key.to_owned(),
        (path, "") => path.to_owned(),
        (path, key) => format!("{path}.{key}"),
    }
}

/// The help for a word that is not known: the nearest one, or all there are.
pub(crate) fn suggest<T: AsRef<str>>(what: &str, word: &str, known: &[T]) -> String {
    match nearest(word, known.iter().map(AsRef::as_ref)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            let known: Vec<_> = known.iter().map(|k| format!("`{}`", k.as_ref())).collect();
            format!("known {what}: {}", known.join(", "))
        }
    }
}
