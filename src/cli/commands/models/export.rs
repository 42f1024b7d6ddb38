//! `hpipe models export`: the registry as one document, or the files of a version in a folder.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use hpipe_core::{Execution, Mapping, NoMemo, PortPath, Progress, ProjectPath, Value};
use hpipe_track::Ledger;
use hpipe_track::ledger::ModelVersion;

use super::look::shown_model;
use super::verify::registration;
use super::{ask, existing_ledger, find, names};
use crate::args::{ExportFormat, ModelsExport};
use crate::error::{Error, Exit};
use crate::json;
use crate::recording::{self, EXAMPLE, SERVING_EXAMPLE};
use crate::session::Session;

/// Where hpipe's own files lie among those of a version.
const OWN: &str = "hpipe/";

/// What may be done with a file, before the umask takes from it: with one that is no program, and with one that is.
const PLAIN: u32 = 0o666;
const PROGRAM: u32 = 0o777;

/// Writes the registry, or the files of a version.
pub(super) fn export(session: &Session, arguments: &ModelsExport) -> Result<Exit, Error> {
    let ledger = existing_ledger(session)?;
    match (&arguments.model, &arguments.out) {
        (Some(model), Some(out)) => version(session, &ledger, model, arguments.format, out)?,
        (_, out) => registry(session, &ledger, out.as_deref())?,
    }
    Ok(Exit::Done)
}

fn registry(session: &Session, ledger: &Ledger, out: Option<&Path>) -> Result<(), Error> {
    let models = ask(ledger, |records| {
        let names = names(records)?;
        names
            .iter()
            .map(|name| shown_model(records, name))
            .collect::<Result<Vec<_>, _>>()
    })?;
    let text = json::registry(&models);
    match out {
        None => session.ui.data(&text),
        Some(path) => super::write_at(path, text.as_bytes())?,
    }
    Ok(())
}

/// The folder a file shall lie in, and its name there.
pub(super) fn folder_and_name(path: &Path) -> Result<(PathBuf, String), Error> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let folder = parent.canonicalize().map_err(|source| Error::File {
        attempt: "find",
        path: parent.to_owned(),
        source,
    })?;
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    Ok((folder, name.unwrap_or_default()))
}

fn version(
    session: &Session,
    ledger: &Ledger,
    model: &str,
    format: ExportFormat,
    out: &Path,
) -> Result<(), Error> {
    let found = find(ledger, model)?;
    if out.exists() {
        let path = out.to_owned();
        return Err(Error::AlreadyThere { path });
    }
    let folder = ledger.read(|records| records.version_folder(&found.name, found.version))?;
    let known = ledger.read(|records| records.registration(&found.name, found.version))?;
    let is_program = |file: &str| {
        let mut files = known.iter().flat_map(|known| &known.record.files);
        files.any(|known| known.executable && known.stored_at() == file)
    };
    let files = listed(ledger, &folder)?;
    let copy = |files: &[String]| copy(ledger, &folder, files, &is_program, out);
    let is_packed = files.iter().any(|file| file == "MLmodel");
    match (format, is_packed) {
        (ExportFormat::Files, _) => copy(&files)?,
        (ExportFormat::Mlflow, true) => {
            let package: Vec<_> = files
                .into_iter()
                .filter(|file| !file.starts_with(OWN))
                .collect();
            copy(&package)?;
        }
        (ExportFormat::Mlflow, false) => convert(session, ledger, &found, &folder, out)?,
    }
    if format == ExportFormat::Mlflow {
        add_example(ledger, &found, out)?;
    }
    session.ui.note(&format!(
        "{}/{} is in {}",
        found.name,
        found.version,
        out.display()
    ));
    Ok(())
}

