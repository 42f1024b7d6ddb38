//! What the result of a stage may depend on, and its digest, the stage key.
//!
//! Two executions with equal fingerprints are taken to give equal outs; everything rests on this list being whole.
//!
//! | input of the key | as |
//! |---|---|
//! | command | each item's text, in order |
//! | `shell` | the program and its arguments, when the stage names one |
//! | built-in | name, version, every option of `with` |
//! | working folder | path relative to the project |
//! | declared environment | name and value, or name and "not set" |
//! | deps | path, content digest, executable bit of a file; for a built-in also the role, and the order within a role |
//! | params | file, declared name, value (typed: `true` is not `1`, `1` equals `1.0`) |
//! | outs | path, section, role, `persist` (what was there before may be read) |
//!
//! | left out | because |
//! |---|---|
//! | name, `desc`, `meta`, plot keys, comments, order of deps, params and outs | say nothing about the result |
//! | `sandbox` | it takes nothing from a command that is declared; what a command does about a denial that it keeps to itself is as unknowable as any undeclared input |
//! | `cache`, `frozen`, `always_changed` | say what is done with the result |
//! | `resources`, `mutex`, `pool`, `timeout`, `retry`, `executor`, `track`, what an observer adds to the environment | say how it is executed, not what; what must depend on a number of CPUs takes it from a param |
//! | times, owners, inode numbers, absolute paths, user, host | a clone on another machine has the same results |
//! | number of jobs, `HPIPE_*` settings | must not change a result; a built-in that lets them is broken |
//! | environment that is not declared | unknowable; declare it under `env` |
//!
//! The encoding is `docs/formats/stage_key.md`: tagged fields, lengths first, little-endian.

use std::collections::BTreeMap;

use hpipe_core::{Content, Digest, ProjectPath, Value};
use hpipe_spec::OutKind;

/// Separates stage keys from every other use of BLAKE3; the number is the version of the encoding.
const CONTEXT: &str = "hpipe stage key 1";

/// Everything the result of a stage may depend on.
#[derive(Debug, Clone)]
pub(crate) struct Fingerprint {
    pub(crate) action: ActionInput,
    /// The program that executes the commands, with its arguments, if the stage names one.
    pub(crate) shell: Option<Vec<String>>,
    pub(crate) wdir: ProjectPath,
    pub(crate) env: BTreeMap<String, Option<String>>,
    pub(crate) deps: Vec<DepInput>,
    pub(crate) params: Vec<ParamInput>,
    pub(crate) outs: Vec<OutInput>,
}

/// What is executed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ActionInput {
    Command(Vec<String>),
    Builtin {
        name: String,
        version: u32,
        with: hpipe_core::Mapping,
    },
}

/// A dep with its content.
#[derive(Debug, Clone)]
pub(crate) struct DepInput {
    pub(crate) path: ProjectPath,
    pub(crate) role: Option<String>,
    pub(crate) content: Content,
}

/// The declared params of one file. The name `""` stands for the whole file.
#[derive(Debug, Clone)]
pub(crate) struct ParamInput {
    pub(crate) file: ProjectPath,
    pub(crate) values: Vec<(String, Value)>,
}

/// An out as declared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct OutInput {
    pub(crate) path: ProjectPath,
    pub(crate) role: Option<String>,
    pub(crate) kind: OutKind,
    pub(crate) persist: bool,
}

impl Fingerprint {
    /// The digest of the written encoding.
    pub(crate) fn key(&self) -> Digest {
        let mut encoder = Encoder(blake3::Hasher::new_derive_key(CONTEXT));
        encoder.action(&self.action);
        encoder.shell(self.shell.as_deref());
        encoder.tagged_text(b'w', self.wdir.as_str());
        encoder.env(&self.env);
        encoder.deps(&self.deps);
        encoder.params(&self.params);
        encoder.outs(&self.outs);
        Digest::blake3(*encoder.0.finalize().as_bytes())
    }
}

struct Encoder(blake3::Hasher);

impl Encoder {
    fn tag(&mut self, tag: u8) {
        self.0.update(&[tag]);
    }

