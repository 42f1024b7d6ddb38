//! Answers `repro` from a seal: what was up to date, and of what it depends nothing has changed, is up to date.
//!
//! A decision about a stage is a function of its inputs (table below). [`seal`] writes them down, each as a condition the
//! store can check without reading a file, when a command came to a good end; [`Opening`] has them checked before the
//! pipeline is even read. If all hold there is nothing to do and the stages are reported; else the project is read, and
//! only stages whose conditions do not all hold, or that need a stage which executed or was restored, are decided about.
//!
//! | what the answer depends on | condition |
//! |---|---|
//! | this program, its built-ins and their versions, project and pipeline file | the context of the seal |
//! | pipeline files, and files for `vars` or their absence | premise: digest of the text that was read |
//! | which pipeline files there are | premise: the names in every folder searched, the texts of ignore files |
//! | where paths lead (links) | premise: each folder on the way is none, or leads where it did |
//! | working folders | premise: each is a folder |
//! | lock files | premise: digest, or state if that proves it |
//! | contents of deps and outs | states of files and folders, of ignore files above |
//! | params files | digest of the text that was read |
//! | declared environment | digest of the value |
//! | objects of outs that are cached | each is there and has its size, or its folder in the cache is as it was when it did; of folders' nodes, their states |
//! | what the machine has, the sandbox it can make, settings | the context of the seal |
//! | what the recipient of results has (`handing`) | the context of the seal |
//! | targets, and flags that ask for more or less ([`is_sealable`]) | then no seal is asked, or written |
//! | data under control that is gone and may come back | then no seal is written |
//! | recorded outs of frozen stages, restored when missing | states, as above |
//! | `always_changed` | such a stage is never sealed |
//! | warnings to be told again | then no seal is written |
//!
//! What a condition means, and why a state may stand for a content, is told by `hpipe_store`'s `seal`.

use std::collections::{BTreeSet, HashMap};
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hpipe_core::{Digest, Event, EventSink, Outcome, ProjectPath, StageName, Summary};
use hpipe_spec::StageSpec;
use hpipe_store::{ConditionId, LockFile, Outside, Seal, SealDraft, SealedOutcome, Store};

use crate::Error;
use crate::budget::Budget;
use crate::discover::matters;
use crate::graph::StageIndex;
use crate::inputs::Inputs;
use crate::location::Location;
use crate::path_range::around;
use crate::plan::{Plan, Selection};
use crate::repro::ReproOptions;
use crate::schedule::Schedule;
use crate::setup::Setup;
use crate::workspace::{Texts, Workspace};

/// Separates these digests from every other use of BLAKE3; the number is the version of the list.
const CONTEXT: &str = "hpipe seal context 1";

/// A project about to be opened.
pub struct Opening {
    location: Location,
    store: Store,
    setup: Arc<Setup>,
    /// What came of asking for a seal; none when nobody asked.
    seal: Option<Option<Seal>>,
}

impl Opening {
    /// Looks at nothing yet but where the project lies.
    ///
    /// # Errors
    /// [`Error::Store`] when its root cannot be found.
    pub fn new(location: Location, setup: Arc<Setup>) -> Result<Self, Error> {
        let store = setup.open_store(&location)?;
        Ok(Self {
            location,
            store,
            setup,
            seal: None,
        })
    }

    /// Where the project lies.
    pub const fn location(&self) -> &Location {
        &self.location
    }

    /// If a seal says that nothing is to be done, reports every stage and says how many there are.
    pub fn recall(&mut self, options: &ReproOptions, sink: &dyn EventSink) -> Option<Summary> {
        let began = Instant::now();
        if !is_sealable(options, &self.setup) {
            return None;
        }
        let context = context(&self.location, &self.setup, options);
        let outside = Outside {
            variable: &|name| self.setup.environment.get(name).cloned(),
            matters: &matters,
        };
        let name = name_of(&self.location, &options.selection);
        let checked = self.store.checked_seal(&name, &context, &outside);
        let seal = self.seal.insert(checked).as_ref()?;
        let stages: Option<Vec<_>> = seal
            .stages()
            .map(|stage| Some((StageName::known(stage.name), stage.place, stage.outcome?)))
            .collect();
        Some(report(&stages?, began, sink))
    }

    /// Reads and checks the pipeline.
    ///
    /// # Errors
    /// As [`Workspace::open`].
    pub fn open(self) -> Result<Workspace, Error> {
        let workspace =
            Workspace::open_on(self.location, self.store.into(), self.setup, Texts::new())?;
        Ok(workspace.with_seal(self.seal))
    }
}

