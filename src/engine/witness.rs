//! Notices files that were written while a stage executed, even if they hold the same bytes again afterwards.
//!
//! Comparing contents before and after cannot see an input that changed and changed back: the execution may have read
//! what was there in between. What a file looks like can ([`Look`], which says what escapes it). Of a folder every file that
//! counts is looked at. Params files are compared by the values a stage reads: people write the next experiment's params
//! while this one executes.

use hpipe_core::ProjectPath;
use hpipe_spec::StageSpec;
use hpipe_store::{Look, Store};

/// What the deps of a stage looked like at one moment.
#[derive(Debug)]
pub(crate) struct Witness(Vec<(ProjectPath, Look)>);

impl Witness {
    /// Looks at every dep of `stage`.
    pub(crate) fn look(stage: &StageSpec, store: &Store) -> Self {
        // What cannot be listed cannot be hashed either, which is told when the inputs are gathered again.
        let look = |path: &ProjectPath| store.look(path).unwrap_or_default();
        let deps = stage.deps.iter().map(|dep| &dep.path);
        Self(deps.map(|path| (path.clone(), look(path))).collect())
    }

    /// The deps that were written since.
    pub(crate) fn written_since(&self) -> Vec<&ProjectPath> {
        let written = self
            .0
            .iter()
            .filter(|(_, look)| look.written_since().is_some());
        written.map(|(path, _)| path).collect()
    }
}
