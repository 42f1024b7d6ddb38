//! What this program was built with: built-in stages, and who loads models and reads tables.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::{Discriminator, ModelLoader, Stage, TableFiles};

/// The built-in stages, by name, and what is behind the other ports. Filled once by `main.rs`.
#[derive(Default)]
pub struct Registry {
    stages: BTreeMap<&'static str, Box<dyn Stage>>,
    /// Loads models; none in a program without machine learning.
    pub models: Option<Arc<dyn ModelLoader>>,
    /// Reads and writes tables; none in a program without machine learning.
    pub tables: Option<Arc<dyn TableFiles>>,
    /// Tells rows of two kinds apart; none in a program without machine learning.
    pub discriminator: Option<Arc<dyn Discriminator>>,
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