fn report(
    stages: &[(StageName, usize, SealedOutcome)],
    began: Instant,
    sink: &dyn EventSink,
) -> Summary {
    let mut planned: Vec<_> = stages
        .iter()
        .map(|(name, place, _)| (place, name))
        .collect();
    planned.sort_unstable();
    sink.emit(&Event::Plan {
        stages: planned.into_iter().map(|(_, name)| name.clone()).collect(),
    });
    let mut summary = Summary::default();
    for (stage, _, outcome) in stages {
        let outcome = match outcome {
            SealedOutcome::UpToDate => Outcome::UpToDate,
            SealedOutcome::Frozen => Outcome::Frozen,
        };
        summary.count(outcome);
        sink.emit(&Event::StageFinished {
            stage: stage.clone(),
            outcome,
            duration: Duration::ZERO,
            reasons: Vec::new(),
            failure: None,
        });
    }
    summary.duration = began.elapsed();
    sink.emit(&Event::Finished(summary));
    summary
}

/// Whether a command is one of those that are answered from a seal.
///
/// Targets would make a seal each; without them, the flags that say what is taken beside a target mean nothing.
///
/// Not among them: what asks for more than the stages that are stale (`--force`, `--force-downstream`), for less
/// (`--stop-after`), to be asked (`-i`), to read all (`--verify`), to suppose something (`--dry`, `--allow-missing`), or to
/// keep nothing (`--no-commit`). The rest (`-j`, `-k`, `--ignore-errors`, `--no-run-cache`, `--no-wait`) speaks of stages
/// that must work, and here none must.
pub(crate) fn is_sealable(options: &ReproOptions, setup: &Setup) -> bool {
    let ReproOptions {
        selection,
        force,
        keep_going: _,
        dry,
        jobs: _,
        run_cache: _,
        wait: _,
        commit,
        allow_missing,
        stop_after,
        ignore_errors: _,
        force_downstream,
        confirm,
        handing: _,
        observing: _, // an observer that has not written down all keeps the seal from being made
    } = options;
    let does_more = *force || *force_downstream || setup.rereads;
    let does_less = *dry || *allow_missing || !commit || stop_after.is_some() || confirm.is_some();
    selection.targets.is_empty() && !does_more && !does_less
}

/// What is known of the stages of a workspace from its seal: for each, its place in the seal if all its conditions hold.
pub(crate) struct Sealed<'a> {
    seal: &'a Seal,
    places: Vec<Option<usize>>,
}

impl<'a> Sealed<'a> {
    /// The stages that `seal` and `workspace` have in common; none for a seal of other stages.
    pub(crate) fn of(workspace: &Workspace, seal: &'a Seal) -> Self {
        let stages = &workspace.pipeline().stages;
        let mut places = vec![None; stages.len()];
        for (place, known) in seal.stages().enumerate() {
            let stage = stages.get(known.index);
            let same =
                stage.is_some_and(|stage| stage.name.as_str() == known.name && !stage.frozen);
            if same && known.outcome == Some(SealedOutcome::UpToDate) {
                places[known.index] = Some(place);
            }
        }
        Self { seal, places }
    }

    /// Whether what all stages rest on is still what it was when the seal was checked.
    pub(crate) fn still_holds(&self, workspace: &Workspace) -> bool {
        let outside = Outside {
            variable: &|name| workspace.environment().get(name).cloned(),
            matters: &matters,
        };
        workspace.store().still_holds(self.seal, &outside)
    }

    /// Whether `stage` is up to date, provided that none of those it needs did any work since.
    pub(crate) fn has(&self, stage: StageIndex) -> bool {
        self.places[stage.index()].is_some()
    }

    /// The seal, and the place of `stage` in it if it is up to date.
    pub(crate) fn kept(&self, stage: StageIndex) -> Option<(&'a Seal, usize)> {
        Some((self.seal, self.places[stage.index()]?))
    }

    /// `stage` is to be decided about after all, and so is what needs it.
    pub(crate) fn forget(&mut self, workspace: &Workspace, stage: StageIndex) {
        let mut ahead = vec![stage];
        while let Some(stage) = ahead.pop() {
            for after in workspace.graph().needed_by(stage) {
                if self.places[after.index()].take().is_some() {
                    ahead.push(after);
                }
            }
            self.places[stage.index()] = None;
        }
    }
}