    fn count(&mut self, n: usize) {
        self.0.update(&(n as u64).to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.update(text.as_bytes());
    }

    fn tagged_text(&mut self, tag: u8, text: &str) {
        self.tag(tag);
        self.text(text);
    }

    fn texts(&mut self, texts: &[String]) {
        self.count(texts.len());
        texts.iter().for_each(|text| self.text(text));
    }

    fn optional_text(&mut self, text: Option<&str>) {
        match text {
            None => self.tag(0),
            Some(text) => self.tagged_text(1, text),
        }
    }

    fn action(&mut self, action: &ActionInput) {
        match action {
            ActionInput::Command(scripts) => {
                self.tag(b'c');
                self.texts(scripts);
            }
            ActionInput::Builtin {
                name,
                version,
                with,
            } => {
                self.tagged_text(b'b', name);
                self.0.update(&version.to_le_bytes());
                self.value(&Value::Map(with.clone()));
            }
        }
    }

    /// Nothing for the usual one, so that keys are those from before a stage could name its shell.
    fn shell(&mut self, shell: Option<&[String]>) {
        if let Some(words) = shell {
            self.tag(b's');
            self.texts(words);
        }
    }

    fn env(&mut self, env: &BTreeMap<String, Option<String>>) {
        self.tag(b'e');
        self.count(env.len());
        for (name, value) in env {
            self.text(name);
            self.optional_text(value.as_deref());
        }
    }

    /// Sorted by role, then path; within a role that takes many, the written order is meant.
    fn deps(&mut self, deps: &[DepInput]) {
        let mut sorted: Vec<_> = deps.iter().collect();
        sorted.sort_by_key(|dep| match &dep.role {
            None => (None, Some(&dep.path)),
            Some(role) => (Some(role), None),
        });
        sorted.dedup_by(|a, b| a.role.is_none() && b.role.is_none() && a.path == b.path);
        self.tag(b'd');
        self.count(sorted.len());
        for dep in sorted {
            self.optional_text(dep.role.as_deref());
            self.text(dep.path.as_str());
            self.content(&dep.content);
        }
    }

    fn content(&mut self, content: &Content) {
        self.text(content.kind.name());
        self.tag(content.digest.function().tag());
        self.0.update(content.digest.as_bytes());
        self.tag(u8::from(content.executable));
    }

    fn params(&mut self, params: &[ParamInput]) {
        let mut sorted: Vec<_> = params
            .iter()
            .flat_map(|p| p.values.iter().map(|(name, value)| (&p.file, name, value)))
            .collect();
        sorted.sort_by_key(|(file, name, _)| (*file, *name));
        sorted.dedup_by_key(|(file, name, _)| (*file, *name));
        self.tag(b'p');
        self.count(sorted.len());
        for (file, name, value) in sorted {
            self.text(file.as_str());
            self.text(name);
            self.value(value);
        }
    }

    fn outs(&mut self, outs: &[OutInput]) {
        let mut sorted: Vec<_> = outs.iter().collect();
        sorted.sort();
        sorted.dedup();
        self.tag(b'o');
        self.count(sorted.len());
        for out in sorted {
            self.text(out.path.as_str());
            self.text(out.kind.section());
            self.optional_text(out.role.as_deref());
            self.tag(u8::from(out.persist));
        }
    }

    fn value(&mut self, value: &Value) {
        match (value, value.whole()) {
            (_, Some(whole)) => {
                self.tag(b'i');
                self.0.update(&whole.to_le_bytes());
            }
            (Value::Null, _) => self.tag(b'n'),
            (Value::Bool(b), _) => {
                self.tag(b'b');
                self.tag(u8::from(*b));
            }
            (Value::Int(_) | Value::Float(_), _) => {
                self.tag(b'f');
                self.0.update(&value.float_bits().to_le_bytes());
            }
            (Value::Text(text), _) => self.tagged_text(b't', text),
            (Value::List(items), _) => {
                self.tag(b'l');
                self.count(items.len());
                items.iter().for_each(|item| self.value(item));
            }
            (Value::Map(map), _) => {
                self.tag(b'm');
                self.count(map.len());
                for (key, value) in map.sorted() {
                    self.text(key);
                    self.value(value);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
