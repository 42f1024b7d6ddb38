//! The built-in stages this program was built with.

use std::collections::BTreeMap;

use crate::Stage;

/// The built-in stages, by name. Filled once by `main.rs`.
#[derive(Default)]
pub struct Registry {
    stages: BTreeMap<&'static str, Box<dyn Stage>>,
}

impl Registry {
    /// Adds a stage under its own name.
    ///
    /// # Panics
    /// When two stages have one name: a fault of the program, not of its user.
    pub fn add(&mut self, stage: impl Stage + 'static) {
        let name = stage.name();
        let former = self.stages.insert(name, Box::new(stage));
        assert!(
            former.is_none(),
            "bug: two built-in stages are called `{name}`"
        );
    }

    /// The stage called `name`.
    pub fn get(&self, name: &str) -> Option<&dyn Stage> {
        self.stages.get(name).map(|stage| &**stage)
    }

    /// Every stage, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = &dyn Stage> {
        self.stages.values().map(|stage| &**stage)
    }
}
