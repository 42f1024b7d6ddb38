//! A seal answers only where a decision would have come to the same, whatever was changed; and it does answer where
//! nothing was.

#![expect(
    clippy::unwrap_used,
    reason = "a test says that it failed by panicking"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "a test lays out its project, and damages it, itself"
)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use hpipe_core::{
    Event, EventSink, Execution, OptionFault, Port, ProjectPath, Registry, Stage, StageError,
    Summary, Value,
};
use hpipe_engine::{
    Cancellation, Confined, Confirm, Location, Opening, ReproOptions, Selection, Setup, Share,
    repro,
};

const PIPELINE: &str = "
vars: [names.yaml]
stages:
  a: {cmd: cat in/x in/y > out/a, deps: [in/x, in/y], outs: [out/a]}
  b: {cmd: 'cat out/a $(find folder -type f | sort) > out/b', deps: [out/a, folder], outs: [out/b]}
  c: {cmd: 'cat linked/z > out/c', deps: [linked/z], params: [lr], env: [SEED], outs: [out/c]}
  d: {cmd: 'mkdir -p out/d; cp out/b out/d/1', deps: [out/b], outs: [out/d]}
  e: {cmd: 'echo ${word} > ../out/e', wdir: work, outs: [../out/e]}
  f: {cmd: 'cp own out/f', deps: [own], outs: [{out/f: {cache: false}}]}
  still: {cmd: 'echo x > out/still', outs: [out/still], frozen: true}
";

/// A stage that does nothing, of any version.
struct Nothing(u32);

impl Stage for Nothing {
    fn name(&self) -> &'static str {
        "nothing"
    }

    fn version(&self) -> u32 {
        self.0
    }

    fn summary(&self) -> &'static str {
        "does nothing"
    }

    fn ports(&self) -> &'static [Port] {
        &[]
    }

    fn check(&self, _with: &Value) -> Result<(), Vec<OptionFault>> {
        Ok(())
    }

    fn execute(&self, _execution: &Execution<'_>) -> Result<(), StageError> {
        Ok(())
    }
}

/// Keeps how stages ended, and what was warned of.
#[derive(Default)]
struct Ends(Mutex<Vec<String>>);

impl EventSink for Ends {
    fn emit(&self, event: &Event) {
        let mut ends = self.0.lock().unwrap();
        match event {
            Event::StageFinished { stage, outcome, .. } => {
                ends.push(format!("{} {stage}", outcome.words()));
            }
            Event::Warning { text } => ends.push(format!("warning {text}")),
            _ => {}
        }
    }
}

struct Project {
    folder: tempfile::TempDir,
    elsewhere: tempfile::TempDir,
    version: u32,
    environment: BTreeMap<String, String>,
    share: Share,
    confined: Confined,
}

