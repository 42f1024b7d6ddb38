//! A pipeline as the test knows it: sources, params and stages, and how they are written down.
//!
//! Every stage's outs are a function of the bytes (and names) of its deps, its params and a salt in its command; some
//! stages look only at one bit of that, so that their outs often stay the same when their inputs change. A stage is a shell
//! command or the built-in of [`mix`](crate::mix), as the sequence is a slow or a fast one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use fastrand::Rng;
use serde_json::{Value, json};

use crate::support::{Project, remove};

/// Names of params; all of them always exist.
pub(crate) const PARAMS: [&str; 3] = ["p0", "p1", "p2"];

/// The source folder; `keep` and `n/keep` always exist.
pub(crate) const DATA: &str = "data";

/// What stages are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Shell commands.
    Shell,
    /// The built-in `mix`.
    Builtin,
}

/// A source file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) value: u8,
    pub(crate) executable: bool,
}

impl Source {
    pub(crate) fn random(rng: &mut Rng) -> Self {
        Self {
            value: rng.u8(..3),
            executable: false,
        }
    }
}

/// A pipeline with everything it reads.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    pub(crate) form: Form,
    pub(crate) sources: BTreeMap<String, Source>,
    /// The items of a `foreach`, each a stage with an out of its own.
    pub(crate) items: BTreeSet<u8>,
    pub(crate) params: [u8; PARAMS.len()],
    /// A stage needs only outs of stages before it.
    pub(crate) stages: Vec<Stage>,
}

/// One stage.
#[derive(Debug, Clone)]
pub(crate) struct Stage {
    pub(crate) name: String,
    pub(crate) salt: u8,
    /// Looks at one bit of its inputs only.
    pub(crate) coarse: bool,
    /// Its result is not to be changed.
    pub(crate) frozen: bool,
    /// It executes every time.
    pub(crate) always: bool,
    pub(crate) deps: Vec<String>,
    pub(crate) params: Vec<usize>,
    pub(crate) outs: Vec<Out>,
}

/// One out.
#[derive(Debug, Clone)]
pub(crate) struct Out {
    pub(crate) path: String,
    pub(crate) is_folder: bool,
    pub(crate) cache: bool,
    /// Left in place before an execution; files only, for a folder would keep what it held.
    pub(crate) persist: bool,
}

impl Model {
    /// A pipeline of a few stages.
    pub(crate) fn random(rng: &mut Rng, form: Form) -> Self {
        let names = ["s0", "s1", "data/keep", "data/n/keep", "data/x"];
        let sources = names.map(|name| (name.to_owned(), Source::random(rng)));
        let mut model = Self {
            form,
            sources: sources.into(),
            items: BTreeSet::new(),
            params: [0; PARAMS.len()],
            stages: Vec::new(),
        };
        for _ in 0..rng.usize(2..=6) {
            model.add_stage(rng);
        }
        model
    }

    /// Appends a stage.
    pub(crate) fn add_stage(&mut self, rng: &mut Rng) {
        let names = (0..).map(|n| format!("stage{n}"));
        let free = names
            .filter(|name| self.stages.iter().all(|stage| stage.name != *name))
            .nth(rng.usize(..2));
        let place = self.stages.len();
        self.stages.push(Stage {
            name: free.expect("names never end"),
            salt: rng.u8(..2),
            coarse: rng.u8(..3) == 0,
            frozen: false,
            always: false,
            deps: Vec::new(),
            params: (0..PARAMS.len()).filter(|_| rng.u8(..3) == 0).collect(),
            outs: Vec::new(),
        });
        for _ in 0..rng.usize(1..=2) {
            self.add_out(rng, place);
        }
        for _ in 0..rng.usize(0..=3) {
            self.add_dep(rng, place);
        }
    }

