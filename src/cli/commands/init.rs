//! `hpipe init`: starts a project with a pipeline that works at once.

use std::fs::{File, create_dir_all};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use hpipe_engine::Location;

use crate::args::Init;
use crate::error::{Error, Exit};
use crate::session::Session;
use crate::settings::LOCAL;

/// The files of a new project. A small pipeline of shell commands, so that it runs wherever hpipe does.
const FILES: [(&str, &str); 3] = [
    ("pipeline.yaml", include_str!("init/pipeline.yaml")),
    ("params.yaml", include_str!("init/params.yaml")),
    ("data/numbers.txt", include_str!("init/numbers.txt")),
];

/// The JSON schema beside the pipeline file, whose first line names it.
const SCHEMA: &str = "pipeline.schema.json";

/// Writes the files; refuses, before it writes any, when one is there already.
pub(super) fn init(session: &Session, arguments: &Init) -> Result<Exit, Error> {
    let folder = match &arguments.folder {
        Some(folder) => session.folder().join(folder),
        None => session.folder().clone(),
    };
    let mut paths = FILES.iter().map(|(name, _)| folder.join(name));
    if let Some(path) = paths.find(|path| path.exists()) {
        return Err(Error::AlreadyThere { path });
    }
    // What editors check the pipeline by. One that is there already, of whatever version, serves as well.
    let schema = (!folder.join(SCHEMA).exists()).then(hpipe_spec::pipeline_schema);
    let schema = schema.iter().map(|text| (SCHEMA, text.as_str()));
    for (name, text) in FILES.into_iter().chain(schema) {
        write_new(&folder.join(name), text)?;
        session
            .ui
            .note(&format!("made {}", folder.join(name).display()));
    }
    keep_out_of_git(&folder)?;
    if let Some(file) = around(&folder) {
        let file = file.display();
        session.ui.note(&format!(
            "note: this folder lies in the project of {file}, so its stages are part of that graph; with an `hpipe.toml` beside \
             its pipeline.yaml it becomes a project of its own"
        ));
    }
    session.ui.note("now try `hpipe repro`, then `hpipe dag`");
    Ok(Exit::Done)
}

/// Lines that keep out of git the settings of one checkout, and the records of runs.
const IGNORED: [&str; 3] = [LOCAL, "models/track.db*", "models/artifacts/"];

/// Adds the lines that are not there yet.
fn keep_out_of_git(folder: &Path) -> Result<(), Error> {
    let path = folder.join(".gitignore");
    let failed = |source| Error::File {
        attempt: "write",
        path: path.clone(),
        source,
    };
    let text = match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        read => read.map_err(failed)?,
    };
    let is_new = |wanted: &&str| {
        let mut lines = text.lines().map(|line| line.trim().trim_start_matches('/'));
        lines.all(|line| line != *wanted)
    };
    let lines: String = IGNORED
        .iter()
        .filter(|line| is_new(line))
        .map(|line| format!("/{line}\n"))
        .collect();
    if lines.is_empty() {
        return Ok(());
    }
    let gap = if text.is_empty() || text.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    let mut file = File::options()
        .create(true)
        .append(true)
        .open(&path)
        .map_err(failed)?;
    file.write_all(format!("{gap}{lines}").as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(failed)
}

/// The pipeline file of the project that the folder lies in.
fn around(folder: &Path) -> Option<PathBuf> {
    let folder = folder.canonicalize().ok()?;
    let location = Location::find(folder.parent()?, None).ok()?;
    Some(location.root.join(location.file.as_str()))
}

pub(super) fn write_new(path: &Path, text: &str) -> Result<(), Error> {
    let failed = |source| Error::File {
        attempt: "make",
        path: PathBuf::from(path),
        source,
    };
    if let Some(folder) = path.parent() {
        create_dir_all(folder).map_err(failed)?;
    }
    let mut file = File::create_new(path).map_err(failed)?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(failed)
}
