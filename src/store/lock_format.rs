//! The form of the lock file: YAML that people read in a diff and that git merges. Format page: `docs/formats/lock.md`.
//!
//! Stages are sorted by name, a block each; every path is a block of its own, every fact a line of its own, in a fixed
//! order; what has its usual value is left out. So two branches that touch different stages merge without a conflict, and
//! what changed is seen in the diff. Written by hand rather than by a serializer, because that form is a promise.
//!
//! The reader refuses what it does not know: a key it does not understand may be a part of what a stage depends on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use hpipe_core::{Content, ContentKind, Digest, Mapping, ProjectPath, StageName, Value};
use serde::{Deserialize, Deserializer};

use crate::Error;
use crate::lock_file::{LockAction, LockDep, LockEntry, LockFile, LockOut, LockParams};
use crate::yaml::{self, Fault, Writer};

/// The schema this version reads and writes.
pub(crate) const SCHEMA: &str = "hpipe/1";

/// What stands above everything.
const COMMENT: &str =
    "Written by hpipe. Keep it in git; on a merge conflict take either side and run `hpipe repro`.";

/// The section an out stands in unless another is named.
const USUAL_KIND: &str = "outs";

/// Writes a lock file.
pub(crate) fn print(lock: &LockFile) -> String {
    let mut writer = Writer::default();
    writer.comment(COMMENT);
    writer.text("schema", SCHEMA);
    if lock.stages.is_empty() {
        writer.plain("stages", "{}");
    } else {
        writer.section("stages", |writer| {
            for (name, entry) in &lock.stages {
                writer.section(name.as_str(), |writer| print_entry(writer, entry));
            }
        });
    }
    writer.finish()
}

fn print_entry(writer: &mut Writer, entry: &LockEntry) {
    writer.plain("key", entry.key);
    print_action(writer, &entry.action);
    if entry.wdir != ProjectPath::root() {
        writer.text("wdir", entry.wdir.as_str());
    }
    if !entry.env.is_empty() {
        writer.section("env", |writer| {
            for (name, value) in &entry.env {
                match value {
                    Some(value) => writer.text(name, value),
                    None => writer.plain(name, "null"),
                }
            }
        });
    }
    print_items(writer, "deps", &entry.deps, print_dep);
    print_items(writer, "params", &entry.params, print_params);
    print_items(writer, "outs", &entry.outs, print_out);
}

fn print_items<T>(writer: &mut Writer, key: &str, items: &[T], print: fn(&mut Writer, &T)) {
    if !items.is_empty() {
        writer.section(key, |writer| {
            for item in items {
                writer.item(|writer| print(writer, item));
            }
        });
    }
}

fn print_action(writer: &mut Writer, action: &LockAction) {
    match action {
        LockAction::Cmd(commands) if commands.is_empty() => writer.plain("cmd", "[]"),
        LockAction::Cmd(commands) => writer.section("cmd", |writer| {
            for command in commands {
                writer.text_item(command);
            }
        }),
        LockAction::Builtin {
            name,
            version,
            with,
        } => {
            writer.text("uses", name);
            writer.plain("version", version);
            writer.value("with", &Value::Map(with.clone()));
        }
    }
}

fn print_dep(writer: &mut Writer, dep: &LockDep) {
    writer.text("path", dep.path.as_str());
    print_role(writer, dep.role.as_deref());
    print_content(writer, &dep.content);
}

fn print_params(writer: &mut Writer, params: &LockParams) {
    writer.text("file", params.file.as_str());
    let mut written = BTreeSet::new();
    writer.section("values", |writer| {
        for (name, value) in &params.values {
            if written.insert(name) {
                writer.value(name, value);
            }
        }
    });
}

fn print_out(writer: &mut Writer, out: &LockOut) {
    writer.text("path", out.path.as_str());
    print_role(writer, out.role.as_deref());
    if out.kind != USUAL_KIND {
        writer.text("kind", &out.kind);
    }
    print_content(writer, &out.content);
    if !out.cached {
        writer.plain("cache", false);
    }
    if out.persist {
        writer.plain("persist", true);
    }
}

