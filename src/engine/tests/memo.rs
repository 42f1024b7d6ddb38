//! What a built-in stage remembers of its parts spares exactly those parts, and shows in no out.

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
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use hpipe_core::{
    Arity, Digest, Direction, Event, EventSink, Execution, OptionFault, Port, ProjectPath,
    Registry, Stage, StageError, Value,
};
use hpipe_engine::{Cancellation, Location, ReproOptions, Setup, Workspace, repro};
use rayon::prelude::*;

/// Writes the squares of the numbers below `n`, each a part of its own.
struct Squares {
    version: u32,
    computed: Arc<AtomicU64>,
    /// Fails, as if killed, when so many parts have been computed.
    fails_after: u64,
}

impl Squares {
    fn square(&self, execution: &Execution<'_>, i: u64) -> Result<u64, StageError> {
        let key = Digest::blake3(*blake3::hash(&i.to_le_bytes()).as_bytes());
        if let Some(value) = execution.memo.recall(&key) {
            return Ok(u64::from_le_bytes(value.try_into().unwrap()));
        }
        if self.computed.fetch_add(1, Ordering::SeqCst) >= self.fails_after {
            return Err(StageError::new("killed"));
        }
        execution.memo.remember(&key, &(i * i).to_le_bytes());
        Ok(i * i)
    }
}

impl Stage for Squares {
    fn name(&self) -> &'static str {
        "squares"
    }

    fn version(&self) -> u32 {
        self.version
    }

    fn summary(&self) -> &'static str {
        "squares numbers"
    }

    fn ports(&self) -> &'static [Port] {
        &[
            Port {
                role: "numbers",
                direction: Direction::Out,
                arity: Arity::One,
                doc: "the squares",
            },
            Port {
                role: "after",
                direction: Direction::Dep,
                arity: Arity::Optional,
                doc: "what is made first",
            },
        ]
    }

    fn check(&self, _with: &Value) -> Result<(), Vec<OptionFault>> {
        Ok(())
    }

    fn execute(&self, execution: &Execution<'_>) -> Result<(), StageError> {
        let Value::Map(with) = execution.with else {
            return Err(StageError::new("without options"));
        };
        let Some(Value::Int(n)) = with.get("n") else {
            return Err(StageError::new("without `n`"));
        };
        let squares: Result<Vec<_>, _> = (0..*n as u64)
            .into_par_iter()
            .map(|i| self.square(execution, i))
            .collect();
        fs::write(execution.out("numbers"), format!("{:?}", squares?)).unwrap();
        Ok(())
    }
}

/// Keeps what is told to the user.
#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl EventSink for Told {
    fn emit(&self, event: &Event) {
        if let Event::Warning { text } | Event::StageNote { text, .. } = event {
            self.0.lock().unwrap().push(text.clone());
        }
    }
}

/// A project of one stage.
struct Project {
    folder: tempfile::TempDir,
    version: u32,
}

/// How `repro` is asked.
#[derive(Clone, Copy, Default)]
struct Asked {
    force: bool,
    force_downstream: bool,
    no_run_cache: bool,
    fails_after: Option<u64>,
}

/// What came of it.
#[derive(Debug, PartialEq)]
struct Came {
    computed: u64,
    failed: usize,
    told: Vec<String>,
}

impl Came {
    fn computing(computed: u64) -> Self {
        Self {
            computed,
            failed: 0,
            told: Vec::new(),
        }
    }
}

