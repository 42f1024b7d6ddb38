//! Where settings come from, and what of the engine they set.
//!
//! The only place that knows the settings files and reads the environment for them. Later layers win: `hpipe.toml` and
//! `hpipe.local.toml` in the project's root, `hpipe/hpipe.toml` in the user's config folder, `HPIPE_*`. What they may say
//! is `hpipe_spec`'s; the page is `docs/settings.md`.

use std::io;
use std::path::{Path, PathBuf};

use hpipe_core::{Code, Diagnostic, Sources};
use hpipe_engine::{Confined, Environment, Setup};
use hpipe_spec::{Settings, SettingsLayer};
use hpipe_store::LinkType;
use hpipe_track::ledger::Stages;

use crate::error::Error;

/// The project's settings, in git.
pub(crate) const PROJECT: &str = "hpipe.toml";

/// The settings of one checkout, not in git.
pub(crate) const LOCAL: &str = "hpipe.local.toml";

/// The settings in force.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) settings: Settings,
    /// The stages that versions of models may stand in.
    pub(crate) stages: Stages,
    /// Of each layer, what is wrong or odd there.
    told: Vec<(Vec<Diagnostic>, Sources)>,
}

impl Loaded {
    /// Reads all layers; without a project those of the user.
    pub(crate) fn read(root: Option<&Path>, environment: &Environment) -> Self {
        let mut loaded = Self::default();
        let of_project = root
            .into_iter()
            .flat_map(|root| [PROJECT, LOCAL].map(|name| root.join(name)));
        let files: Vec<_> = of_project.chain(user_file(environment)).collect();
        for path in files {
            let name = root
                .and_then(|root| path.strip_prefix(root).ok())
                .unwrap_or(&path);
            match std::fs::read_to_string(&path) {
                Ok(text) => loaded.add(SettingsLayer::parse(&name.to_string_lossy(), &text)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => loaded.unreadable(name, &error),
            }
        }
        let variables = environment
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()));
        loaded.add(SettingsLayer::of_environment(variables));
        loaded.add_stages();
        loaded
    }

    fn add_stages(&mut self) {
        match Stages::with(&self.settings.texts("registry.stages")) {
            Ok(stages) => self.stages = stages,
            Err(why) => {
                let fault =
                    Diagnostic::error(Code::BadSettings, format!("`registry.stages`: {why}"));
                self.told.push((vec![fault], Sources::default()));
            }
        }
    }

    fn add(&mut self, layer: SettingsLayer) {
        self.settings.overlay(&layer.settings);
        self.told.push((layer.diagnostics, layer.sources));
    }

    fn unreadable(&mut self, name: &Path, error: &io::Error) {
        let message = format!(
            "the settings file {} cannot be read: {error}",
            name.display()
        );
        let fault = Diagnostic::error(Code::BadSettings, message);
        self.told.push((vec![fault], Sources::default()));
    }

    /// The faults of the first layer that has some.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let is_wrong =
            |(told, _): &&(Vec<Diagnostic>, Sources)| told.iter().any(Diagnostic::is_error);
        match self.told.iter().find(is_wrong) {
            None => Ok(()),
            Some((diagnostics, sources)) => Err(Error::Engine(hpipe_engine::Error::Invalid {
                diagnostics: diagnostics.clone(),
                sources: Box::new(sources.clone()),
            })),
        }
    }

    /// What is odd, for the user to know.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = (&[Diagnostic], &Sources)> {
        self.told
            .iter()
            .map(|(told, sources)| (told.as_slice(), sources))
    }

    /// Puts into force what they say of the engine and the project at `root`.
    pub(crate) fn apply(&self, setup: &mut Setup, root: &Path) -> Result<(), Error> {
        let settings = &self.settings;
        let path = |text: &str| expanded(text, &setup.environment);
        if let Some(folder) = settings.text("cache.folder") {
            setup.cache = path(folder);
            let on_disk = root.join(&setup.cache);
            if root.starts_with(on_disk.canonicalize().unwrap_or(on_disk)) {
                return Err(holds_project(folder));
            }
        }
        let links = settings.texts("cache.link");
        if !links.is_empty() {
            setup.links = links.into_iter().filter_map(link).collect();
        }
        setup.sandbox.read = settings
            .texts("sandbox.read")
            .into_iter()
            .map(path)
            .collect();
        setup.sandbox.write = settings
            .texts("sandbox.write")
            .into_iter()
            .map(path)
            .collect();
        setup.sandbox.required = settings.text("sandbox.missing") == Some("fail");
        setup.share.memory = settings.bytes("memory");
        setup.share.gpus = settings.devices("gpus");
        setup.share.pools = settings.pools();
        if settings.flag("sandbox.default") == Some(true) {
            setup.sandbox.which = Confined::Unless;
        }
        Ok(())
    }
}

fn holds_project(folder: &str) -> Error {
    let message = format!("the cache folder `{folder}` holds the project");
    let fault = Diagnostic::error(Code::BadSettings, message);
    Error::Engine(hpipe_engine::Error::Invalid {
        diagnostics: vec![fault.help("set `cache.folder` to a folder of its own")],
        sources: Box::new(Sources::default()),
    })
}

fn link(word: &str) -> Option<LinkType> {
    match word {
        "reflink" => Some(LinkType::Reflink),
        "hardlink" => Some(LinkType::Hardlink),
        "copy" => Some(LinkType::Copy),
        _ => None,
    }
}

/// The user's settings file, whether or not it is there; none where nobody lives.
pub(crate) fn user_file(environment: &Environment) -> Option<PathBuf> {
    user_folder(environment, "XDG_CONFIG_HOME", ".config")
        .map(|folder| folder.join("hpipe/hpipe.toml"))
}

/// A folder of the user as the XDG specification has it: relative ones do not count.
pub(crate) fn user_folder(
    environment: &Environment,
    variable: &str,
    usual: &str,
) -> Option<PathBuf> {
    let named = environment.get(variable).map(PathBuf::from);
    let home = || {
        environment
            .get("HOME")
            .map(|home| Path::new(home).join(usual))
    };
    named.filter(|folder| folder.is_absolute()).or_else(home)
}

/// A path of a setting: `~/` is the home folder, all else is seen from the project's root.
fn expanded(text: &str, environment: &Environment) -> PathBuf {
    match (text.strip_prefix("~/"), environment.get("HOME")) {
        (Some(rest), Some(home)) => Path::new(home).join(rest),
        _ => PathBuf::from(text),
    }
}