fn print_role(writer: &mut Writer, role: Option<&str>) {
    if let Some(role) = role {
        writer.text("role", role);
    }
}

pub(crate) fn print_content(writer: &mut Writer, content: &Content) {
    writer.plain("digest", content.digest);
    writer.plain("size", content.size);
    if content.kind == ContentKind::Folder {
        writer.plain("files", content.files);
        writer.plain("node", content.object_size);
    }
    if content.executable {
        writer.plain("executable", true);
    }
}

/// Reads a lock file; `path` is for errors.
///
/// # Errors
/// [`Error::LockConflict`], [`Error::NewerLock`] or [`Error::BadLock`].
pub(crate) fn parse(bytes: &[u8], path: &Path) -> Result<LockFile, Error> {
    let bad = |line, message: String| Error::BadLock {
        path: path.to_path_buf(),
        line,
        message,
    };
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count() as u64;
        bad(line, "it is not UTF-8".to_owned())
    })?;
    if let Some(line) = conflict(text) {
        return Err(Error::LockConflict {
            path: path.to_path_buf(),
            line,
        });
    }
    match schema(text) {
        Some(SCHEMA) => {}
        Some(other) if is_a_version(other) => {
            return Err(Error::NewerLock {
                path: path.to_path_buf(),
                schema: other.to_owned(),
                known: SCHEMA,
            });
        }
        _ => return Err(bad(1, format!("it does not declare `schema: {SCHEMA}`"))),
    }
    let written: Written =
        yaml::parse(text).map_err(|Fault { line, message }| bad(line, message))?;
    read(written).map_err(|message| bad(1, message))
}

/// Whether a schema names a version of this format; one that was cut within its number names none.
fn is_a_version(schema: &str) -> bool {
    let number = schema.strip_prefix("hpipe/");
    number.is_some_and(|number| number.parse::<u32>().is_ok())
}

/// Whether the bytes, though they cannot be read, once were a lock file of this version: its first lines are there, or it
/// was cut within them.
pub(crate) fn is_ours(bytes: &[u8]) -> bool {
    let comment = format!("# {COMMENT}\n");
    let schema = format!("schema: {SCHEMA}");
    let is_schema = |line: &[u8]| line == schema.as_bytes();
    let zeros = bytes.iter().rev().take_while(|byte| **byte == 0).count();
    let head = &bytes[..bytes.len() - zeros];
    head.starts_with(comment.as_bytes())
        || comment.as_bytes().starts_with(head)
        || bytes.split(|byte| *byte == b'\n').take(2).any(is_schema)
}

/// The line of the first merge marker. Our own text never has one at the start of a line.
fn conflict(text: &str) -> Option<u64> {
    const MARKERS: [&str; 4] = ["<<<<<<<", "|||||||", "=======", ">>>>>>>"];
    let is_marker = |line: &str| MARKERS.iter().any(|marker| line.starts_with(marker));
    (1..)
        .zip(text.lines())
        .find_map(|(number, line)| is_marker(line).then_some(number))
}

/// The declared schema, found without parsing, for a newer one may have any form.
fn schema(text: &str) -> Option<&str> {
    let declared = text.lines().find_map(|line| line.strip_prefix("schema:"))?;
    Some(declared.trim().trim_matches(['"', '\'']))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(rename = "schema")]
    _schema: String,
    stages: Option<BTreeMap<String, WrittenEntry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenEntry {
    key: Digest,
    cmd: Option<Vec<String>>,
    uses: Option<String>,
    version: Option<u32>,
    with: Option<Exact>,
    wdir: Option<String>,
    #[serde(default)]
    env: BTreeMap<String, Option<String>>,
    #[serde(default)]
    deps: Vec<WrittenPath>,
    #[serde(default)]
    params: Vec<WrittenParams>,
    #[serde(default)]
    outs: Vec<WrittenPath>,
}

