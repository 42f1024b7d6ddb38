//! What a project is opened with: the built-in stages, the environment, and what its settings say of the engine.
//!
//! Handed in by the caller, who alone knows the environment and reads settings files; a project that is opened again
//! (`watch`), or copied (`tune`), keeps it. Nothing in here may change a result, so nothing of it is part of a stage key.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hpipe_core::Registry;
use hpipe_store::{LinkType, Store};

use crate::Error;
use crate::location::Location;
use crate::sandbox::Sandboxing;
use crate::workspace::{CACHE, Environment};

/// What a project is opened with.
#[derive(Clone)]
pub struct Setup {
    /// The built-in stages.
    pub registry: Arc<Registry>,
    /// The environment this program was started with.
    pub environment: Environment,
    /// The cache folder, absolute or relative to the project's root.
    pub cache: PathBuf,
    /// How restored files share their bytes with objects, in order of preference; when none can be had they are copied.
    pub links: Vec<LinkType>,
    /// How commands are confined.
    pub sandbox: Sandboxing,
    /// What executions share, where that is other than what the machine has.
    pub share: Share,
    /// Whether deps and outs are read, whatever the file system says of their times.
    pub rereads: bool,
}

/// What executions share, as far as somebody has said so.
#[derive(Debug, Clone, Default)]
pub struct Share {
    /// Thousandths of a CPU.
    pub millicpus: Option<u64>,
    /// Bytes of memory.
    pub memory: Option<u64>,
    /// GPUs, as `CUDA_VISIBLE_DEVICES` names them.
    pub gpus: Option<Vec<String>>,
    /// Sizes of pools; they win over those of the pipeline.
    pub pools: BTreeMap<String, u32>,
}

impl Setup {
    /// The usual settings.
    pub fn new(registry: Arc<Registry>, environment: Environment) -> Self {
        Self {
            registry,
            environment,
            cache: CACHE.into(),
            links: LinkType::PREFERRED.to_vec(),
            sandbox: Sandboxing::default(),
            share: Share::default(),
            rereads: false,
        }
    }

    /// The store of the project at `location`, whatever its pipeline says.
    ///
    /// # Errors
    /// [`Error::Store`] when the root is no folder that can be found.
    pub fn open_store(&self, location: &Location) -> Result<Store, Error> {
        let store = Store::open_shared(&location.root, &self.cache, Path::new(CACHE))?;
        Ok(store.with_links(&self.links).rereading(self.rereads))
    }
}
