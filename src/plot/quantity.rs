//! A measured thing and its unit.

/// What a column measures: its name, and the unit that axes and tooltips say with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quantity {
    /// As in the table: `MedHouseVal`.
    pub name: String,
    /// As people write it: `100,000 $`; none for numbers without one.
    pub unit: Option<String>,
}

impl Quantity {
    /// A quantity without a unit.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            unit: None,
        }
    }

    /// The same in a unit.
    #[must_use]
    pub fn unit(mut self, unit: impl Into<String>) -> Self {
        self.unit = Some(unit.into());
        self
    }

    /// `word` before the name, with the unit: `predicted MedHouseVal (100,000 $)`.
    pub(crate) fn label(&self, word: &str) -> String {
        let name = [word, &self.name].join(" ");
        self.with_unit(name.trim())
    }

    /// Words in the unit of this quantity: `residual (100,000 $)`.
    pub fn with_unit(&self, words: &str) -> String {
        match &self.unit {
            Some(unit) => format!("{words} ({unit})"),
            None => words.to_owned(),
        }
    }
}