impl Project {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            version: 1,
        }
    }

    fn wants(&self, n: u64) {
        self.pipeline(&format!("with: {{n: {n}}}"));
    }

    fn pipeline(&self, keys: &str) {
        let text = format!(
            "stages:\n  all:\n    uses: squares\n    {keys}\n    outs:\n      numbers: numbers.txt\n"
        );
        fs::write(self.folder.path().join("pipeline.yaml"), text).unwrap();
    }

    fn repro(&self, asked: Asked) -> Came {
        let computed = Arc::new(AtomicU64::new(0));
        let mut registry = Registry::default();
        registry.add(Squares {
            version: self.version,
            computed: computed.clone(),
            fails_after: asked.fails_after.unwrap_or(u64::MAX),
        });
        let location = Location {
            root: self.folder.path().to_owned(),
            file: ProjectPath::new("pipeline.yaml"),
            folder: ProjectPath::root(),
            is_named: true,
        };
        let workspace = Workspace::open(
            location,
            Setup::new(Arc::new(registry), BTreeMap::new()).into(),
        )
        .unwrap();
        let options = ReproOptions {
            force: asked.force,
            force_downstream: asked.force_downstream,
            jobs: 4,
            run_cache: !asked.no_run_cache,
            ..ReproOptions::default()
        };
        let told = Told::default();
        let summary = repro(&workspace, &options, &told, &Cancellation::default()).unwrap();
        Came {
            computed: computed.load(Ordering::SeqCst),
            failed: summary.failed,
            told: told.0.into_inner().unwrap(),
        }
    }

    fn numbers(&self) -> String {
        fs::read_to_string(self.folder.path().join("numbers.txt")).unwrap()
    }

    /// Every file that remembers something.
    fn entries(&self) -> Vec<std::path::PathBuf> {
        let list = |folder: &Path| -> Vec<_> {
            let entries = fs::read_dir(folder).unwrap();
            entries.map(|entry| entry.unwrap().path()).collect()
        };
        let fans = list(&self.folder.path().join(".cache/memo-v1"));
        fans.iter().flat_map(|fan| list(fan)).collect()
    }
}

fn squares(n: u64) -> String {
    format!("{:?}", (0..n).map(|i| i * i).collect::<Vec<_>>())
}

#[test]
fn fifty_raised_to_eighty_computes_thirty() {
    let project = Project::new();
    project.wants(50);
    assert_eq!(project.repro(Asked::default()), Came::computing(50));
    project.wants(80);
    assert_eq!(project.repro(Asked::default()), Came::computing(30));
    assert_eq!(project.numbers(), squares(80));
    assert_eq!(project.repro(Asked::default()), Came::computing(0));
}

#[test]
fn an_execution_that_failed_halfway_resumes() {
    let project = Project::new();
    project.wants(50);
    let asked = Asked {
        fails_after: Some(20),
        ..Asked::default()
    };
    assert_eq!(project.repro(asked).failed, 1);
    assert_eq!(project.repro(Asked::default()), Came::computing(30));
    assert_eq!(project.numbers(), squares(50));
}

#[test]
fn force_computes_everything_anew_and_remembers_that() {
    let project = Project::new();
    project.wants(9);
    project.repro(Asked::default());
    let before = project.entries();
    let inodes = |paths: &[std::path::PathBuf]| -> Vec<_> {
        use std::os::unix::fs::MetadataExt;
        let inode = |path| fs::metadata(path).unwrap().ino();
        paths.iter().map(inode).collect()
    };
    let first = inodes(&before);
    let kept: Vec<_> = before.iter().map(|p| fs::File::open(p).unwrap()).collect();
    let asked = Asked {
        force: true,
        ..Asked::default()
    };
    assert_eq!(project.repro(asked), Came::computing(9));
    let second = inodes(&before);
    assert!(
        first.iter().zip(&second).all(|(a, b)| a != b),
        "not replaced"
    );
    drop(kept); // open until here, so that no inode could be given again
    project.wants(10);
    assert_eq!(project.repro(Asked::default()), Came::computing(1));
}

