//! `hpipe models reproduce`: a version made anew from its commit, data and params, in a folder of its own.
//!
//! The folder has a cache of its own and nothing in it, so every stage executes. What is compared is the model's bytes, then
//! its metrics; what differs is explained by what was different to begin with, or by a stage that made something else of the
//! same inputs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use hpipe_core::{Content, Digest, ProjectPath};
use hpipe_engine::{Cancellation, CommittedFiles, ReproOptions, Selection, Workspace, clone_at};
use hpipe_store::Store;
use hpipe_track::Ledger;
use hpipe_track::ledger::Registration;
use hpipe_track::registry::{Action, Lineage, REGISTER, Record, Source, differences};

use super::verify::registration;
use super::{existing_ledger, find};
use crate::args::ModelsReproduce;
use crate::error::{Error, Exit};
use crate::json;
use crate::registering::lineage_of;
use crate::session::Session;
use crate::ui::{self, Mode, Reproduced, Silence, Verdict};

/// Makes a version anew and says whether it is the same; one that is not ends with exit code 1.
pub(super) fn reproduce(session: &Session, arguments: &ModelsReproduce) -> Result<Exit, Error> {
    let ledger = existing_ledger(session)?;
    let found = find(&ledger, &arguments.model)?;
    let version = format!("{}/{}", found.name, found.version);
    let known = registration(&ledger, &found)?;
    let Some(lineage) = known.lineage.clone() else {
        return Err(Error::Usage {
            message: format!("where {version} comes from is not recorded"),
            help: "a model that a stage made can be reproduced".to_owned(),
        });
    };
    let folder = ledger.read(|records| records.version_folder(&found.name, found.version))?;
    let (location, store) = session.open_store()?;
    let temporary = store.temporary_folder()?;
    let into = match &arguments.out {
        Some(folder) if folder.exists() => {
            return Err(Error::AlreadyThere {
                path: folder.clone(),
            });
        }
        Some(folder) => folder.clone(),
        None => temporary.path().join("project"),
    };
    let root = begin(&location.root, &lineage, &into)?;
    let again = Again {
        session,
        ledger: &ledger,
        store: &store,
        folder: &folder,
        lineage: &lineage,
        root: &root,
    };
    let mut done = Reproduced {
        version,
        ..again.perform(&location.file, &known, arguments.json)?
    };
    if root == into
        && lineage.code.as_ref().is_some_and(|code| code.dirty)
        && done.verdict != Verdict::BitEqual
    {
        done.lacks
            .push("files differed from the commit when it was registered".to_owned());
    }
    match arguments.json {
        true => session.ui.data(&json::reproduced(&done)),
        false => session.ui.data(&ui::reproduced_text(&done)),
    }
    Ok(match done.verdict {
        Verdict::BitEqual | Verdict::MetricEqual => Exit::Done,
        Verdict::Differs | Verdict::Failed => Exit::CHANGED,
    })
}

/// Makes the folder: a clone at the commit, or, where there is none, an empty folder: what the lineage names is all it takes. Says where the project is in it.
fn begin(root: &Path, lineage: &Lineage, into: &Path) -> Result<PathBuf, Error> {
    if let Some(code) = &lineage.code
        && CommittedFiles::at(root, &code.commit)?.is_some()
    {
        return Ok(clone_at(root, &code.commit, into)?);
    }
    std::fs::create_dir_all(into).map_err(|source| Error::File {
        attempt: "make",
        path: into.to_owned(),
        source,
    })?;
    Ok(into.to_owned())
}

/// A version about to be made anew.
struct Again<'a> {
    session: &'a Session,
    ledger: &'a Ledger,
    /// The project's.
    store: &'a Store,
    /// Where the version's artifacts lie.
    folder: &'a str,
    lineage: &'a Lineage,
    /// Where it is made.
    root: &'a Path,
}

