//! Executes stages as the engine does: through their port, in a fresh folder.

#![allow(dead_code, reason = "each test binary uses its part of the harness")]

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use hpipe_core::{
    Digest, Execution, Memo, PortPath, Progress, ProjectPath, Registry, StageError, Value,
};
use hpipe_learn::learned::Learned;
use hpipe_learn::model_file;

/// A project folder in which stages are executed.
pub(crate) struct Project {
    folder: tempfile::TempDir,
    registry: Registry,
    log: Mutex<Vec<String>>,
    remembered: Mutex<HashMap<Digest, Vec<u8>>>,
}

impl Default for Project {
    fn default() -> Self {
        let mut registry = Registry::default();
        hpipe_stages::register(&mut registry);
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            registry,
            log: Mutex::default(),
            remembered: Mutex::default(),
        }
    }
}

impl Progress for Project {
    fn report(&self, _done: u64, _total: Option<u64>, _message: &str) {}

    fn log(&self, line: &str) {
        self.log.lock().expect("a log").push(line.to_owned());
    }

    fn warn(&self, text: &str) {
        self.log(text);
    }

    fn is_cancelled(&self) -> bool {
        false
    }
}

impl Memo for Project {
    fn recall(&self, key: &Digest) -> Option<Vec<u8>> {
        self.remembered.lock().expect("a memo").get(key).cloned()
    }

    fn remember(&self, key: &Digest, value: &[u8]) {
        let mut remembered = self.remembered.lock().expect("a memo");
        remembered.entry(*key).or_insert_with(|| value.to_vec());
    }
}

impl Project {
    /// Where a path of the project lies.
    pub(crate) fn path(&self, declared: &str) -> PathBuf {
        self.folder.path().join(declared)
    }

    /// Puts a file into the project.
    pub(crate) fn write(&self, declared: &str, content: impl AsRef<[u8]>) {
        let path = self.path(declared);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, content).expect("written");
    }

    /// The bytes of a file of the project.
    pub(crate) fn read(&self, declared: &str) -> Vec<u8> {
        std::fs::read(self.path(declared)).unwrap_or_else(|error| panic!("{declared}: {error}"))
    }

    /// A JSON file of the project.
    pub(crate) fn json(&self, declared: &str) -> serde_json::Value {
        serde_json::from_slice(&self.read(declared)).expect("JSON")
    }

    /// A model of the project: its card, and under `learned` the numbers of a linear one.
    pub(crate) fn model(&self, declared: &str) -> serde_json::Value {
        let bytes = self.read(declared);
        let (mut card, learned): (serde_json::Value, Learned) =
            model_file::read(&bytes).expect("a model");
        if let Learned::Linear {
            intercept,
            coefficients,
        } = learned
        {
            card["learned"] =
                serde_json::json!({"intercept": intercept, "coefficients": coefficients});
        }
        card
    }

    /// What the stages logged so far.
    pub(crate) fn logged(&self) -> Vec<String> {
        self.log.lock().expect("a log").clone()
    }

    /// What a stage says to options with deps of these roles, before anything executes; nothing if they go together.
    pub(crate) fn told_before(&self, stage: &str, with: &str, roles: &[&str]) -> String {
        let stage = self.registry.get(stage).expect("a stage");
        let with: Value = serde_json::from_str(with).expect("options in JSON");
        stage.check(&with).expect("sound options");
        let faults = stage.check_deps(&with, roles).err().unwrap_or_default();
        let lines = faults.iter().map(|fault| {
            let help = fault.help.as_deref().unwrap_or_default();
            format!("{}: {} ({help})", fault.path, fault.message)
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Checks the options of a stage and executes it; ports are `role path` pairs.
    pub(crate) fn try_execute(
        &self,
        stage: &str,
        with: &str,
        deps: &[(&str, &str)],
        outs: &[(&str, &str)],
    ) -> Result<(), StageError> {
        let stage = self.registry.get(stage).expect("a stage");
        let with: Value = serde_json::from_str(with).expect("options in JSON");
        if let Err(faults) = stage.check(&with) {
            panic!("the options of {} are at fault: {faults:?}", stage.name());
        }
        let port = |(role, declared): &(&str, &str)| PortPath {
            role: (*role).to_owned(),
            declared: ProjectPath::new(declared),
            path: self.path(declared),
        };
        let deps: Vec<_> = deps.iter().map(port).collect();
        let outs: Vec<_> = outs.iter().map(port).collect();
        for out in &outs {
            let folder = out.path.parent().expect("a folder");
            std::fs::create_dir_all(folder).expect("a folder");
            if out.path.is_dir() {
                std::fs::remove_dir_all(&out.path).expect("removed");
            } else if out.path.exists() {
                std::fs::remove_file(&out.path).expect("removed");
            }
        }
        stage.execute(&Execution {
            with: &with,
            deps: &deps,
            outs: &outs,
            progress: self,
            memo: self,
        })
    }

    /// As [`try_execute`](Self::try_execute), of a stage that must succeed.
    pub(crate) fn execute(
        &self,
        stage: &str,
        with: &str,
        deps: &[(&str, &str)],
        outs: &[(&str, &str)],
    ) {
        let result = self.try_execute(stage, with, deps, outs);
        result.unwrap_or_else(|error| panic!("{stage}: {}", describe(&error)));
    }

    /// The message of a stage that must fail.
    pub(crate) fn fail(
        &self,
        stage: &str,
        with: &str,
        deps: &[(&str, &str)],
        outs: &[(&str, &str)],
    ) -> String {
        let result = self.try_execute(stage, with, deps, outs);
        describe(&result.expect_err("the stage should fail"))
    }
}

/// Message, cause and help of a failure, as a person would read them.
pub(crate) fn describe(error: &StageError) -> String {
    let cause = error.source.as_ref().map(|cause| format!(": {cause}"));
    let help = error.help.as_ref().map(|help| format!(" ({help})"));
    [Some(error.message.clone()), cause, help]
        .into_iter()
        .flatten()
        .collect()
}

/// A column of a parquet table as numbers.
pub(crate) fn numbers(path: &Path, column: &str) -> Vec<f64> {
    use polars::prelude::{ParquetReader, SerReader};
    let file = std::fs::File::open(path).expect("a file");
    let frame = ParquetReader::new(file).finish().expect("a table");
    let column = frame.column(column).expect("a column");
    let column = column.f64().expect("numbers");
    column.iter().map(|x| x.expect("a value")).collect()
}

/// The names of the columns of a parquet table.
pub(crate) fn columns(path: &Path) -> Vec<String> {
    use polars::prelude::{ParquetReader, SerReader};
    let file = std::fs::File::open(path).expect("a file");
    let frame = ParquetReader::new(file).finish().expect("a table");
    frame
        .get_column_names()
        .iter()
        .map(|name| name.to_string())
        .collect()
}

/// Writes a changed copy of a parquet table.
pub(crate) fn rewrite(
    from: &Path,
    to: &Path,
    change: impl FnOnce(polars::prelude::DataFrame) -> polars::prelude::DataFrame,
) {
    use polars::prelude::{ParquetReader, ParquetWriter, SerReader};
    let file = std::fs::File::open(from).expect("a file");
    let frame = ParquetReader::new(file).finish().expect("a table");
    let file = std::fs::File::create(to).expect("a file");
    let written = ParquetWriter::new(file).finish(&mut change(frame));
    written.expect("written");
}
