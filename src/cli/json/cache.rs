//! What `gc --json`, `cache verify --json` and `cache restore --json` print.

use std::path::Path;

use hpipe_core::{Content, ContentKind};
use hpipe_store::{Fault, Garbage, GarbageKind, Mended, Reference, Referrer, Tally, Verification};
use serde::Serialize;

use super::value::InOrder;
use super::{VERSION, line};

/// Encodes what `gc --json` prints: what goes, by kind, and what stays.
pub(crate) fn gc(garbage: &Garbage, dry: bool) -> String {
    let removed = KINDS.map(|(kind, name)| {
        let tally = garbage.removed.get(&kind).copied().unwrap_or_default();
        (name, JsonTally::from(tally))
    });
    line(&Gc {
        v: VERSION,
        dry,
        removed: InOrder(removed.into()),
        bytes: garbage.total().bytes,
        kept: Kept {
            objects: garbage.kept_objects.into(),
            runs: garbage.kept_runs.into(),
        },
    })
}

/// Encodes what `cache verify --json` prints; paths below `root` are relative to it.
pub(crate) fn verification(found: &Verification, root: &Path) -> String {
    line(&Verified {
        v: VERSION,
        ok: !found.is_bad(),
        objects: found.objects.into(),
        runs: found.runs,
        incomplete_runs: found.incomplete_runs,
        memo: found.memo,
        damaged: found
            .faults
            .iter()
            .map(|fault| damage(fault, root))
            .collect(),
        stored_again: found.stored_again.iter().map(JsonReference::from).collect(),
        missing: found.missing.iter().map(JsonReference::from).collect(),
    })
}

/// Encodes what `cache restore --json` prints: what was put where.
pub(crate) fn restored(path: &str, content: &Content) -> String {
    let is_folder = content.kind == ContentKind::Folder;
    line(&Restored {
        v: VERSION,
        path,
        digest: content.digest.to_string(),
        kind: if is_folder { "folder" } else { "file" },
        size: content.size,
        files: is_folder.then_some(content.files),
    })
}

#[derive(Serialize)]
struct Restored<'a> {
    v: u32,
    path: &'a str,
    digest: String,
    kind: &'static str,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<u64>,
}

/// The kinds in the order they are written, and their names.
const KINDS: [(GarbageKind, &str); 7] = [
    (GarbageKind::Object, "objects"),
    (GarbageKind::Run, "runs"),
    (GarbageKind::Memo, "memo"),
    (GarbageKind::Log, "logs"),
    (GarbageKind::Damaged, "damaged"),
    (GarbageKind::Temporary, "temporary"),
    (GarbageKind::Lock, "locks"),
];

#[derive(Serialize)]
struct Gc<'a> {
    v: u32,
    dry: bool,
    removed: InOrder<'a, JsonTally>,
    bytes: u64,
    kept: Kept,
}

#[derive(Serialize)]
struct Kept {
    objects: JsonTally,
    runs: JsonTally,
}

#[derive(Serialize)]
struct JsonTally {
    count: u64,
    bytes: u64,
}

impl From<Tally> for JsonTally {
    fn from(Tally { count, bytes }: Tally) -> Self {
        Self { count, bytes }
    }
}

#[derive(Serialize)]
struct Verified<'a> {
    v: u32,
    ok: bool,
    objects: JsonTally,
    runs: u64,
    incomplete_runs: u64,
    memo: u64,
    damaged: Vec<Damage<'a>>,
    stored_again: Vec<JsonReference<'a>>,
    missing: Vec<JsonReference<'a>>,
}

#[derive(Serialize)]
struct Damage<'a> {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    problem: &'a str,
    mended: Option<&'static str>,
}

#[derive(Serialize)]
struct JsonReference<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_file: Option<&'a str>,
    path: &'a str,
    digest: String,
}

impl<'a> From<&'a Reference> for JsonReference<'a> {
    fn from(reference: &'a Reference) -> Self {
        let (stage, data_file) = match &reference.by {
            Referrer::Stage(stage) => (Some(stage.as_str()), None),
            Referrer::DataFile(file) => (None, Some(file.as_str())),
        };
        Self {
            stage,
            data_file,
            path: reference.path.as_str(),
            digest: reference.content.digest.to_string(),
        }
    }
}

fn damage<'a>(fault: &'a Fault, root: &Path) -> Damage<'a> {
    let path = fault.path.strip_prefix(root).unwrap_or(&fault.path);
    Damage {
        path: path.to_string_lossy().into_owned(),
        digest: fault.digest.map(|digest| digest.to_string()),
        problem: &fault.problem,
        mended: fault.mended.map(|mended| match mended {
            Mended::Recreated => "recreated",
            Mended::PutAside => "put_aside",
            Mended::Removed => "removed",
        }),
    }
}