    /// Gives a stage another dep, if there is one it does not have.
    pub(crate) fn add_dep(&mut self, rng: &mut Rng, place: usize) {
        let mut paths: Vec<_> = self
            .sources
            .keys()
            .cloned()
            .chain([DATA.to_owned()])
            .collect();
        for out in self.stages[..place].iter().flat_map(|stage| &stage.outs) {
            paths.push(out.path.clone());
            if out.is_folder {
                paths.push(format!("{}/n/c", out.path));
            }
        }
        paths.retain(|path| !self.stages[place].deps.contains(path));
        self.stages[place].deps.extend(rng.choice(paths));
    }

    /// Gives a stage another out, at a path that a removed stage may have had.
    pub(crate) fn add_out(&mut self, rng: &mut Rng, place: usize) {
        let is_free = |path: &String| self.outs().all(|out| out.path != *path);
        let path = (0..)
            .map(|n| format!("out{n}"))
            .filter(is_free)
            .nth(rng.usize(..2))
            .expect("names never end");
        let out = Out {
            path,
            is_folder: rng.u8(..3) == 0,
            cache: rng.u8(..5) > 0,
            persist: false,
        };
        self.stages[place].outs.push(out);
    }

    /// Takes everything inside `path` out of all deps.
    pub(crate) fn forget(&mut self, path: &str) {
        let inner = format!("{path}/");
        for stage in &mut self.stages {
            stage
                .deps
                .retain(|dep| dep != path && !dep.starts_with(&inner));
        }
    }

    /// Every out of every stage.
    pub(crate) fn outs(&self) -> impl Iterator<Item = &Out> {
        self.stages.iter().flat_map(|stage| &stage.outs)
    }

    /// Where outs lie: those of the stages and of the items.
    pub(crate) fn out_paths(&self) -> Vec<String> {
        let own = self.outs().map(|out| out.path.clone());
        own.chain(self.items.iter().map(|item| format!("each{item}")))
            .collect()
    }

    /// Whether every out can be restored.
    pub(crate) fn keeps_everything(&self) -> bool {
        self.outs().all(|out| out.cache && !out.persist)
    }

    /// The stages that execute every time.
    pub(crate) fn always(&self) -> BTreeSet<String> {
        let always = self.stages.iter().filter(|stage| stage.always);
        always.map(|stage| stage.name.clone()).collect()
    }

    /// Writes what differs from what is on disk: a file whose text stays is not touched.
    pub(crate) fn write(&self, project: &Project) {
        let params = PARAMS
            .iter()
            .zip(self.params)
            .map(|(name, value)| format!("{name}: {value}\n"));
        let sources = self
            .sources
            .iter()
            .map(|(path, source)| (path.clone(), format!("{}\n", source.value)));
        let files = sources.chain([
            ("params.yaml".to_owned(), params.collect()),
            ("pipeline.yaml".to_owned(), self.describe().to_string()),
        ]);
        for (path, text) in files {
            if !project.path(&path).is_file() || project.read(&path) != text {
                project.write(&path, &text);
            }
        }
        for (path, source) in &self.sources {
            set_executable(&project.path(path), source.executable);
        }
        for path in project
            .files()
            .into_keys()
            .filter(|path| path.starts_with("data/"))
        {
            if !self.sources.contains_key(&path) {
                remove(&project.path(&path));
            }
        }
    }

    fn describe(&self) -> Value {
        let stages = self.stages.iter();
        let mut stages: serde_json::Map<_, _> = stages
            .map(|stage| (stage.name.clone(), stage.describe(self)))
            .collect();
        if !self.items.is_empty() {
            let each = match self.form {
                Form::Shell => {
                    json!({"cmd": "echo ${item} > each${item}", "outs": ["each${item}"]})
                }
                Form::Builtin => json!({
                    "uses": "mix",
                    "with": {"salt": "${item}"},
                    "outs": {"out": ["each${item}"]},
                }),
            };
            stages.insert("each".into(), json!({"foreach": self.items, "do": each}));
        }
        json!({ "stages": stages })
    }

    fn is_folder(&self, path: &str) -> bool {
        path == DATA || self.outs().any(|out| out.is_folder && out.path == path)
    }
}