#[test]
fn what_is_forced_by_what_it_needs_is_computed_anew_too() {
    let project = Project::new();
    project.pipeline("with: {n: 7}\n    deps: {after: first}");
    let path = project.folder.path().join("pipeline.yaml");
    let first = "  first: {cmd: echo > first, outs: [first], always_changed: true}\n";
    fs::write(&path, fs::read_to_string(&path).unwrap() + first).unwrap();
    let asked = Asked {
        force_downstream: true,
        ..Asked::default()
    };
    assert_eq!(project.repro(Asked::default()), Came::computing(7));
    assert_eq!(project.repro(Asked::default()), Came::computing(0));
    assert_eq!(project.repro(asked), Came::computing(7));
}

#[test]
fn without_run_cache_nothing_is_recalled() {
    let project = Project::new();
    project.wants(9);
    project.repro(Asked::default());
    project.wants(10);
    let asked = Asked {
        no_run_cache: true,
        ..Asked::default()
    };
    assert_eq!(project.repro(asked), Came::computing(10));
    project.wants(11);
    assert_eq!(project.repro(Asked::default()), Came::computing(1));
}

#[test]
fn a_stage_that_always_executes_executes_whole() {
    let project = Project::new();
    project.pipeline("with: {n: 7}\n    always_changed: true");
    for _ in 0..2 {
        assert_eq!(project.repro(Asked::default()), Came::computing(7));
    }
}

#[test]
fn another_version_of_the_built_in_recalls_nothing() {
    let mut project = Project::new();
    project.wants(9);
    project.repro(Asked::default());
    project.version = 2;
    assert_eq!(project.repro(Asked::default()), Came::computing(9));
}

#[test]
fn damage_is_one_warning_and_a_miss() {
    let project = Project::new();
    project.wants(9);
    project.repro(Asked::default());
    for path in &project.entries()[..5] {
        let bytes = fs::read(path).unwrap();
        fs::remove_file(path).unwrap();
        fs::write(path, &bytes[..bytes.len() - 1]).unwrap();
    }
    project.wants(10);
    let came = project.repro(Asked::default());
    assert_eq!((came.computed, came.failed), (6, 0));
    assert_eq!(came.told.len(), 1, "{:?}", came.told);
    assert!(came.told[0].ends_with("memo-v1 are damaged; they count as missing"));
    assert_eq!(project.numbers(), squares(10));
    project.wants(11);
    assert_eq!(project.repro(Asked::default()), Came::computing(1));
}

#[test]
fn what_cannot_be_remembered_is_one_warning() {
    let project = Project::new();
    project.wants(9);
    fs::create_dir(project.folder.path().join(".cache")).unwrap();
    fs::write(project.folder.path().join(".cache/memo-v1"), "in the way").unwrap();
    let came = project.repro(Asked::default());
    assert_eq!((came.computed, came.failed), (9, 0));
    let notes: Vec<_> = came
        .told
        .iter()
        .filter(|text| text.contains("cannot resume"))
        .collect();
    assert_eq!(notes.len(), 1, "{:?}", came.told);
    assert_eq!(project.numbers(), squares(9));
}

#[test]
fn the_stage_key_knows_nothing_of_the_memo() {
    let project = Project::new();
    project.wants(9);
    project.repro(Asked::default());
    let lock = || fs::read_to_string(project.folder.path().join("pipeline.lock")).unwrap();
    let before = lock();
    for name in ["pipeline.lock", "numbers.txt"] {
        fs::remove_file(project.folder.path().join(name)).unwrap();
    }
    fs::remove_dir_all(project.folder.path().join(".cache")).unwrap();
    assert_eq!(project.repro(Asked::default()), Came::computing(9));
    assert_eq!(lock(), before);
}

/// What is on users' disks must stay found: another encoding of keys would have another context.
#[test]
fn keys_are_encoded_as_documented() {
    let project = Project::new();
    project.wants(1);
    project.repro(Asked::default());
    let entries = project.entries();
    let name = entries[0].strip_prefix(project.folder.path()).unwrap();
    assert_eq!(
        name,
        Path::new(
            ".cache/memo-v1/bf/3136509cf9e955ee383cf9a20e45d008ab9c7c85a41e8c20e7b89466b8d0b9"
        )
    );
}
