//! One pipeline and what happens to it, step by step.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Command, Stdio};

use fastrand::Rng;
use hpipe_engine::{GcScope, gc, verify};
use hpipe_store::GarbageRules;

use crate::edit::{Edited, Harm, edit};
use crate::mix::FAIL;
use crate::model::{Form, Model};
use crate::repro::{Trace, location, run, store};
use crate::support::Project;

/// How many steps a sequence has.
const STEPS: usize = 6;

/// The variable that tells a child which project to repro.
pub(crate) const KILLED: &str = "HPIPE_TEST_KILLED";

/// The seeds of a sequence: of its first pipeline, and of each step, so that steps can be left out.
#[derive(Clone)]
pub(crate) struct Script {
    seed: u64,
    form: Form,
    steps: Vec<u64>,
}

impl Script {
    pub(crate) fn of(seed: u64, form: Form) -> Self {
        let mut rng = Rng::with_seed(seed);
        let steps = (0..STEPS).map(|_| rng.u64(..)).collect();
        Self { seed, form, steps }
    }

    pub(crate) const fn len(&self) -> usize {
        self.steps.len()
    }

    /// The same with one step less.
    pub(crate) fn without(&self, step: usize) -> Self {
        let mut shorter = self.clone();
        shorter.steps.remove(step);
        shorter
    }

    /// Plays it; what went wrong, with the story until then.
    pub(crate) fn play(&self) -> Result<(), String> {
        let mut sequence = Sequence::new(self.seed, self.form);
        let played = catch_unwind(AssertUnwindSafe(|| sequence.play(&self.steps)));
        played.map_err(|panic| format!("{}\n{}", said(&*panic), sequence.story))
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, form, steps } = self;
        write!(f, "HPIPE_SEED={seed} ({form:?}), steps {steps:x?}")
    }
}

fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("it panicked")
}

/// A sequence at play.
struct Sequence {
    model: Model,
    /// The models that were brought up to date, and what the cache suffered since.
    past: Vec<(Model, Harm)>,
    /// The texts the lock file had.
    locks: Vec<String>,
    /// The worst the cache suffered since the beginning.
    harm: Harm,
    /// Of each stage that executed, the worst the cache suffered since it did so last: its record may be gone, and a result that
    /// the lock file alone knows is lost with the next change.
    records: BTreeMap<String, Harm>,
    /// Whether the cache may still hold something wrong: what lies in place is up to date without being read there.
    lies: bool,
    project: Project,
    /// What was done, for whoever must understand a failure.
    story: String,
}

impl Sequence {
    fn new(seed: u64, form: Form) -> Self {
        Self {
            model: Model::random(&mut Rng::with_seed(seed), form),
            past: Vec::new(),
            locks: Vec::new(),
            harm: Harm::Nothing,
            records: BTreeMap::new(),
            lies: false,
            project: Project::in_memory(),
            story: String::new(),
        }
    }

    fn play(&mut self, steps: &[u64]) {
        let mut rng = Rng::with_seed(1);
        self.model.write(&self.project);
        self.bring_up_to_date(&mut rng);
        for seed in steps {
            let _ = writeln!(self.story, "step {seed:x}");
            let mut rng = Rng::with_seed(*seed);
            self.step(&mut rng);
        }
    }

    fn step(&mut self, rng: &mut Rng) {
        match rng.u8(..16) {
            0..3 => return self.go_back(rng),
            3 => self.freeze(rng),
            4 | 5 => {
                self.edit(rng);
                self.fail(rng);
            }
            6 | 7 => {
                self.edit(rng);
                self.kill(rng);
            }
            8 => self.collect_garbage(rng),
            9 => self.mend_cache(),
            _ => {}
        }
        self.edit(rng);
        self.bring_up_to_date(rng);
    }

    fn tell(&mut self, what: impl fmt::Display) {
        let _ = writeln!(self.story, "  {what}");
    }

