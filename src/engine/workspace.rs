//! A project opened: its pipeline, graph and store.
//!
//! The only place of the engine that reads the pipeline's text from disk, and that turns faults found by other rooms
//! into one [`Error::Invalid`] with everything a person needs to mend them.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hpipe_core::{Code, Diagnostic, ProjectPath, Registry, Sources};
use hpipe_spec::{Files, Pipeline, check_builtins};
use hpipe_store::Store;

use crate::Error;
use crate::graph::{Graph, StageIndex};
use crate::resolve::resolve;

/// The names a pipeline file may have, the preferred one first.
pub(crate) const PIPELINE_FILES: [&str; 2] = ["pipeline.yaml", "dvc.yaml"];

/// Where a project's results are kept, relative to its root.
pub(crate) const CACHE: &str = ".cache";

/// Environment as the program was started with.
pub type Environment = BTreeMap<String, String>;

/// Where a project lies.
#[derive(Debug, Clone)]
pub struct Location {
    /// The folder that holds the pipeline file.
    pub root: PathBuf,
    /// The pipeline file.
    pub file: ProjectPath,
    /// The folder the user is in, relative to the root.
    pub folder: ProjectPath,
}

impl Location {
    /// Finds the nearest pipeline file in `start` or a folder above it; with `file`, takes that one.
    ///
    /// # Errors
    /// [`Error::Invalid`] with [`Code::NoPipeline`] when there is none; [`Error::Locate`] when `start` is no folder.
    pub fn find(start: &Path, file: Option<&Path>) -> Result<Self, Error> {
        let start = start.canonicalize().map_err(|source| Error::Locate {
            path: start.to_owned(),
            source,
        })?;
        if let Some(file) = file {
            return Self::at(&start, &start.join(file));
        }
        let found = start
            .ancestors()
            .flat_map(|folder| PIPELINE_FILES.map(|name| folder.join(name)))
            .find(|candidate| candidate.is_file());
        match found {
            Some(found) => Self::at(&start, &found),
            None => Err(Error::invalid(
                vec![no_pipeline(&start)],
                &Sources::default(),
            )),
        }
    }

    /// `pipeline.lock` for a pipeline file of a usual name; one of another name has a lock file of its own.
    fn lock_file(&self) -> ProjectPath {
        let name = self.file.as_str();
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        match PIPELINE_FILES.contains(&name) {
            true => ProjectPath::new("pipeline.lock"),
            false => ProjectPath::new(&format!("{stem}.lock")),
        }
    }

    fn at(start: &Path, file: &Path) -> Result<Self, Error> {
        let absent = || Error::invalid(vec![absent_pipeline(file)], &Sources::default());
        let file = file.canonicalize().map_err(|_| absent())?;
        let (Some(root), Some(name)) = (file.parent(), file.file_name()) else {
            return Err(absent());
        };
        Ok(Self {
            folder: ProjectPath::new(&relative(start, root)),
            file: ProjectPath::new(&name.to_string_lossy()),
            root: root.to_owned(),
        })
    }
}

/// `path` as seen from `root`, which is the same folder, above it or below it.
fn relative(path: &Path, root: &Path) -> String {
    match (path.strip_prefix(root), root.strip_prefix(path)) {
        (Ok(below), _) => below.to_string_lossy().into_owned(),
        (_, Ok(down)) => "../".repeat(down.components().count()),
        _ => path.to_string_lossy().into_owned(),
    }
}

fn no_pipeline(start: &Path) -> Diagnostic {
    let message = format!(
        "no pipeline.yaml in {} or a folder above it",
        start.display()
    );
    Diagnostic::error(Code::NoPipeline, message).help("`hpipe init` makes one")
}

fn absent_pipeline(file: &Path) -> Diagnostic {
    Diagnostic::error(
        Code::NoPipeline,
        format!("the pipeline file {} does not exist", file.display()),
    )
    .help("name an existing file after `-f`, or leave `-f` out")
}

/// A project opened.
pub struct Workspace {
    location: Location,
    store: Arc<Store>,
    registry: Arc<Registry>,
    environment: Environment,
    pipeline: Pipeline,
    sources: Sources,
    graph: Graph,
    warnings: Vec<Diagnostic>,
    texts: Texts,
}

/// Texts that params files are taken to have, whatever is on disk.
pub(crate) type Texts = BTreeMap<ProjectPath, String>;

impl Workspace {
    /// Reads and checks the pipeline at `location`.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every fault of the pipeline; [`Error::Read`] and [`Error::Store`] when the disk refuses.
    pub fn open(
        location: Location,
        registry: Arc<Registry>,
        environment: Environment,
    ) -> Result<Self, Error> {
        let store = Store::open(&location.root, &location.root.join(CACHE))?;
        Self::open_on(location, store.into(), registry, environment, Texts::new())
    }