impl Project {
    /// Everything made, and sealed.
    fn sealed() -> Self {
        let project = Self {
            folder: tempfile::tempdir().unwrap(),
            elsewhere: tempfile::tempdir().unwrap(),
            version: 1,
            environment: [("SEED".to_owned(), "1".to_owned())].into(),
            share: Share::default(),
            confined: Confined::Declared,
        };
        for (path, text) in [
            ("in/x", "x"),
            ("in/y", "y"),
            ("folder/1", "1"),
            ("folder/deep/2", "2"),
            ("folder/skipped.tmp", "s"),
            (".hpipeignore", "*.tmp\n"),
            ("real/z", "z"),
            ("own", "own"),
            ("work/.keep", ""),
            ("names.yaml", "word: hello\n"),
            ("params.yaml", "lr: 0.1\n"),
            ("pipeline.yaml", PIPELINE),
        ] {
            project.write(path, text);
        }
        fs::write(project.elsewhere.path().join("z"), "other").unwrap();
        symlink("real", project.path("linked")).unwrap();
        project.settle();
        project
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn setup(&self) -> Setup {
        let mut registry = Registry::default();
        registry.add(Nothing(self.version));
        let mut setup = Setup::new(Arc::new(registry), self.environment.clone());
        setup.share = self.share.clone();
        setup.sandbox.which = self.confined;
        setup
    }

    fn opening(&self) -> Opening {
        self.opening_with(self.setup())
    }

    fn opening_with(&self, setup: Setup) -> Opening {
        let location = Location::find(self.folder.path(), None).unwrap();
        Opening::new(location, setup.into()).unwrap()
    }

    fn options() -> ReproOptions {
        ReproOptions {
            selection: Selection {
                folder: Some(ProjectPath::root()),
                ..Selection::default()
            },
            keep_going: true,
            jobs: 2,
            ..ReproOptions::default()
        }
    }

    /// What the seal alone says.
    fn recall(&self) -> Option<Summary> {
        self.opening().recall(&Self::options(), &Ends::default())
    }

    /// A repro with the seal's help, or without.
    fn repro(&self, with_seal: bool) -> Vec<String> {
        let mut opening = self.opening();
        let ends = Ends::default();
        if !with_seal || opening.recall(&Self::options(), &ends).is_none() {
            let workspace = opening.open().unwrap();
            repro(
                &workspace,
                &Self::options(),
                &ends,
                &Cancellation::default(),
            )
            .unwrap();
        }
        let mut ends = ends.0.into_inner().unwrap();
        ends.sort();
        ends
    }

    /// Repeats until nothing is too young to be sealed.
    fn settle(&self) {
        for _ in 0..100 {
            if self.recall().is_some() {
                return;
            }
            self.repro(true);
        }
        panic!("never sealed: {:?}", self.repro(true));
    }

    fn seals(&self) -> Vec<PathBuf> {
        let found = fs::read_dir(self.path(".cache/seals-v2")).into_iter();
        found.flatten().map(|entry| entry.unwrap().path()).collect()
    }

    /// A copy whose files are other files, so that only what is read speaks of it.
    fn verdict_without_seal(&self) -> Vec<String> {
        for seal in self.seals() {
            fs::remove_file(seal).unwrap();
        }
        self.repro(false)
    }
}

#[test]
fn what_did_not_change_is_answered_from_the_seal() {
    let project = Project::sealed();
    let summary = project.recall().unwrap();
    assert_eq!((summary.up_to_date, summary.stages()), (7, 7));
    let from_seal = project.repro(true);
    assert_eq!(from_seal, project.verdict_without_seal());
    assert!(
        from_seal.contains(&"frozen still".to_owned()),
        "{from_seal:?}"
    );
}

/// Something that was changed, by name, and the stages that cannot be answered any more.
type Change = (&'static str, fn(&mut Project), &'static [&'static str]);

/// Keeps the times of a file over a change of its bytes.
fn with_times_kept(path: &Path, change: impl FnOnce(&Path)) {
    let before = fs::metadata(path).unwrap();
    change(path);
    let file = fs::File::options().append(true).open(path).unwrap();
    let times = fs::FileTimes::new()
        .set_modified(before.modified().unwrap())
        .set_accessed(before.accessed().unwrap());
    file.set_times(times).unwrap();
    assert_eq!(fs::metadata(path).unwrap().mtime(), before.mtime());
}

fn changes() -> Vec<Change> {
    vec![
        (
            "a dep",
            |p| p.write("in/x", "changed"),
            &["ran a", "ran b", "ran d"],
        ),
        (
            "a dep of equal size and times",
            |p| with_times_kept(&p.path("in/x"), |path| fs::write(path, "X").unwrap()),
            &["ran a", "ran b", "ran d"],
        ),
        (
            "a dep replaced by another inode of equal times",
            |p| {
                let (old, new) = (p.path("in/x"), p.path("in/new"));
                fs::write(&new, "Z").unwrap();
                let times = fs::FileTimes::new()
                    .set_modified(fs::metadata(&old).unwrap().modified().unwrap());
                fs::File::options()
                    .append(true)
                    .open(&new)
                    .unwrap()
                    .set_times(times)
                    .unwrap();
                fs::rename(new, old).unwrap();
            },
            &["ran a", "ran b", "ran d"],
        ),
        (
            "a dep made executable",
            |p| fs::set_permissions(p.path("in/y"), fs::Permissions::from_mode(0o755)).unwrap(),
            &["ran a"],
        ),
        (
            "a file new in a folder",
            |p| p.write("folder/3", "3"),
            &["ran b", "ran d"],
        ),
        (
            "a file new in a folder's folder",
            |p| p.write("folder/deep/3", "3"),
            &["ran b", "ran d"],
        ),
        (
            "a file of a folder changed",
            |p| p.write("folder/deep/2", "two"),
            &["ran b", "ran d"],
        ),
        (
            "a file taken from a folder",
            |p| fs::remove_file(p.path("folder/1")).unwrap(),
            &["ran b", "ran d"],
        ),
        (
            "ignore rules above a folder",
            |p| p.write(".hpipeignore", "*.none\n"),
            &["ran b"],
        ),
        (
            "ignore rules new above a folder",
            |p| p.write(".dvcignore", "/folder/deep\n"),
            &["ran b"],
        ),
        (
            "ignore rules new within a folder",
            |p| p.write("folder/.hpipeignore", "1\n"),
            &["ran b", "ran d"],
        ),
        (
            "a linked folder led elsewhere",
            |p| {
                fs::remove_file(p.path("linked")).unwrap();
                symlink(p.elsewhere.path(), p.path("linked")).unwrap();
            },
            &["ran c"],
        ),
        (
            "a param",
            |p| p.write("params.yaml", "lr: 0.2\n"),
            &["ran c"],
        ),
        (
            "a file for vars",
            |p| p.write("names.yaml", "word: other\n"),
            &["ran e"],
        ),
        (
            "a variable",
            |p| drop(p.environment.insert("SEED".to_owned(), "2".to_owned())),
            &["ran c"],
        ),
        (
            "a variable taken away",
            |p| drop(p.environment.remove("SEED")),
            &["ran c"],
        ),
        (
            "an out edited",
            |p| p.write("out/a", "edited"),
            &["restored a"],
        ),
        (
            "an out deleted",
            |p| fs::remove_file(p.path("out/b")).unwrap(),
            &["restored b"],
        ),
        (
            "an out replaced by a folder",
            |p| {
                fs::remove_file(p.path("out/c")).unwrap();
                fs::create_dir(p.path("out/c")).unwrap();
            },
            &["restored c"],
        ),
        (
            "a file of an out folder",
            |p| p.write("out/d/1", "edited"),
            &["restored d"],
        ),
        (
            "a file new in an out folder",
            |p| p.write("out/d/2", "2"),
            &["restored d"],
        ),
        (
            "a command",
            |p| {
                p.write(
                    "pipeline.yaml",
                    &PIPELINE.replace("cat in/x in/y", "cat in/y in/x"),
                )
            },
            &["ran a", "ran b", "ran d"],
        ),
        (
            "a stage more",
            |p| {
                p.write(
                    "pipeline.yaml",
                    &format!("{PIPELINE}  more: {{cmd: echo > out/more, outs: [out/more]}}\n"),
                )
            },
            &["ran more"],
        ),
        (
            "a pipeline file in a folder",
            |p| {
                p.write(
                    "sub/pipeline.yaml",
                    "stages: {s: {cmd: 'echo > s', outs: [s]}}\n",
                )
            },
            &[],
        ),
        (
            "the lock file deleted",
            |p| fs::remove_file(p.path("pipeline.lock")).unwrap(),
            &["restored a"],
        ),
        (
            "an entry of the lock file",
            |p| {
                let lock = fs::read_to_string(p.path("pipeline.lock")).unwrap();
                let digest = lock.lines().find(|line| line.contains("  key: ")).unwrap();
                p.write(
                    "pipeline.lock",
                    &lock.replace(digest, &format!("    key: blake3:{}", "0".repeat(64))),
                );
            },
            &["restored a"],
        ),
        ("the program's built-ins", |p| p.version = 2, &[]),
        (
            "a pipeline file in a folder of a folder",
            |p| p.write("real/deep/dvc.yaml", "stages: {}\n"),
            &[],
        ),
        (
            "a file that puts data under control",
            |p| p.write("real/gone.csv.dvc", "outs: []\n"),
            &[],
        ),
        (
            "ignore rules for the search",
            |p| p.write("real/.gitignore", "/deep\n"),
            &[],
        ),
        (
            "a mark of another project",
            |p| p.write("real/.git/HEAD", ""),
            &[],
        ),
        ("the sandbox", |p| p.confined = Confined::Unless, &[]),
        (
            "what executions share",
            |p| p.share.memory = Some(1 << 30),
            &[],
        ),
        (
            "a file for vars, in what no stage uses",
            |p| p.write("names.yaml", "word: hello\nmore: 1\n"),
            &[],
        ),
        (
            "an out made executable",
            |p| fs::set_permissions(p.path("out/f"), fs::Permissions::from_mode(0o755)).unwrap(),
            &["ran f"],
        ),
        (
            "a stage thawed",
            |p| p.write("pipeline.yaml", &PIPELINE.replace(", frozen: true", "")),
            &["ran still"],
        ),
        (
            "an entry of the lock file taken out",
            |p| {
                let lock = fs::read_to_string(p.path("pipeline.lock")).unwrap();
                let cut = lock.find("  f:\n").unwrap();
                p.write("pipeline.lock", &lock[..cut]); // it is the last
            },
            &["restored f"],
        ),
        (
            "an object taken away",
            |p| {
                let shard = fs::read_dir(p.path(".cache/objects-v1"))
                    .unwrap()
                    .next()
                    .unwrap()
                    .unwrap()
                    .path();
                fs::remove_dir_all(shard).unwrap();
            },
            &[],
        ),
        (
            "objects damaged where they lie",
            |p| {
                for shard in fs::read_dir(p.path(".cache/objects-v1")).unwrap() {
                    for object in fs::read_dir(shard.unwrap().path()).unwrap() {
                        let object = object.unwrap().path();
                        fs::remove_file(&object).unwrap();
                        fs::write(&object, "of another size than it had").unwrap();
                    }
                }
            },
            &[],
        ),
        (
            "the cache taken away",
            |p| fs::remove_dir_all(p.path(".cache")).unwrap(),
            &[],
        ),
    ]
}

#[test]
fn what_changed_is_decided_about() {
    for (what, change, expected) in changes() {
        let mut project = Project::sealed();
        change(&mut project);
        assert_eq!(project.recall(), None, "{what}: the seal still answers");
        let ends = project.repro(true);
        for end in expected {
            assert!(
                ends.contains(&(*end).to_owned()),
                "{what}: {end} is not among {ends:?}"
            );
        }
        let worked = |ends: &[String]| {
            ends.iter()
                .any(|end| end.starts_with("ran") || end.starts_with("restored"))
        };
        let again = project.verdict_without_seal();
        assert!(!worked(&again), "{what}: left undone: {again:?}");
    }
}

#[test]
fn an_object_taken_away_is_stored_again() {
    let project = Project::sealed();
    fs::remove_dir_all(project.path(".cache/objects-v1")).unwrap();
    project.repro(true);
    fs::remove_file(project.path("out/a")).unwrap();
    assert!(project.repro(true).contains(&"restored a".to_owned()));
}

#[test]
fn a_working_folder_that_is_gone_is_told() {
    let project = Project::sealed();
    fs::remove_dir_all(project.path("work")).unwrap();
    assert_eq!(project.recall(), None);
}

#[test]
fn other_stages_stay_sealed() {
    let project = Project::sealed();
    project.write("own", "changed");
    assert_eq!(project.recall(), None);
    let ends = project.repro(true);
    assert_eq!(
        ends.iter()
            .filter(|end| end.starts_with("ran"))
            .collect::<Vec<_>>(),
        ["ran f"]
    );
    assert_eq!(
        ends.iter()
            .filter(|end| end.starts_with("up to date"))
            .count(),
        5
    );
}

#[test]
fn always_and_damage_are_not_answered() {
    let project = Project::sealed();
    let bytes = fs::read(&project.seals()[0]).unwrap();
    for harm in 0..bytes.len() + 1 {
        if harm % 97 != 0 && harm != bytes.len() {
            continue;
        }
        let mut harmed = bytes.clone();
        match harm == bytes.len() {
            true => harmed.truncate(bytes.len() / 2),
            false => harmed[harm] ^= 0x10,
        }
        fs::write(&project.seals()[0], harmed).unwrap();
        assert_eq!(project.recall(), None, "harmed at {harm}");
    }
    let ends = project.repro(true);
    assert!(
        ends.iter().any(|end| end.starts_with("warning a seal")),
        "{ends:?}"
    );
    project.write(
        "pipeline.yaml",
        &PIPELINE.replace("wdir: work,", "wdir: work, always_changed: true,"),
    );
    for _ in 0..50 {
        project.repro(true);
    }
    assert_eq!(project.recall(), None);
}

/// Keeps every event but for times.
#[derive(Default)]
struct Everything(Mutex<Vec<String>>);

impl EventSink for Everything {
    fn emit(&self, event: &Event) {
        let text = match event {
            Event::Finished(summary) => format!(
                "{:?}",
                Summary {
                    duration: std::time::Duration::ZERO,
                    ..*summary
                }
            ),
            other => format!("{other:?}"),
        };
        self.0.lock().unwrap().push(text);
    }
}

#[test]
fn a_seal_tells_what_a_decision_tells_in_the_same_order() {
    let project = Project::sealed();
    let (from_seal, decided) = (Everything::default(), Everything::default());
    project
        .opening()
        .recall(&Project::options(), &from_seal)
        .unwrap();
    let workspace = project.opening().open().unwrap();
    for seal in project.seals() {
        fs::remove_file(seal).unwrap();
    }
    let options = Project::options();
    repro(&workspace, &options, &decided, &Cancellation::default()).unwrap();
    assert_eq!(
        from_seal.0.into_inner().unwrap(),
        decided.0.into_inner().unwrap()
    );
}

#[test]
fn what_asks_for_more_or_less_is_not_answered() {
    type Wish = (&'static str, fn(&mut ReproOptions));
    let wishes: [Wish; 10] = [
        ("--force", |o| o.force = true),
        ("--force-downstream", |o| o.force_downstream = true),
        ("--dry", |o| o.dry = true),
        ("--no-commit", |o| o.commit = false),
        ("--allow-missing", |o| o.allow_missing = true),
        ("--stop-after", |o| o.stop_after = Some("a".to_owned())),
        ("-i", |o| o.confirm = Some(Confirm::new(|_, _| true))),
        ("a target", |o| o.selection.targets = vec!["a".to_owned()]),
        ("--pipeline", |o| o.selection.pipeline = true),
        ("another folder", |o| {
            o.selection.folder = Some(ProjectPath::new("work"))
        }),
    ];
    let project = Project::sealed();
    for (what, wish) in wishes {
        let mut options = Project::options();
        wish(&mut options);
        let answer = project.opening().recall(&options, &Ends::default());
        assert_eq!(answer, None, "{what}");
    }
    let mut setup = project.setup();
    setup.rereads = true;
    let answer = project
        .opening_with(setup)
        .recall(&Project::options(), &Ends::default());
    assert_eq!(answer, None, "--verify");
    assert!(project.recall().is_some());
}

#[test]
fn what_is_changed_between_the_check_and_the_reading_is_decided_about() {
    let project = Project::sealed();
    project.write("own", "changed");
    let mut opening = project.opening();
    assert_eq!(opening.recall(&Project::options(), &Ends::default()), None);
    let lock = fs::read_to_string(project.path("pipeline.lock")).unwrap();
    fs::remove_file(project.path("pipeline.lock")).unwrap();
    let workspace = opening.open().unwrap();
    let ends = Ends::default();
    repro(
        &workspace,
        &Project::options(),
        &ends,
        &Cancellation::default(),
    )
    .unwrap();
    let ends = ends.0.into_inner().unwrap();
    for restored in [
        "restored a",
        "restored b",
        "restored c",
        "restored d",
        "restored e",
        "ran f",
    ] {
        assert!(ends.contains(&restored.to_owned()), "{restored}: {ends:?}");
    }
    assert_ne!(
        fs::read_to_string(project.path("pipeline.lock")).unwrap(),
        lock
    );

    let mut opening = project.opening();
    project.settle();
    project.write("own", "changed again");
    assert_eq!(opening.recall(&Project::options(), &Ends::default()), None);
    project.write(
        "pipeline.yaml",
        &PIPELINE.replace("cat in/x in/y", "cat in/y in/x"),
    );
    let workspace = opening.open().unwrap();
    let ends = Ends::default();
    repro(
        &workspace,
        &Project::options(),
        &ends,
        &Cancellation::default(),
    )
    .unwrap();
    assert!(ends.0.into_inner().unwrap().contains(&"ran a".to_owned()));
    assert!(
        !project
            .verdict_without_seal()
            .iter()
            .any(|end| end.starts_with("ran"))
    );
}

#[test]
fn data_that_may_come_back_is_not_sealed() {
    let project = Project::sealed();
    let data = "md5: 00000000000000000000000000000000\nouts:\n- path: 9\n  md5: 00000000000000000000000000000000\n  size: 1\n";
    project.write("folder/9.dvc", data);
    for _ in 0..20 {
        project.repro(true);
    }
    assert_eq!(
        project.recall(),
        None,
        "folder/9 is gone, and DVC's cache may get it"
    );
}

#[test]
fn an_out_of_a_frozen_stage_comes_back() {
    let project = Project::sealed();
    let frozen = PIPELINE.replace("outs: [out/c]}", "outs: [out/c], frozen: true}");
    project.write("pipeline.yaml", &frozen);
    project.settle();
    fs::remove_file(project.path("out/c")).unwrap();
    assert_eq!(project.recall(), None);
    project.repro(true);
    assert!(project.path("out/c").exists());
}

/// A round of `watch` is one that never asked: it may have looked at a part of the stages alone.
#[test]
fn who_did_not_ask_for_a_seal_leaves_none() {
    let project = Project::sealed();
    project.verdict_without_seal();
    assert_eq!(project.seals(), Vec::<PathBuf>::new());
    project.repro(true);
    assert_eq!(project.seals().len(), 1);
}