/// The stages and their places in the plan, in the order in which they are reported when all are up to date.
fn reported(workspace: &Workspace, plan: &Plan) -> Vec<(StageIndex, usize)> {
    let stages = workspace.pipeline().stages.len();
    let mut places = vec![0; stages];
    for (place, stage) in plan.order.iter().enumerate() {
        places[stage.index()] = place;
    }
    let name = |stage: StageIndex| &workspace.stage(stage).name;
    let (budget, demands) = (Budget::default(), HashMap::new());
    let mut schedule = Schedule::new(
        workspace.graph(),
        plan,
        name,
        |_| None,
        stages,
        budget,
        demands,
    );
    let mut order = Vec::with_capacity(plan.order.len());
    while let Some(stage) = schedule.next_ready() {
        order.push((stage, places[stage.index()]));
        schedule.done(stage);
    }
    order
}

/// The seal of a command that came to a good end, in the making.
pub(crate) struct Sealing<'a> {
    workspace: &'a Workspace,
    inputs: &'a Inputs<'a>,
    lock: &'a LockFile,
    draft: SealDraft<'a>,
}

impl<'a> Sealing<'a> {
    /// Begins; `lock` is what the lock files say now.
    pub(crate) fn new(
        workspace: &'a Workspace,
        inputs: &'a Inputs<'a>,
        lock: &'a LockFile,
    ) -> Self {
        Self {
            workspace,
            inputs,
            lock,
            draft: workspace.store().draft_seal(),
        }
    }

    /// Writes the seal, with what every stage of `plan` came to; `kept` says where a former seal has a stage whose
    /// conditions still hold.
    pub(crate) fn seal<'s>(
        mut self,
        plan: &Plan,
        options: &ReproOptions,
        kept: impl Fn(StageIndex) -> Option<(&'s Seal, usize)>,
    ) {
        if self.premises().is_none() {
            return;
        }
        let lock_files: Vec<_> = self.workspace.lock_files().collect();
        let mut is_kept = None;
        for (index, place) in reported(self.workspace, plan) {
            let stage = self.workspace.stage(index);
            let kept = kept(index).filter(|(seal, _)| {
                *is_kept.get_or_insert_with(|| self.draft.rests_on_texts_of(seal, &lock_files))
            });
            let (outcome, conditions) = match (stage.frozen, kept) {
                (true, _) => (SealedOutcome::Frozen, self.frozen(stage)),
                (false, Some((seal, place))) => {
                    (SealedOutcome::UpToDate, self.draft.carry(seal, place))
                }
                (false, None) => (SealedOutcome::UpToDate, self.conditions(stage)),
            };
            let at = (index.index(), place);
            self.draft.stage(&stage.name, at, outcome, conditions);
        }
        let location = self.workspace.location();
        let context = context(location, self.workspace.setup(), options);
        let name = name_of(location, &options.selection);
        self.draft.write(&name, &context);
    }

    /// What all stages rest on; none when something of it cannot be proved.
    fn premises(&mut self) -> Option<()> {
        let grounds = self.workspace.grounds();
        for path in self.workspace.pipeline().read.iter().chain(&grounds.made) {
            let digest = self.text_read(path)?;
            self.premise(|draft| draft.text(path, digest))?;
        }
        let outside = Outside {
            variable: &|_| None,
            matters: &matters,
        };
        for searched in &grounds.searched {
            let names = searched.names?;
            self.premise(|draft| draft.names(&searched.folder, &names, &outside))?;
            for (path, digest) in searched.rules.as_ref()? {
                self.premise(|draft| draft.text(path, *digest))?;
            }
        }
        for folder in on_the_way(&grounds.folders) {
            self.premise(|draft| draft.leads(&folder))?;
        }
        let stages = &self.workspace.pipeline().stages;
        let working: BTreeSet<_> = stages.iter().map(|stage| &stage.wdir).collect();
        for folder in working {
            self.premise(|draft| draft.is_folder(folder))?;
        }
        for path in self.workspace.lock_files() {
            self.premise(|draft| draft.lock_file(&path))?;
        }
        Some(())
    }