    fn suffer(&mut self, harm: Harm) {
        self.harm = self.harm.max(harm);
        self.lies |= harm == Harm::Lies;
        let past = self.past.iter_mut().map(|(_, suffered)| suffered);
        for suffered in past.chain(self.records.values_mut()) {
            *suffered = harm.max(*suffered);
        }
    }

    fn edit(&mut self, rng: &mut Rng) {
        for _ in 0..rng.usize(1..=3) {
            let Edited { what, harm } = edit(rng, &mut self.model, &self.project, &self.locks);
            self.tell(what);
            self.suffer(harm);
        }
        self.model.write(&self.project);
    }

    /// A state that was there before is answered from the cache, unless that was damaged or told not to keep an out.
    fn go_back(&mut self, rng: &mut Rng) {
        let (model, harm) = rng.choice(&self.past).expect("a past").clone();
        self.tell("back to a former state");
        self.model = model;
        for out in self.model.outs().filter(|out| out.persist) {
            self.project.remove(&out.path); // of another state
        }
        self.model.write(&self.project);
        let trace = self.bring_up_to_date(rng);
        if harm == Harm::Nothing && self.model.keeps_everything() {
            let always = self.model.always();
            let executed: Vec<_> = trace.executed.difference(&always).collect();
            assert!(
                executed.is_empty(),
                "executed what the run cache knows: {executed:?}"
            );
        }
    }

    /// A frozen stage never executes, whatever becomes of the others.
    fn freeze(&mut self, rng: &mut Rng) {
        self.edit(rng);
        let place = rng.usize(..self.model.stages.len());
        self.model.stages[place].frozen = true;
        self.model.write(&self.project);
        let name = self.model.stages[place].name.clone();
        self.tell(format_args!("{name} is frozen for a while"));
        if let Ok(trace) = run(self.project.root(), 2, false) {
            assert!(!trace.executed.contains(&name), "{name} is frozen");
        }
        self.model.stages[place].frozen = false;
        self.model.write(&self.project);
    }

    /// A stage fails with half an out; nobody takes that for a whole one.
    fn fail(&mut self, rng: &mut Rng) {
        let stage = rng.choice(&self.model.stages).expect("a stage");
        let (name, out) = (stage.name.clone(), stage.outs[0].path.clone());
        self.project.write(FAIL, &out);
        let trace = run(self.project.root(), 2, false);
        self.tell(format_args!(
            "{name} fails, if it executes: {}",
            trace.is_err()
        ));
        self.project.remove(FAIL);
    }

