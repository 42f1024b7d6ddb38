//! A project in a temporary folder, and the little that tests ask of the disk.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use hpipe_core::{Content, Digest, Mapping, ProjectPath, StageName, Value};
use hpipe_store::{
    LockAction, LockDep, LockEntry, LockOut, LockParams, OutRecord, RunRecord, Store,
};

/// A project folder with its store.
pub(crate) struct Project {
    folder: tempfile::TempDir,
    pub(crate) store: Store,
}

impl Project {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), Path::new(".cache")).unwrap();
        Self { folder, store }
    }

    /// The same project as another process would see it.
    pub(crate) fn another_store(&self) -> Store {
        Store::open(self.root(), Path::new(".cache")).unwrap()
    }

    /// Forgets all that is only in memory.
    pub(crate) fn reopen(&mut self) {
        self.store = self.another_store();
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.at(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.at(name)).unwrap()
    }

    pub(crate) fn content(&self, name: &str) -> Content {
        self.store.content(&path(name)).unwrap().unwrap()
    }

    pub(crate) fn commit(&self, name: &str) -> Content {
        self.store.commit(&path(name)).unwrap().unwrap()
    }

    /// Where the object of a content lies.
    pub(crate) fn object(&self, content: &Content) -> PathBuf {
        fanned_out(&self.at(".cache/objects-v1"), &content.digest)
    }

    /// Where the run record of a key lies.
    pub(crate) fn run(&self, key: &Digest) -> PathBuf {
        fanned_out(&self.at(".cache/runs-v1"), key)
    }

    /// Where what is remembered under a key lies.
    pub(crate) fn memo(&self, key: &Digest) -> PathBuf {
        fanned_out(&self.at(".cache/memo-v1"), key)
    }
}

fn fanned_out(folder: &Path, digest: &Digest) -> PathBuf {
    let hex = digest.hex();
    folder.join(&hex[..2]).join(&hex[2..])
}

pub(crate) fn path(text: &str) -> ProjectPath {
    ProjectPath::new(text)
}

pub(crate) fn digest(byte: u8) -> Digest {
    Digest::blake3([byte; 32])
}

pub(crate) fn is_executable(path: &Path) -> bool {
    fs::metadata(path).unwrap().permissions().mode() & 0o100 != 0
}

pub(crate) fn make_executable(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Everything below a folder: path → bytes (none for a folder) and executable bit.
pub(crate) fn snapshot(folder: &Path) -> BTreeMap<Vec<u8>, (Option<Vec<u8>>, bool)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let at = entry.unwrap().path();
            let name = at
                .strip_prefix(folder)
                .unwrap()
                .as_os_str()
                .as_bytes()
                .to_vec();
            if at.is_dir() {
                found.insert(name, (None, false));
                folders.push(at);
            } else {
                found.insert(name, (Some(fs::read(&at).unwrap()), is_executable(&at)));
            }
        }
    }
    found
}

/// Ways in which a file can be damaged without its size or name telling; the first ones do change the size.
pub(crate) fn damages(good: &[u8]) -> Vec<Vec<u8>> {
    let mut flipped_first = good.to_vec();
    flipped_first[0] ^= 1;
    let mut flipped_middle = good.to_vec();
    flipped_middle[good.len() / 2] ^= 0x10;
    let mut flipped_last = good.to_vec();
    *flipped_last.last_mut().unwrap() ^= 0x80;
    vec![
        Vec::new(),
        good[..1].to_vec(),
        good[..good.len() / 2].to_vec(),
        good[..good.len() - 1].to_vec(),
        [good, b"x"].concat(),
        vec![0; good.len()],
        flipped_first,
        flipped_middle,
        flipped_last,
    ]
}

/// Overwrites a file whatever its permissions.
pub(crate) fn overwrite(path: &Path, bytes: &[u8]) {
    let _ = fs::remove_file(path);
    fs::write(path, bytes).unwrap();
}

pub(crate) fn record(key: Digest, outs: Vec<OutRecord>) -> RunRecord {
    RunRecord {
        key,
        outs,
        attempt: "20261122T101530.123456Z-7-0".to_owned(),
        log: Some((digest(9), 120)),
        exit: 0,
        started: 1_795_342_530_123,
        seconds: 12.5,
        host: "host".to_owned(),
    }
}

pub(crate) fn out(name: &str, content: Content) -> OutRecord {
    OutRecord {
        path: path(name),
        content,
        cached: true,
    }
}

/// A lock entry with something in every field.
pub(crate) fn full_entry() -> LockEntry {
    let folder = Content {
        kind: hpipe_core::ContentKind::Folder,
        digest: digest(2),
        object_size: 432,
        size: 1_000,
        files: 3,
        executable: false,
    };
    let with = [
        (
            "fractions",
            Value::List(vec![Value::Float(0.6), Value::Float(0.4)]),
        ),
        ("seed", Value::Int(42)),
    ];
    let with: Mapping = with
        .map(|(key, value)| (key.to_owned(), value))
        .into_iter()
        .collect();
    LockEntry {
        key: digest(1),
        action: LockAction::Builtin {
            name: "split".to_owned(),
            version: 3,
            with,
        },
        wdir: path("sub"),
        env: [
            ("HOME".to_owned(), None),
            ("SEED".to_owned(), Some("1".to_owned())),
        ]
        .into(),
        deps: vec![
            LockDep {
                path: path("data/raw.csv"),
                role: Some("table".to_owned()),
                content: Content::file(digest(3), 77, true),
            },
            LockDep {
                path: path("src"),
                role: None,
                content: folder,
            },
        ],
        params: vec![LockParams {
            file: path("params.yaml"),
            values: vec![("train.lr".to_owned(), Value::Float(0.1))],
        }],
        outs: vec![
            LockOut {
                persist: true,
                ..lock_out(&path("models"), folder)
            },
            LockOut {
                kind: "metrics".to_owned(),
                cached: false,
                ..lock_out(&path("metrics.json"), Content::file(digest(4), 5, false))
            },
        ],
    }
}

/// A cached out of a lock entry.
pub(crate) fn lock_out(path: &ProjectPath, content: Content) -> LockOut {
    LockOut {
        path: path.clone(),
        role: None,
        kind: "outs".to_owned(),
        cached: true,
        persist: false,
        content,
    }
}

/// A lock entry with as little as possible.
pub(crate) fn bare_entry(command: &str) -> LockEntry {
    LockEntry {
        key: digest(5),
        action: LockAction::Cmd(vec![command.to_owned()]),
        wdir: ProjectPath::root(),
        env: BTreeMap::new(),
        deps: Vec::new(),
        params: Vec::new(),
        outs: Vec::new(),
    }
}

pub(crate) fn stage(name: &str) -> StageName {
    StageName::known(name)
}
