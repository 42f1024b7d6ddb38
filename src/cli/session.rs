//! What every command starts from: where it is, how it prints, which built-in stages there are.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hpipe_core::{EventSink, ProjectPath, Registry};
use hpipe_engine::{
    Cancellation, Confirm, Environment, Location, Opening, Setup, Support, Workspace,
};
use hpipe_forward::Destination;
use hpipe_spec::Settings;
use hpipe_store::Store;
use hpipe_track::ledger::Stages;
use hpipe_track::registry::Register;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::args::{Color, Global};
use crate::error::{Error, Exit};
use crate::json::{self, JsonSink};
use crate::settings::Loaded;
use crate::ui::{ColorChoice, Mode, PlainSink, TerminalSink, Ui, Verbosity};

/// This program, also when its file was replaced or removed since it started.
const OWN_PROGRAM: &str = "/proc/self/exe";

/// One command at work.
pub(crate) struct Session {
    pub(crate) ui: Arc<Ui>,
    registry: Arc<Registry>,
    folder: PathBuf,
    file: Option<PathBuf>,
    environment: Environment,
    /// The project around the folder, if there is one.
    location: Option<Location>,
    loaded: Loaded,
}

impl Session {
    /// Prepares a command.
    pub(crate) fn new(global: &Global, mut registry: Registry) -> Self {
        let verbosity = match (global.quiet, global.verbose) {
            (true, _) => Verbosity::Quiet,
            (_, true) => Verbosity::Verbose,
            _ => Verbosity::Normal,
        };
        let environment = environment();
        let folder = global.folder.clone().unwrap_or_else(|| PathBuf::from("."));
        let (location, loaded) = load(&folder, global.file.as_deref(), &environment);
        let color = match (global.color, loaded.settings.text("color")) {
            (Color::Always, _) | (Color::Auto, Some("always")) => ColorChoice::Always,
            (Color::Never, _) | (Color::Auto, Some("never")) => ColorChoice::Never,
            (Color::Auto, _) => ColorChoice::Auto,
        };
        registry.add(Register {
            stages: loaded.stages.clone(),
        });
        Self {
            ui: Arc::new(Ui::new(verbosity, color)),
            registry: Arc::new(registry),
            folder,
            file: global.file.clone(),
            environment,
            location,
            loaded,
        }
    }

    /// The same, with the settings as they are by now.
    pub(crate) fn reloaded(&self) -> Self {
        let (location, loaded) = load(&self.folder, self.file.as_deref(), &self.environment);
        Self {
            ui: self.ui.clone(),
            registry: self.registry.clone(),
            folder: self.folder.clone(),
            file: self.file.clone(),
            environment: self.environment.clone(),
            location,
            loaded,
        }
    }

    /// The folder the command is about.
    pub(crate) fn folder(&self) -> &PathBuf {
        &self.folder
    }

    /// Whether the user named a pipeline file.
    pub(crate) const fn names_file(&self) -> bool {
        self.file.is_some()
    }

    /// Finds the project around the folder.
    pub(crate) fn locate(&self) -> Result<Location, Error> {
        match &self.location {
            Some(location) => Ok(location.clone()),
            None => Ok(Location::find(&self.folder, self.file.as_deref())?),
        }
    }

    /// Opens the project that begins in the folder once a file of it has this text.
    pub(crate) fn open_new(&self, file: &ProjectPath, text: &str) -> Result<Workspace, Error> {
        let root = self.folder.canonicalize();
        let root = root.map_err(|source| Error::File {
            attempt: "find",
            path: self.folder.clone(),
            source,
        })?;
        let location = Location {
            root,
            file: file.clone(),
            folder: ProjectPath::root(),
            is_named: false,
        };
        let texts = [(file.clone(), text.to_owned())].into_iter().collect();
        let setup = self.setup(&location)?;
        Ok(Workspace::open_supposing(location, setup.into(), texts)?)
    }