    /// A repro is ended at a random step that changes the disk.
    fn kill(&mut self, rng: &mut Rng) {
        let at = 1 + (2.0_f64.powf(rng.f64() * 7.5) as u64);
        let this = std::env::current_exe().expect("this program");
        let mut child = Command::new(this);
        child
            .args(["--exact", "repro_that_is_killed"])
            .env(KILLED, self.project.root())
            .env("HPIPE_FAIL_AT", at.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let ended = child.status().expect("this program starts");
        self.tell(format_args!("killed at disk step {at}: {ended}"));
    }

    fn collect_garbage(&mut self, rng: &mut Rng) {
        let rules = GarbageRules {
            keep_runs: rng.bool().then(|| rng.usize(..4)),
            keep_bytes: rng.bool().then(|| rng.u64(..20_000)),
            older_than: None,
        };
        let store = store(self.project.root());
        let garbage = gc(&store, &GcScope::default(), &rules, false).expect("gc");
        self.tell(format_args!("gc removed {:?}", garbage.removed));
        self.suffer(Harm::Forgets);
        if self.harm != Harm::Lies && self.project.path("pipeline.lock").exists() {
            let found = verify(&store, &location(self.project.root()), false).expect("verify");
            let lost: Vec<_> = found.missing.iter().map(|one| &one.path).collect();
            assert!(
                self.harm > Harm::Forgets || found.faults.is_empty(),
                "{found:?}"
            );
            self.tell(format_args!("missing: {lost:?}"));
        }
    }

    fn mend_cache(&mut self) {
        let place = location(self.project.root());
        let store = store(self.project.root());
        let found = verify(&store, &place, true).expect("verify");
        self.tell(format_args!("{} faults are mended", found.faults.len()));
        self.suffer(Harm::Forgets);
        let found = verify(&store, &place, false).expect("verify");
        assert!(found.faults.is_empty(), "after a repair: {found:?}");
        self.lies = false;
    }

    /// Repairs the project, and checks everything there is to check.
    fn bring_up_to_date(&mut self, rng: &mut Rng) -> Trace {
        let jobs = rng.usize(1..=3);
        let foretold = self.repro(jobs, true);
        let trace = self.repro(jobs, false);
        let fresh: BTreeSet<_> = trace.executed.difference(&foretold.may_execute).collect();
        assert!(
            fresh.is_empty() || self.harm == Harm::Lies,
            "--dry did not foretell {fresh:?}"
        );

        let again = self.repro(jobs, false);
        let worked: BTreeSet<_> = again.executed.union(&again.restored).cloned().collect();
        let worked: Vec<_> = worked.difference(&self.model.always()).cloned().collect();
        assert!(worked.is_empty(), "the second repro works on {worked:?}");
        self.equals_a_clean_build(jobs);
        let executed = trace.executed.iter().cloned();
        self.records
            .extend(executed.map(|stage| (stage, Harm::Nothing)));
        let suffered = if self.lies {
            Harm::Lies
        } else {
            let harms = self.records.values().copied();
            harms.max().unwrap_or(Harm::Nothing)
        };
        self.past.push((self.model.clone(), suffered));
        if self.project.path("pipeline.lock").exists() {
            self.locks.push(self.project.read("pipeline.lock"));
        }
        trace
    }

    fn equals_a_clean_build(&self, jobs: usize) {
        let clean = Project::in_memory();
        self.model.write(&clean);
        run(clean.root(), jobs, false)
            .unwrap_or_else(|error| panic!("a clean build fails: {error}"));
        let (mut ours, mut theirs) = (self.outs(&self.project), self.outs(&clean));
        let equal = |(path, found): (&String, &Found)| theirs.get(path) == Some(found);
        let common: Vec<_> = ours.iter().filter(|one| equal(*one)).collect();
        let common: Vec<_> = common.into_iter().map(|(path, _)| path.clone()).collect();
        for side in [&mut ours, &mut theirs] {
            side.retain(|path, _| !common.contains(path));
        }
        assert!(
            ours == theirs,
            "incremental:\n{ours:#?}\nclean:\n{theirs:#?}\npipeline.yaml: {}",
            self.project.read("pipeline.yaml")
        );
    }

    fn repro(&self, jobs: usize, dry: bool) -> Trace {
        run(self.project.root(), jobs, dry).unwrap_or_else(|error| {
            let pipeline = self.project.read("pipeline.yaml");
            panic!("repro fails: {error}\npipeline.yaml: {pipeline}")
        })
    }

    /// The files of every out with their executable bits, and the lock file.
    fn outs(&self, project: &Project) -> BTreeMap<String, Found> {
        let outs = self.model.out_paths();
        let made = |path: &str| {
            let path = Path::new(path);
            path.starts_with("pipeline.lock") || outs.iter().any(|out| path.starts_with(out))
        };
        let files = project.files().into_iter().filter(|(path, _)| made(path));
        files
            .map(|(path, bytes)| {
                let mode = project.path(&path).metadata().expect("look").permissions();
                let text = String::from_utf8_lossy(&bytes).into_owned();
                (path, (text, mode.mode() & 0o100 != 0))
            })
            .collect()
    }
}

/// A file's text, and whether it is executable.
type Found = (String, bool);