impl Again<'_> {
    fn perform(
        &self,
        file: &ProjectPath,
        known: &Registration,
        as_json: bool,
    ) -> Result<Reproduced, Error> {
        let own = Store::open(self.root, Path::new(".cache"))?;
        let mut done = unmade(known);
        for text in &self.lineage.texts {
            self.put_text(&own, text)?;
        }
        for source in &self.lineage.sources {
            if let Some(lack) = self.put_source(&own, source)? {
                done.lacks.push(lack);
            }
        }
        if !done.lacks.is_empty() {
            return Ok(done);
        }
        drop(own);
        let workspace = self.session.open_copy(self.root, file)?;
        if !self.execute(&workspace, as_json)? {
            done.lacks
                .push(format!("a stage failed in {}", self.root.display()));
            return Ok(done);
        }
        self.compare(&workspace, known, done)
    }

    /// Makes every stage the version needs; false when one failed.
    fn execute(&self, workspace: &Workspace, as_json: bool) -> Result<bool, Error> {
        let options = ReproOptions {
            selection: Selection {
                ..workspace.chosen(std::slice::from_ref(&self.lineage.stage))
            },
            force: true,
            run_cache: false,
            jobs: self.session.jobs(),
            ..ReproOptions::default()
        };
        let sink = match as_json {
            true => Box::new(Silence),
            false => self.session.sink(false, Mode::Repro),
        };
        let cancellation: std::sync::Arc<Cancellation> = self.session.cancellation()?;
        let summary = hpipe_engine::repro(workspace, &options, &*sink, &cancellation)?;
        Ok(summary.failed + summary.blocked + summary.not_started == 0)
    }

    /// A pipeline or params file as it was; the commit has it, unless it was changed then.
    fn put_text(&self, own: &Store, text: &Source) -> Result<(), Error> {
        let path = ProjectPath::new(&text.path);
        if lies_there(own, &path, &text.digest) {
            return Ok(());
        }
        let artifact = format!("{}/hpipe/project/{}", self.folder, text.path);
        let (mut bytes, mut file) = (Vec::new(), self.ledger.open_artifact(&artifact)?.0);
        std::io::Read::read_to_end(&mut file, &mut bytes).map_err(|source| Error::File {
            attempt: "read",
            path: artifact.into(),
            source,
        })?;
        own.create_parent(&path)?;
        Ok(own.write_file(&path, &bytes)?)
    }

    /// Brings what no stage makes; says what is lacking if it is nowhere as it was.
    fn put_source(&self, own: &Store, source: &Source) -> Result<Option<String>, Error> {
        let path = ProjectPath::new(&source.path);
        if path.is_outside() || lies_there(own, &path, &source.digest) {
            return Ok(None);
        }
        own.remove(&path)?;
        if lies_there(self.store, &path, &source.digest) {
            copy(own, self.store, &path)?;
            return Ok(None);
        }
        if let Some(content) = self.store.stored(&source.digest)? {
            for (within, content) in self.store.stored_files(&content)?.unwrap_or_default() {
                own.copy_stored(self.store, &content, &path.join(&format!("./{within}")))?;
            }
            let file = Content {
                executable: source.executable,
                ..content
            };
            own.copy_stored(self.store, &file, &path)?;
            return Ok(None);
        }
        Ok(Some(format!(
            "lacks {}, {}: it is neither in the commit nor in the workspace nor in the cache",
            source.path, source.digest
        )))
    }

    /// Says how what was made compares with what was registered.
    fn compare(
        &self,
        workspace: &Workspace,
        known: &Registration,
        mut done: Reproduced,
    ) -> Result<Reproduced, Error> {
        let stage = match workspace.graph().find(&self.lineage.stage) {
            Some(stage) => workspace.stage(stage).name.clone(),
            None => return Ok(done),
        };
        let lineage = lineage_of(workspace, &stage)?;
        let now = made(workspace, self.lineage, known);
        let metrics_now = record(workspace, &lineage).map(|record| record.metrics);
        done.now = now.map(|digest| digest.to_string());
        let then = &known.record.metrics;
        if let Some(now) = metrics_now.as_ref().filter(|now| *now != then) {
            let names: BTreeSet<_> = then.keys().chain(now.keys()).collect();
            let pair = |name: &String| {
                (
                    name.clone(),
                    then.get(name).copied(),
                    now.get(name).copied(),
                )
            };
            done.metrics = names
                .into_iter()
                .map(pair)
                .filter(|(_, then, now)| then != now)
                .collect();
        }
        done.verdict = match (done.now.as_deref() == Some(&*done.then), &metrics_now) {
            (true, _) => Verdict::BitEqual,
            (false, Some(now)) if now == then && !then.is_empty() => Verdict::MetricEqual,
            (false, _) => Verdict::Differs,
        };
        if done.verdict != Verdict::BitEqual {
            done.causes = differences(self.lineage, &lineage);
            done.causes.retain(|cause| cause.kind != "commit");
            done.unsteady = unsteady(self.lineage, &lineage);
        }
        Ok(done)
    }
}

fn unmade(known: &Registration) -> Reproduced {
    let then = known.record.model().map(|model| model.digest.to_string());
    Reproduced {
        version: String::new(),
        verdict: Verdict::Failed,
        then: then.unwrap_or_default(),
        now: None,
        metrics: Vec::new(),
        causes: Vec::new(),
        unsteady: Vec::new(),
        lacks: Vec::new(),
    }
}

/// Whether the project of `store` has these bytes at a path.
fn lies_there(store: &Store, path: &ProjectPath, digest: &Digest) -> bool {
    let there = store.content_reread(path).ok().flatten();
    there.is_some_and(|content| content.digest == *digest)
}

/// Copies a file, or a folder with all it holds.
fn copy(to: &Store, from: &Store, path: &ProjectPath) -> Result<(), Error> {
    to.copy_from(from, path)?;
    let on_disk = path.on_disk(from.root());
    for entry in std::fs::read_dir(on_disk).into_iter().flatten().flatten() {
        copy(to, from, &path.join(&entry.file_name().to_string_lossy()))?;
    }
    Ok(())
}

/// The digest of the model as it was made now.
fn made(workspace: &Workspace, lineage: &Lineage, known: &Registration) -> Option<Digest> {
    let path = ProjectPath::new(&known.record.model()?.path);
    // Registered by hand from another place, it is still the out of a stage.
    let outs = || lineage.stages.values().flat_map(|stage| &stage.outs);
    let digest = known.record.model()?.digest;
    let out = outs()
        .find(|out| out.digest == digest)
        .map(|out| ProjectPath::new(&out.path));
    let content = workspace.store().content_reread(&out.unwrap_or(path));
    content.ok().flatten().map(|content| content.digest)
}

/// The record that was made now; none where the version was registered by hand.
fn record(workspace: &Workspace, lineage: &Lineage) -> Option<Record> {
    let stage = lineage.stages.get(&lineage.stage)?;
    let registers = matches!(&stage.action, Action::Builtin { uses, .. } if uses == REGISTER);
    let out = stage.outs.first().filter(|_| registers)?;
    let path = ProjectPath::new(&out.path).on_disk(workspace.store().root());
    Record::parse(&std::fs::read(path).ok()?, &out.path).ok()
}

/// Stages that made something else though their keys are the same.
fn unsteady(then: &Lineage, now: &Lineage) -> Vec<String> {
    let stages = then.stages.iter().filter(|(name, before)| {
        let after = now.stages.get(*name);
        after.is_some_and(|after| after.key == before.key && after.outs != before.outs)
    });
    stages.map(|(name, _)| name.clone()).collect()
}