    /// Opens a copy of the project that begins in the folder `root`, with a cache of its own, so that nothing is known.
    pub(crate) fn open_copy(&self, root: &Path, file: &ProjectPath) -> Result<Workspace, Error> {
        let root = root.canonicalize().map_err(|source| Error::File {
            attempt: "find",
            path: root.to_owned(),
            source,
        })?;
        let location = Location {
            root,
            file: file.clone(),
            folder: ProjectPath::root(),
            is_named: false,
        };
        let mut setup = self.setup(&location)?;
        setup.cache = Setup::new(self.registry.clone(), Environment::new()).cache;
        Ok(Workspace::open(location, setup.into())?)
    }

    /// Finds the project around the folder, with what the command line says about its setup.
    pub(crate) fn find_with(&self, change: impl FnOnce(&mut Setup)) -> Result<Opening, Error> {
        let location = self.locate()?;
        let mut setup = self.setup(&location)?;
        change(&mut setup);
        Ok(Opening::new(location, setup.into())?)
    }

    /// Opens the project around the folder, and tells its warnings.
    pub(crate) fn open(&self) -> Result<Workspace, Error> {
        self.open_with(|_| ())
    }

    /// As [`open`](Self::open), with what the command line says about the project's setup.
    pub(crate) fn open_with(&self, change: impl FnOnce(&mut Setup)) -> Result<Workspace, Error> {
        self.read(self.find_with(change)?)
    }

    /// As [`read`](Self::read); `as_json` tells the warnings as events.
    pub(crate) fn read_for(&self, opening: Opening, as_json: bool) -> Result<Workspace, Error> {
        if !as_json {
            return self.read(opening);
        }
        let workspace = opening.open()?;
        for warning in workspace.warnings() {
            let event = json::diagnostic(warning, workspace.sources());
            self.ui.data(&event);
        }
        Ok(workspace)
    }

    /// Reads a project, and tells its warnings.
    pub(crate) fn read(&self, opening: Opening) -> Result<Workspace, Error> {
        let workspace = opening.open()?;
        self.ui
            .diagnostics(workspace.warnings(), workspace.sources());
        Ok(workspace)
    }

    /// Finds the project around the folder and opens its store, whatever its pipeline says.
    pub(crate) fn open_store(&self) -> Result<(Location, Store), Error> {
        let location = self.locate()?;
        let store = self.setup(&location)?.open_store(&location)?;
        Ok((location, store))
    }

    /// The settings in force, if nothing is wrong with them.
    pub(crate) fn settings(&self) -> Result<&Settings, Error> {
        self.loaded.check()?;
        for (warnings, sources) in self.loaded.warnings() {
            self.ui.diagnostics(warnings, sources);
        }
        Ok(&self.loaded.settings)
    }

    /// The built-in stages.
    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The environment this program was started with.
    pub(crate) const fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Who is logged in, as far as the environment says.
    pub(crate) fn user(&self) -> Option<String> {
        let named = ["USER", "LOGNAME"].map(|name| self.environment.get(name));
        named
            .into_iter()
            .flatten()
            .find(|name| !name.is_empty())
            .cloned()
    }

    /// The experiment of runs whose stage names none, if one is set.
    pub(crate) fn experiment(&self) -> Option<&str> {
        self.loaded.settings.text("tracking.experiment")
    }

    /// The address of the MLflow server that gets what is recorded, if one is set.
    pub(crate) fn tracking_server(&self) -> Option<&str> {
        self.loaded.settings.text("tracking.uri")
    }

    /// An MLflow server as it is spoken to: what opens it, and how long it may think, are in the variables of MLflow's own client.
    pub(crate) fn destination<'a>(&'a self, address: &'a str) -> Result<Destination<'a>, Error> {
        let token = self.environment.get("MLFLOW_TRACKING_TOKEN");
        let patience = match self.environment.get(PATIENCE) {
            Some(text) => patience(text)?,
            None => hpipe_forward::PATIENCE,
        };
        Ok(Destination {
            address,
            token: token.map(String::as_str),
            patience,
        })
    }

