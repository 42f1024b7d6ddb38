//! A project opened: its pipeline, graph and store.
//!
//! The only place of the engine that reads the texts of pipelines and params from disk. How several pipeline files become
//! one graph is told by `joined`, where a project lies by `location`.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use hpipe_core::{Diagnostic, ProjectPath, Registry, Sources};
use hpipe_spec::{Files, Pipeline};
use hpipe_store::{Seal, Store};

use crate::Error;
use crate::graph::{Graph, StageIndex};
use crate::joined::{self, Grounds, Joined, PipelineFile};
use crate::location::Location;
use crate::setup::Setup;

/// Where a project's results are kept, relative to its root.
pub(crate) const CACHE: &str = ".cache";

/// Environment as the program was started with.
pub type Environment = BTreeMap<String, String>;

/// A project opened.
pub struct Workspace {
    location: Location,
    store: Arc<Store>,
    setup: Arc<Setup>,
    joined: Joined,
    texts: Texts,
    seal: Option<Option<Seal>>,
}

/// Texts that pipeline and params files are taken to have, whatever is on disk.
pub type Texts = BTreeMap<ProjectPath, String>;

impl Workspace {
    /// Reads and checks the pipeline at `location`.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every fault of the pipeline; [`Error::Read`] and [`Error::Store`] when the disk refuses.
    pub fn open(location: Location, setup: Arc<Setup>) -> Result<Self, Error> {
        Self::open_supposing(location, setup, Texts::new())
    }

    /// As [`open`](Self::open), as if files had these texts, whether they are on disk or not.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_supposing(
        location: Location,
        setup: Arc<Setup>,
        texts: Texts,
    ) -> Result<Self, Error> {
        let store = setup.open_store(&location)?;
        Self::open_on(location, store.into(), setup, texts)
    }

    /// As [`open`](Self::open), with a store on the location's root. In a replica every out is cached: that is no part of
    /// its key, and what one replica made the others shall have.
    pub(crate) fn open_on(
        location: Location,
        store: Arc<Store>,
        setup: Arc<Setup>,
        texts: Texts,
    ) -> Result<Self, Error> {
        let disk = Disk {
            root: store.root(),
            texts: &texts,
        };
        let mut joined = joined::read(&location, &disk, &store, &setup.registry)?;
        if store.is_replica() {
            let stages = joined.pipeline.stages.iter_mut();
            let outs = stages.flat_map(|stage| &mut stage.outs);
            outs.for_each(|out| out.cache = true);
        }
        Ok(Self {
            location,
            store,
            setup,
            joined,
            texts,
            seal: None,
        })
    }

    /// The same, with the answer of who was asked for a seal before.
    pub(crate) fn with_seal(self, seal: Option<Option<Seal>>) -> Self {
        Self { seal, ..self }
    }

    /// The seal that was checked before this was opened, if there was one; none at all when nobody asked for one, and
    /// nothing is to be sealed.
    pub(crate) const fn seal(&self) -> Option<&Option<Seal>> {
        self.seal.as_ref()
    }

    /// What reading the project rested on.
    pub(crate) const fn grounds(&self) -> &Grounds {
        &self.joined.grounds
    }

    /// Where the project lies.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// The project's store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The stages of all files, in their order.
    pub fn pipeline(&self) -> &Pipeline {
        &self.joined.pipeline
    }

    /// The graph of the stages.
    pub fn graph(&self) -> &Graph {
        &self.joined.graph
    }

    /// What spans of the pipeline point into.
    pub fn sources(&self) -> &Sources {
        &self.joined.sources
    }

    /// What is odd about the pipeline but does not stop a command.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.joined.warnings
    }

    /// The stage at `index`.
    pub fn stage(&self, index: StageIndex) -> &hpipe_spec::StageSpec {
        &self.joined.pipeline.stages[index.index()]
    }

    /// The pipeline files: the root's, then those of sub-folders by path. Some may be left out of the graph.
    pub fn files(&self) -> &[PipelineFile] {
        &self.joined.files
    }

    /// The files that put data under control.
    pub(crate) fn data_files(&self) -> &[ProjectPath] {
        &self.joined.tracking
    }

    /// The pipeline file that has this stage.
    pub fn file_of(&self, stage: StageIndex) -> &PipelineFile {
        let files = self.files();
        let has = |file: &&PipelineFile| file.stages.contains(&stage.index());
        files.iter().find(has).unwrap_or(&files[0])
    }

    /// The lock file beside the root's pipeline file.
    pub fn lock_file(&self) -> ProjectPath {
        self.location.lock_file()
    }

    /// The lock files of all pipeline files.
    pub fn lock_files(&self) -> impl Iterator<Item = ProjectPath> + '_ {
        self.files().iter().map(PipelineFile::lock_file)
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.setup.registry
    }

    pub(crate) fn environment(&self) -> &Environment {
        &self.setup.environment
    }

    /// What the project was opened with.
    pub(crate) fn setup(&self) -> &Setup {
        &self.setup
    }

    /// The text of a project file; none when it does not exist.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn read_text(&self, path: &ProjectPath) -> Result<Option<String>, Error> {
        match self.texts.get(path) {
            Some(text) => Ok(Some(text.clone())),
            None => read_text(&self.location.root, path),
        }
    }

    /// The same project in another folder, read anew, with another setup.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub(crate) fn open_copy(&self, store: Arc<Store>, setup: Arc<Setup>) -> Result<Self, Error> {
        let location = Location {
            root: store.root().to_owned(),
            ..self.location.clone()
        };
        Self::open_on(location, store, setup, Texts::new())
    }

    /// The same project read anew as if its files had these texts. To ask what is known of it, not to execute: a
    /// command would read what is on disk.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn supposing(&self, texts: Texts) -> Result<Self, Error> {
        Self::open_on(
            self.location.clone(),
            self.store.clone(),
            self.setup.clone(),
            texts,
        )
    }

    /// Opens the same project again, for its files changed.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn reopen(&self) -> Result<Self, Error> {
        Self::open(self.location.clone(), self.setup.clone())
    }
}

pub(crate) fn read_text(root: &Path, path: &ProjectPath) -> Result<Option<String>, Error> {
    let path = path.on_disk(root);
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::Read { path, source }),
    }
}

/// The project's files, as the spec asks for them.
pub(crate) struct Disk<'a> {
    pub(crate) root: &'a Path,
    pub(crate) texts: &'a Texts,
}

impl Disk<'_> {
    /// The text of a file; none when it does not exist.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub(crate) fn text(&self, path: &ProjectPath) -> Result<Option<String>, Error> {
        match self.texts.get(path) {
            Some(text) => Ok(Some(text.clone())),
            None => read_text(self.root, path),
        }
    }
}

impl Files for Disk<'_> {
    fn read(&self, path: &ProjectPath) -> Result<Option<String>, String> {
        self.text(path).map_err(|error| match error {
            Error::Read { source, .. } => source.to_string(),
            other => other.to_string(),
        })
    }
}