/// A dep, or an out, which has the fields after `executable` besides.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WrittenPath {
    pub(crate) path: String,
    role: Option<String>,
    digest: Digest,
    size: u64,
    files: Option<u64>,
    node: Option<u64>,
    #[serde(default)]
    executable: bool,
    kind: Option<String>,
    cache: Option<bool>,
    #[serde(default)]
    persist: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenParams {
    file: String,
    values: Option<Value>,
}

/// A value, integers of any size included.
struct Exact(Value);

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|value| Self(yaml::restore_large_integers(value)))
    }
}

impl Exact {
    fn into_map(self) -> Result<Mapping, String> {
        match self.0 {
            Value::Map(map) => Ok(map),
            other => Err(format!("expected a mapping, found {}", other.kind())),
        }
    }
}

fn read(written: Written) -> Result<LockFile, String> {
    let entry = |(name, entry): (String, WrittenEntry)| {
        let entry = read_entry(entry).map_err(|message| format!("stage `{name}`: {message}"))?;
        Ok((StageName::known(name), Arc::new(entry)))
    };
    let stages = written.stages.unwrap_or_default();
    let stages = stages
        .into_iter()
        .map(entry)
        .collect::<Result<_, String>>()?;
    Ok(LockFile { stages })
}

fn read_entry(written: WrittenEntry) -> Result<LockEntry, String> {
    let action = match (written.cmd, written.uses, written.version) {
        (Some(commands), None, None) => LockAction::Cmd(commands),
        (None, Some(name), Some(version)) => LockAction::Builtin {
            name,
            version,
            with: written.with.map_or(Ok(Mapping::new()), Exact::into_map)?,
        },
        _ => return Err("expected either `cmd`, or `uses` and `version`".to_owned()),
    };
    Ok(LockEntry {
        key: written.key,
        action,
        wdir: written
            .wdir
            .map_or_else(ProjectPath::root, |wdir| ProjectPath::new(&wdir)),
        env: written.env,
        deps: written
            .deps
            .into_iter()
            .map(read_dep)
            .collect::<Result<_, _>>()?,
        params: written
            .params
            .into_iter()
            .map(read_params)
            .collect::<Result<_, _>>()?,
        outs: written
            .outs
            .into_iter()
            .map(read_out)
            .collect::<Result<_, _>>()?,
    })
}

fn read_dep(written: WrittenPath) -> Result<LockDep, String> {
    Ok(LockDep {
        content: read_content(&written)?,
        path: ProjectPath::new(&written.path),
        role: written.role,
    })
}

fn read_out(written: WrittenPath) -> Result<LockOut, String> {
    Ok(LockOut {
        content: read_content(&written)?,
        path: ProjectPath::new(&written.path),
        role: written.role,
        kind: written.kind.unwrap_or_else(|| USUAL_KIND.to_owned()),
        cached: written.cache.unwrap_or(true),
        persist: written.persist,
    })
}

pub(crate) fn read_content(written: &WrittenPath) -> Result<Content, String> {
    match (written.files, written.node) {
        (None, None) => Ok(Content::file(
            written.digest,
            written.size,
            written.executable,
        )),
        (Some(files), Some(node)) => Ok(Content {
            kind: ContentKind::Folder,
            digest: written.digest,
            object_size: node,
            size: written.size,
            files,
            executable: false,
        }),
        _ => Err(format!(
            "`{}`: a folder has `files` and `node`",
            written.path
        )),
    }
}

fn read_params(written: WrittenParams) -> Result<LockParams, String> {
    // Exact one level down: the names of params are ours, and none of them marks an integer.
    let exact = |(name, value): (&str, &Value)| {
        let value = yaml::restore_large_integers(value.clone());
        (name.to_owned(), value)
    };
    let values = match &written.values {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Map(map)) => map.iter().map(exact).collect(),
        Some(other) => return Err(format!("`values` is {}, not a mapping", other.kind())),
    };
    Ok(LockParams {
        file: ProjectPath::new(&written.file),
        values,
    })
}