    fn premise(
        &mut self,
        condition: impl FnOnce(&mut SealDraft<'_>) -> Option<ConditionId>,
    ) -> Option<()> {
        let condition = condition(&mut self.draft)?;
        self.draft.premise(condition);
        Some(())
    }

    /// The digest of a text as it was read for the pipeline, none if it did not exist; none at all if nobody knows.
    fn text_read(&self, path: &ProjectPath) -> Option<Option<Digest>> {
        let texts = self.workspace.sources().texts();
        let mut found = texts.filter(|(name, _)| *name == path.as_str());
        match (found.next(), found.next()) {
            (Some((_, text)), None) => Some(Some(digest_of(text.as_bytes()))),
            (None, _) if !path.on_disk(self.workspace.store().root()).exists() => Some(None),
            (Some((_, one)), Some((_, other))) if one == other && found.next().is_none() => {
                Some(Some(digest_of(one.as_bytes())))
            }
            _ => None,
        }
    }

    /// What rests on a frozen stage: its outs, which are restored when they are missing.
    fn frozen(&mut self, stage: &StageSpec) -> Option<Vec<ConditionId>> {
        let Some(entry) = self.lock.stages.get(&stage.name) else {
            return Some(Vec::new());
        };
        let mut conditions = Vec::new();
        for out in &entry.outs {
            conditions.extend(self.draft.content(&out.path, &out.content)?);
        }
        Some(conditions)
    }

    /// What a stage rests on that is up to date, as the lock file says; none when that cannot be proved.
    fn conditions(&mut self, stage: &StageSpec) -> Option<Vec<ConditionId>> {
        if stage.always_changed {
            return None;
        }
        let entry = self.lock.stages.get(&stage.name)?;
        let mut conditions = Vec::new();
        for dep in &entry.deps {
            conditions.extend(self.draft.content(&dep.path, &dep.content)?);
        }
        for out in &entry.outs {
            conditions.extend(self.draft.content(&out.path, &out.content)?);
            if out.cached {
                conditions.extend(self.draft.objects(&out.content)?);
            }
        }
        for param in &stage.params {
            let digest = self.inputs.text_digest(&param.file)?;
            conditions.push(self.draft.text(&param.file, Some(digest))?);
        }
        for variable in stage.env.iter().filter(|variable| variable.value.is_none()) {
            let value = self.workspace.environment().get(&variable.name);
            conditions.push(
                self.draft
                    .variable(&variable.name, value.map(String::as_str))?,
            );
        }
        Some(conditions)
    }
}

/// Folders and those around them, as far as a link among them would matter.
fn on_the_way(folders: &[ProjectPath]) -> BTreeSet<ProjectPath> {
    let all = folders.iter().flat_map(around);
    all.filter(|folder| {
        folder.as_str() != "." && folder.as_str() != "/" && folder.file_name() != ".."
    })
    .collect()
}

/// The name of a seal: each way to select stages without naming targets has its own.
fn name_of(location: &Location, selection: &Selection) -> String {
    let digest = digest_of(format!("{}\0{selection:?}", location.file).as_bytes());
    digest.hex()[..32].to_owned()
}

/// What no condition speaks of: this program and the project it is about.
fn context(location: &Location, setup: &Setup, options: &ReproOptions) -> Digest {
    let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
    let mut add = |bytes: &[u8]| {
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    add(env!("CARGO_PKG_VERSION").as_bytes());
    // A program built anew may decide otherwise though its version is the same.
    let program = std::env::current_exe().and_then(|path| path.metadata());
    if let Ok(program) = program {
        for field in [
            program.ino(),
            program.size(),
            program.mtime().cast_unsigned(),
            program.mtime_nsec().cast_unsigned(),
        ] {
            add(&field.to_le_bytes());
        }
    }
    add(location.root.as_os_str().as_encoded_bytes());
    add(location.file.as_str().as_bytes());
    add(&[u8::from(location.is_named)]);
    add(setup.cache.as_os_str().as_encoded_bytes());
    add(format!("{:?}", setup.sandbox).as_bytes());
    // What asks for more than the machine has is an error, pools of the pipeline aside: they are in its text.
    let budget = Budget::of_machine(options.jobs.max(1), &[], &setup.environment);
    add(format!("{:?}", budget.sharing(&setup.share)).as_bytes());
    // Asked before the pipeline is read: what was handed on may have been lost since.
    if let Some(handing) = &options.handing {
        add(&handing.recipient().standing());
    }
    for builtin in setup.registry.iter() {
        add(builtin.name().as_bytes());
        add(&builtin.version().to_le_bytes());
    }
    Digest::blake3(*hasher.finalize().as_bytes())
}

fn digest_of(bytes: &[u8]) -> Digest {
    Digest::blake3(*blake3::hash(bytes).as_bytes())
}