    /// The stages that versions of models may stand in.
    pub(crate) const fn stages(&self) -> &Stages {
        &self.loaded.stages
    }

    /// How many stages work at once when the command line does not say.
    pub(crate) fn jobs(&self) -> usize {
        let set = self.loaded.settings.count("jobs");
        set.map_or_else(hpipe_engine::cores, |jobs| jobs as usize)
    }

    /// What projects are opened with.
    fn setup(&self, location: &Location) -> Result<Setup, Error> {
        self.settings()?;
        let mut setup = Setup::new(self.registry.clone(), self.environment.clone());
        setup.sandbox.support = Support::of_this_kernel(OWN_PROGRAM);
        self.loaded.apply(&mut setup, &location.root)?;
        Ok(setup)
    }

    /// Ends a command: what it printed must have reached its reader.
    pub(crate) fn finish(&self, exit: Exit) -> Result<Exit, Error> {
        self.ui.finish().map_err(Error::Stdout)?;
        Ok(exit)
    }

    /// Tells what the store found damaged.
    pub(crate) fn tell_warnings(&self, workspace: &Workspace) {
        self.tell_store_warnings(workspace.store());
    }

    /// Tells what the store found damaged.
    pub(crate) fn tell_store_warnings(&self, store: &Store) {
        for text in store.take_warnings() {
            self.ui.warning(&text);
        }
    }

    /// Where events go: JSON lines, a redrawn terminal, or plain lines.
    pub(crate) fn sink(&self, as_json: bool, mode: Mode) -> Box<dyn EventSink> {
        let ui = self.ui.clone();
        match (as_json, ui.stderr_is_terminal() && mode == Mode::Repro) {
            (true, _) => Box::new(JsonSink::new(ui)),
            (false, true) => Box::new(TerminalSink::new(ui, mode)),
            (false, false) => Box::new(PlainSink::new(ui, mode)),
        }
    }

    /// Where events go when questions are asked in between: plain lines, for a status would be drawn over them.
    pub(crate) fn plain_sink(&self, mode: Mode) -> Box<dyn EventSink> {
        Box::new(PlainSink::new(self.ui.clone(), mode))
    }

    /// Asks the user, who answers in the terminal, whether a stage shall execute.
    pub(crate) fn confirm(&self) -> Confirm {
        let ui = self.ui.clone();
        Confirm::new(move |stage, reasons| ui.confirms(stage, reasons))
    }

    /// A wish to stop that Ctrl-C, `kill` and a closed terminal express.
    pub(crate) fn cancellation(&self) -> Result<Arc<Cancellation>, Error> {
        let cancellation = Arc::new(Cancellation::default());
        // Who can be interrupted executes stages: what these leave behind is then ours to end.
        hpipe_engine::adopt_orphans();
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(Error::Signals)?;
        let wish = cancellation.clone();
        std::thread::spawn(move || signals.forever().for_each(|_| wish.request()));
        Ok(cancellation)
    }
}

/// The variable that says how many seconds an MLflow server may think.
const PATIENCE: &str = "MLFLOW_HTTP_REQUEST_TIMEOUT";

/// Seconds, as a variable says.
fn patience(text: &str) -> Result<Duration, Error> {
    let seconds = text.trim().parse::<f64>().ok();
    let time = seconds.filter(|seconds| *seconds > 0.0);
    let time = time.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    time.ok_or_else(|| Error::Usage {
        message: format!("{PATIENCE} is `{text}`, which is no number of seconds"),
        help: "as for MLflow's own client, it says how long a server may take to answer: 120"
            .to_owned(),
    })
}

/// The project around `folder`, if there is one, and its settings.
fn load(
    folder: &Path,
    file: Option<&Path>,
    environment: &Environment,
) -> (Option<Location>, Loaded) {
    let location = Location::find(folder, file).ok();
    let root = location.as_ref().map(|location| location.root.as_path());
    let loaded = Loaded::read(root, environment);
    (location, loaded)
}

/// The environment this program was started with; what is no text cannot be declared in a pipeline either.
fn environment() -> Environment {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}
