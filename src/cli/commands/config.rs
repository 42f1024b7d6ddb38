//! `hpipe config`: what is set, and where; and setting it.

use std::io;
use std::path::{Path, PathBuf};

use hpipe_core::{Diagnostic, ProjectPath, Sources, Value};
use hpipe_spec::{set_setting, unset_setting};
use hpipe_store::Store;

use crate::args::{Config, ConfigPlace, ConfigSet, ConfigUnset};
use crate::error::{Error, Exit};
use crate::json;
use crate::session::Session;
use crate::settings::{LOCAL, PROJECT, user_file, user_folder};

/// Lists, prints, sets or unsets.
pub(super) fn config(session: &Session, arguments: &Config) -> Result<Exit, Error> {
    match arguments {
        Config::List(arguments) => {
            list(session, arguments.json)?;
            Ok(Exit::Done)
        }
        Config::Get(arguments) => get(session, &arguments.key),
        Config::Set(arguments) => set(session, arguments),
        Config::Unset(arguments) => unset(session, arguments),
    }
}

fn list(session: &Session, as_json: bool) -> Result<(), Error> {
    let settings = session.settings()?;
    if as_json {
        session.ui.data(&json::settings(settings));
        return Ok(());
    }
    let lines: String = settings
        .iter()
        .map(|(key, setting)| format!("{key} = {}  ({})\n", shown(&setting.value), setting.origin))
        .collect();
    match lines.is_empty() {
        true => session.ui.note("nothing is set"),
        false => session.ui.data(&lines),
    }
    Ok(())
}

fn get(session: &Session, key: &str) -> Result<Exit, Error> {
    match session.settings()?.get(key) {
        None => Ok(Exit::CHANGED),
        Some(setting) => {
            session.ui.data(&format!("{}\n", shown(&setting.value)));
            Ok(Exit::Done)
        }
    }
}

/// A value as `config set` takes it.
fn shown(value: &Value) -> String {
    match value {
        Value::List(items) => items.iter().map(shown).collect::<Vec<_>>().join(","),
        Value::Text(text) => text.clone(),
        Value::Int(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        other => format!("{other:?}"),
    }
}

fn set(session: &Session, arguments: &ConfigSet) -> Result<Exit, Error> {
    let place = Place::find(session, &arguments.place)?;
    let (key, value) = (&arguments.key, &arguments.value);
    let edited = set_setting(&place.name, &place.text()?, key, value);
    place.write(&edited.map_err(invalid)?)?;
    session
        .ui
        .note(&format!("set in {}", place.path().display()));
    Ok(Exit::Done)
}

/// Takes a setting out of a file; that it is not there is a mistake, for it may stand in another.
fn unset(session: &Session, arguments: &ConfigUnset) -> Result<Exit, Error> {
    let (place, key) = (Place::find(session, &arguments.place)?, &arguments.key);
    let edited = unset_setting(&place.name, &place.text()?, key).map_err(invalid)?;
    let path = place.path();
    let Some(edited) = edited else {
        return Err(Error::Usage {
            message: format!("`{key}` is not set in {}", path.display()),
            help: match session.settings()?.get(key) {
                Some(setting) => format!("it is set in {}", setting.origin),
                None => "`hpipe config list` shows what is set, and where".to_owned(),
            },
        });
    };
    place.write(&edited)?;
    session
        .ui
        .note(&format!("no longer set in {}", path.display()));
    Ok(Exit::Done)
}

fn invalid((diagnostics, sources): (Vec<Diagnostic>, Sources)) -> hpipe_engine::Error {
    hpipe_engine::Error::Invalid {
        diagnostics,
        sources: Box::new(sources),
    }
}

/// A settings file, and a cache folder where it can be built.
struct Place {
    folder: PathBuf,
    name: String,
    cache: PathBuf,
}

impl Place {
    fn path(&self) -> PathBuf {
        self.folder.join(&self.name)
    }

    /// What the file says; nothing if it is not there.
    fn text(&self) -> Result<String, Error> {
        let path = self.path();
        match std::fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
            read => read.map_err(file("read", &path)),
        }
    }

    fn write(&self, text: &str) -> Result<(), Error> {
        std::fs::create_dir_all(&self.folder).map_err(file("make", &self.folder))?;
        let store = Store::open(&self.folder, &self.cache)?;
        Ok(store.write_file(&ProjectPath::new(&self.name), text.as_bytes())?)
    }

    fn find(session: &Session, arguments: &ConfigPlace) -> Result<Self, Error> {
        if !arguments.global {
            let name = if arguments.local { LOCAL } else { PROJECT };
            return Ok(Self {
                folder: session.locate()?.root,
                name: name.to_owned(),
                cache: ".cache".into(),
            });
        }
        let environment = session.environment();
        let file = user_file(environment);
        let cache = user_folder(environment, "XDG_CACHE_HOME", ".cache");
        match (file.as_deref().and_then(Path::parent), cache) {
            (Some(folder), Some(cache)) => Ok(Self {
                folder: folder.to_owned(),
                name: PROJECT.to_owned(),
                cache: cache.join("hpipe"),
            }),
            _ => Err(Error::Usage {
                message: "there is no folder for a user's settings".into(),
                help: "set HOME, or XDG_CONFIG_HOME and XDG_CACHE_HOME".into(),
            }),
        }
    }
}

fn file(attempt: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::File {
        attempt,
        path,
        source,
    }
}