impl Stage {
    fn describe(&self, model: &Model) -> Value {
        let mut stage = match model.form {
            Form::Shell => self.as_command(model),
            Form::Builtin => self.as_builtin(),
        };
        stage["params"] = self.params.iter().map(|index| PARAMS[*index]).collect();
        if self.frozen {
            stage["frozen"] = json!(true);
        }
        if self.always {
            stage["always_changed"] = json!(true);
        }
        stage
    }

    fn as_command(&self, model: &Model) -> Value {
        let outs = self.outs.iter().map(|out| match out.flags() {
            Value::Object(flags) if flags.is_empty() => json!(out.path),
            flags => json!({ &out.path: flags }),
        });
        json!({
            "cmd": self.script(model),
            "deps": self.deps,
            "outs": outs.collect::<Vec<_>>(),
        })
    }

    fn as_builtin(&self) -> Value {
        let outs = self.outs.iter().map(|out| match out.flags() {
            Value::Object(flags) if flags.is_empty() => json!(out.path),
            mut flags => {
                flags["path"] = json!(out.path);
                flags
            }
        });
        let folders = self.outs.iter().filter(|out| out.is_folder);
        let reads = self.params.iter().map(|index| PARAMS[*index]);
        let mut stage = json!({
            "uses": "mix",
            "with": {
                "salt": self.salt,
                "coarse": self.coarse,
                "reads": reads.collect::<Vec<_>>(),
                "folders": folders.map(|out| out.path.clone()).collect::<Vec<_>>(),
            },
            "outs": {"out": outs.collect::<Vec<_>>()},
        });
        if !self.deps.is_empty() {
            stage["deps"] = json!({"in": self.deps});
        }
        stage
    }

    fn script(&self, model: &Model) -> String {
        let mut lines = vec![self.look(model)];
        if !self.params.is_empty() {
            lines.push(self.read_params());
        }
        if self.coarse {
            lines.push("set -- $h; h=$(($1 % 2))".to_owned());
        }
        lines.extend(self.outs.iter().map(|out| out.make(self.salt)));
        lines.join("\n") + "\n"
    }

    /// Sums up the deps: `tail` shows the name of each file before its lines, and skips folders.
    fn look(&self, model: &Model) -> String {
        let files = self.deps.iter().map(|dep| match model.is_folder(dep) {
            true => format!("{dep}/* {dep}/n/*"),
            false => dep.clone(),
        });
        let files = files.collect::<Vec<_>>().join(" ");
        format!("h=$(tail -n +1 {files} /dev/null 2>/dev/null | cksum)")
    }

    fn read_params(&self) -> String {
        let names = self
            .params
            .iter()
            .map(|index| format!("{}:", PARAMS[*index]));
        let names = names.collect::<Vec<_>>().join("|");
        format!(
            "while read -r key value; do case $key in {names}) h=\"$h $value\";; esac; done < params.yaml"
        )
    }
}

impl Out {
    /// The flags that are not as usual.
    fn flags(&self) -> Value {
        let mut flags = json!({});
        if !self.cache {
            flags["cache"] = json!(false);
        }
        if self.persist {
            flags["persist"] = json!(true);
        }
        flags
    }

    /// Writes what was summed up; a folder holds a file more for odd sums.
    fn make(&self, salt: u8) -> String {
        let path = &self.path;
        let line = format!("echo \"$h {salt} {path}\"");
        match self.is_folder {
            false => format!("{line} > {path}"),
            true => format!(
                "mkdir -p {path}/n; {line} > {path}/a; echo c > {path}/n/c\n\
                 case $h in *[13579]) echo odd > {path}/odd;; esac"
            ),
        }
    }
}

/// Sets or clears the executable bits; a file that is right is left alone.
pub(crate) fn set_executable(path: &Path, executable: bool) {
    let found = fs::metadata(path).expect("look");
    let is = found.permissions().mode() & 0o100 != 0;
    if is != executable {
        let mode = if executable { 0o755 } else { 0o644 };
        fs::set_permissions(path, Permissions::from_mode(mode)).expect("chmod");
    }
}
