//! The stages a model version may stand in.

use super::error::{LedgerError, Result};

/// Where a model version stands. MLflow knows all but [`Development`](Self::Development) and [`Further`](Self::Further), and
/// its client passes the names through as texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// Nowhere yet.
    None,
    /// Being made.
    Development,
    /// Being tried.
    Staging,
    /// In use.
    Production,
    /// No longer used.
    Archived,
    /// A stage that the settings of the project add.
    Further(String),
}

/// The stages that a project has: those everybody has, and those its settings add.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stages(Vec<String>);

impl Stage {
    /// Those everybody has.
    const USUAL: [Self; 5] = [
        Self::None,
        Self::Development,
        Self::Staging,
        Self::Production,
        Self::Archived,
    ];

    /// The word for it.
    pub fn name(&self) -> &str {
        match self {
            Self::None => "None",
            Self::Development => "Development",
            Self::Staging => "Staging",
            Self::Production => "Production",
            Self::Archived => "Archived",
            Self::Further(name) => name,
        }
    }

    /// The stage that was recorded under this name, whether or not the settings still know it.
    pub fn recorded(name: &str) -> Self {
        let usual = Self::USUAL.into_iter().find(|stage| stage.name() == name);
        usual.unwrap_or_else(|| Self::Further(name.to_owned()))
    }

    /// Whether versions in it are in use, so that one that comes may archive the others.
    pub const fn is_active(&self) -> bool {
        matches!(self, Self::Staging | Self::Production | Self::Further(_))
    }
}

impl Stages {
    /// The usual ones, and these.
    ///
    /// # Errors
    /// When a name cannot be told from something else: that name, and why.
    pub fn with(further: &[&str]) -> std::result::Result<Self, String> {
        let mut stages = Self::default();
        for name in further {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
            let is_number = name.bytes().all(|byte| byte.is_ascii_digit());
            if is_number || !name.chars().all(is_plain) {
                return Err(format!(
                    "`{name}` is no name of a stage: it takes letters, with digits, `-` and `_`"
                ));
            }
            if name.eq_ignore_ascii_case("latest") {
                return Err(format!("`{name}` means the newest version, and no stage"));
            }
            if stages.parse(name).is_err() {
                stages.0.push((*name).to_owned());
            }
        }
        Ok(stages)
    }

    /// All names, in the order in which versions pass them; those that the settings add come last.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let usual = ["None", "Development", "Staging", "Production", "Archived"];
        usual.into_iter().chain(self.0.iter().map(String::as_str))
    }

    /// The stage of this name, in capitals or not.
    ///
    /// # Errors
    /// When there is none.
    pub fn parse(&self, name: &str) -> Result<Stage> {
        let found = self.names().find(|known| known.eq_ignore_ascii_case(name));
        found.map(Stage::recorded).ok_or_else(|| {
            let names: Vec<_> = self.names().collect();
            LedgerError::invalid(format!(
                "Invalid Model Version stage: {name}. Value must be one of {}.",
                names.join(", ")
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_add_stages_and_change_none() {
        let stages = Stages::with(&["Canary", "production", "shadow-2"]).unwrap();
        let names: Vec<_> = stages.names().collect();
        assert_eq!(
            names,
            [
                "None",
                "Development",
                "Staging",
                "Production",
                "Archived",
                "Canary",
                "shadow-2"
            ]
        );
        assert_eq!(stages.parse("PRODUCTION").unwrap(), Stage::Production);
        assert_eq!(stages.parse("canary").unwrap().name(), "Canary");
        assert_eq!(
            stages.parse("canari").unwrap_err().to_string(),
            "Invalid Model Version stage: canari. Value must be one of None, Development, Staging, Production, Archived, \
             Canary, shadow-2."
        );
        for bad in ["", "a b", "12", "a/b", "latest"] {
            assert!(Stages::with(&[bad]).is_err(), "{bad}");
        }
    }
}