    /// As [`open`](Self::open), with a store on the location's root. In a replica every out is cached: that is no part of
    /// its key, and what one replica made the others shall have.
    pub(crate) fn open_on(
        location: Location,
        store: Arc<Store>,
        registry: Arc<Registry>,
        environment: Environment,
        texts: Texts,
    ) -> Result<Self, Error> {
        let text = read_pipeline(&location)?;
        let disk = Disk {
            root: &location.root,
            texts: &texts,
        };
        let parsed = hpipe_spec::parse(&location.file, &text, &disk);
        let (faults, warnings): (Vec<_>, Vec<_>) = parsed
            .diagnostics
            .into_iter()
            .partition(Diagnostic::is_error);
        let sources = parsed.sources;
        let mut pipeline = match (parsed.pipeline, faults.is_empty()) {
            (Some(pipeline), true) => pipeline,
            _ => return Err(Error::invalid(faults, &sources)),
        };
        resolve(&mut pipeline, store.root());
        if store.is_replica() {
            let outs = pipeline.stages.iter_mut().flat_map(|stage| &mut stage.outs);
            outs.for_each(|out| out.cache = true);
        }
        let graph = check(&pipeline, &location, &registry)
            .map_err(|faults| Error::invalid(faults, &sources))?;
        Ok(Self {
            location,
            store,
            registry,
            environment,
            pipeline,
            sources,
            graph,
            warnings,
            texts,
        })
    }

    /// Where the project lies.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// The project's store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The stages, in the file's order.
    pub fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// The graph of the stages.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// What spans of the pipeline point into.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// What is odd about the pipeline but does not stop a command.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// The stage at `index`.
    pub fn stage(&self, index: StageIndex) -> &hpipe_spec::StageSpec {
        &self.pipeline.stages[index.index()]
    }

    /// The lock file beside the pipeline file.
    pub fn lock_file(&self) -> ProjectPath {
        self.location.lock_file()
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    pub(crate) fn environment(&self) -> &Environment {
        &self.environment
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

    /// The same project in another folder, read anew.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub(crate) fn open_copy(&self, store: Arc<Store>) -> Result<Self, Error> {
        let location = Location {
            root: store.root().to_owned(),
            ..self.location.clone()
        };
        Self::open_on(
            location,
            store,
            self.registry.clone(),
            self.environment.clone(),
            Texts::new(),
        )
    }

    /// The same project read anew as if params files had these texts. To ask what is known of it, not to execute: a
    /// command would read what is on disk.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub(crate) fn supposing(&self, texts: Texts) -> Result<Self, Error> {
        Self::open_on(
            self.location.clone(),
            self.store.clone(),
            self.registry.clone(),
            self.environment.clone(),
            texts,
        )
    }

    /// Opens the same project again, for its files changed.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn reopen(&self) -> Result<Self, Error> {
        Self::open(
            self.location.clone(),
            self.registry.clone(),
            self.environment.clone(),
        )
    }
}

/// Joins the stages and checks what only the registry and the graph can tell.
fn check(
    pipeline: &Pipeline,
    location: &Location,
    registry: &Registry,
) -> Result<Graph, Vec<Diagnostic>> {
    let needed: Vec<_> = [location.file.clone(), location.lock_file()]
        .into_iter()
        .chain(pipeline.read.iter().cloned())
        .collect();
    let mut faults = check_builtins(pipeline, registry);
    faults.extend(crate::not_carried_out::refused(pipeline));
    let graph = Graph::new(pipeline, &needed).unwrap_or_else(|more| {
        faults.extend(more);
        Graph::default()
    });
    if faults.is_empty() {
        Ok(graph)
    } else {
        Err(faults)
    }
}

fn read_pipeline(location: &Location) -> Result<String, Error> {
    let path = location.root.join(location.file.as_str());
    let fault = match read_text(&location.root, &location.file) {
        Ok(Some(text)) => return Ok(text),
        Ok(None) => absent_pipeline(&path),
        Err(Error::Read { source, .. }) if source.kind() == io::ErrorKind::InvalidData => {
            Diagnostic::error(Code::Syntax, format!("`{}` is not UTF-8", location.file))
                .help("save it in the encoding UTF-8")
        }
        Err(other) => return Err(other),
    };
    Err(Error::invalid(vec![fault], &Sources::default()))
}

fn read_text(root: &Path, path: &ProjectPath) -> Result<Option<String>, Error> {
    let path = path.on_disk(root);
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::Read { path, source }),
    }
}

/// The project's files, as the spec asks for them.
struct Disk<'a> {
    root: &'a Path,
    texts: &'a Texts,
}

impl Files for Disk<'_> {
    fn read(&self, path: &ProjectPath) -> Result<Option<String>, String> {
        if let Some(text) = self.texts.get(path) {
            return Ok(Some(text.clone()));
        }
        read_text(self.root, path).map_err(|error| match error {
            Error::Read { source, .. } => source.to_string(),
            other => other.to_string(),
        })
    }
}