/// The files of a version, by their paths from its folder.
fn listed(ledger: &Ledger, folder: &str) -> Result<Vec<String>, Error> {
    let (mut ahead, mut files) = (vec![String::new()], Vec::new());
    while let Some(within) = ahead.pop() {
        let path = format!("{folder}/{within}");
        let entries = ledger.read(|records| records.list_artifacts(path.trim_end_matches('/')))?;
        for entry in entries {
            let path = format!("{within}{}", entry.name);
            match entry.size {
                Some(_) => files.push(path),
                None => ahead.push(format!("{path}/")),
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Copies files, each verified, into a new folder.
fn copy(
    ledger: &Ledger,
    folder: &str,
    files: &[String],
    is_program: &dyn Fn(&str) -> bool,
    out: &Path,
) -> Result<(), Error> {
    for file in files {
        let mode = if is_program(file) { PROGRAM } else { PLAIN };
        place(ledger, &format!("{folder}/{file}"), &out.join(file), mode)?;
    }
    Ok(())
}

fn place(ledger: &Ledger, artifact: &str, path: &Path, mode: u32) -> Result<(), Error> {
    let (mut bytes, _) = ledger.open_artifact(artifact)?;
    let failed = |source| Error::File {
        attempt: "write",
        path: path.to_owned(),
        source,
    };
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(failed)?;
    }
    let mut options = OpenOptions::new();
    let opened = options.write(true).create_new(true).mode(mode).open(path);
    let mut copy = opened.map_err(failed)?;
    std::io::copy(&mut bytes, &mut copy)
        .map(drop)
        .map_err(failed)
}

/// Adds the input example of the logged model that the version was made as, unless the package has one.
fn add_example(ledger: &Ledger, found: &ModelVersion, out: &Path) -> Result<(), Error> {
    let path = out.join("MLmodel");
    let failed = |attempt| {
        let path = path.clone();
        move |source| Error::File {
            attempt,
            path,
            source,
        }
    };
    let text = std::fs::read_to_string(&path).map_err(failed("read"))?;
    let says = recording::about_example();
    // JSON is YAML, but nothing can be added behind its end.
    let has_one = text.contains("saved_input_example_info") || text.starts_with('{');
    let made_as = match (&found.run_id, has_one) {
        (Some(run), false) => logged_as(ledger, run)?,
        _ => None,
    };
    let Some(folder) = made_as else {
        return Ok(());
    };
    for name in [EXAMPLE, SERVING_EXAMPLE] {
        place(ledger, &format!("{folder}/{name}"), &out.join(name), PLAIN)?;
    }
    let opened = OpenOptions::new().append(true).open(&path);
    opened
        .and_then(|mut file| writeln!(file, "saved_input_example_info: {says}"))
        .map_err(failed("write"))
}

/// The folder among the artifacts of the model that a run logged with an example.
fn logged_as(ledger: &Ledger, run: &str) -> Result<Option<String>, Error> {
    let found = ledger.read(|records| {
        for output in records.run(run)?.inputs.outputs {
            let place = records.logged_model(&output.model_id)?.artifact_location;
            let folder = place.strip_prefix("mlflow-artifacts:/").unwrap_or_default();
            let kept = records.artifact(&format!("{folder}/{EXAMPLE}"));
            if kept.is_ok() {
                return Ok(Some(folder.to_owned()));
            }
        }
        Ok(None)
    });
    match found {
        Err(error) if error.refusal().is_some() => Ok(None), // the run or its model is deleted
        found => Ok(found?),
    }
}

/// Has the built-in stage `export` make what MLflow loads of the model.
fn convert(
    session: &Session,
    ledger: &Ledger,
    found: &ModelVersion,
    folder: &str,
    out: &Path,
) -> Result<(), Error> {
    let refuse = |message: String, help: &str| Error::Usage {
        message,
        help: help.to_owned(),
    };
    let Some(stage) = session.registry().get("export") else {
        let message = "this hpipe was built without the machine-learning stages".to_owned();
        return Err(refuse(
            message,
            "`--format files` writes the model as it is",
        ));
    };
    let known = registration(ledger, found)?;
    let Some(model) = known.record.model() else {
        return Err(refuse(
            format!("{folder} has no model"),
            "`--format files` writes what there is",
        ));
    };
    let (_, store) = session.open_store()?;
    let temporary = store.temporary_folder()?;
    let path = temporary.path().join("model");
    place(
        ledger,
        &format!("{folder}/{}", model.stored_at()),
        &path,
        PLAIN,
    )?;
    let mut with = Mapping::new();
    with.insert("format", Value::Text("mlflow".to_owned()));
    let port = |path: &Path, declared: &str| PortPath {
        role: "model".to_owned(),
        declared: ProjectPath::new(declared),
        path: path.to_owned(),
    };
    let execution = Execution {
        with: &Value::Map(with),
        deps: &[port(&path, &model.path)],
        outs: &[port(out, &out.to_string_lossy())],
        progress: &Quiet,
        memo: &NoMemo,
    };
    stage.execute(&execution).map_err(|error| {
        refuse(
            hpipe_core::with_causes(&error),
            "`--format files` writes the model as it is",
        )
    })
}

/// Listens to a stage that is done before anybody looks.
struct Quiet;

impl Progress for Quiet {
    fn report(&self, _done: u64, _total: Option<u64>, _message: &str) {}

    fn log(&self, _line: &str) {}

    fn warn(&self, _text: &str) {}

    fn is_cancelled(&self) -> bool {
        false
    }
}
