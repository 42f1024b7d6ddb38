//! A `dvc.yaml` means here what it means to DVC: each project of `projects.txt` against what DVC answered (`answers.json`,
//! recorded by `dvc_parsing.py`).
//!
//! Where DVC refuses a file, so do we. Where the two differ on purpose the project says why, and they must differ: a reason
//! that no longer holds is a fault too.

use std::collections::BTreeMap;
use std::fmt::Write;

use hpipe_core::{Mapping, ProjectPath, Value};
use hpipe_spec::{Action, Out, OutKind, ParamFile, Parsed, Pipeline, PlotSpec, PlotX, StageSpec};
use serde_json::{Map, Value as Json, json};

use crate::support::{parse_at, render};

const PROJECTS: &str = include_str!("../reference/projects.txt");
const ANSWERS: &str = include_str!("../reference/answers.json");

/// A small project.
#[derive(Default)]
struct Project {
    name: String,
    options: String,
    files: BTreeMap<String, String>,
}

impl Project {
    fn differs(&self) -> bool {
        self.options.contains("differs:")
    }

    fn has(&self, word: &str) -> bool {
        let words = self.options.split("differs:").next().unwrap_or_default();
        words.split_whitespace().any(|option| option == word)
    }

    /// The text of a file as DVC was given it.
    fn text(&self, path: &str) -> String {
        let text = self.files[path].trim_end_matches('\n');
        let mut text = if text.trim().is_empty() {
            String::new()
        } else {
            format!("{text}\n")
        };
        if path.ends_with("dvc.yaml") {
            if self.has("crlf") {
                text = text.replace('\n', "\r\n");
            }
            if self.has("bom") {
                text.insert(0, '\u{feff}');
            }
        }
        text
    }

    fn parse(&self) -> (Parsed, BTreeMap<String, String>) {
        let texts: BTreeMap<String, String> = self
            .files
            .keys()
            .map(|path| (path.clone(), self.text(path)))
            .collect();
        let (path, text) = texts
            .iter()
            .find(|(path, _)| path.ends_with("dvc.yaml"))
            .expect("a project has a dvc.yaml");
        let files: Vec<(&str, &str)> = texts.iter().map(|(p, t)| (&**p, &**t)).collect();
        (parse_at(path, text, &files), texts)
    }
}

fn projects() -> Vec<Project> {
    let mut projects: Vec<Project> = Vec::new();
    let mut file = None;
    for line in PROJECTS.split_inclusive('\n') {
        if let Some(head) = line.strip_prefix("=== ") {
            let (name, options) = head.trim().split_once(' ').unwrap_or((head.trim(), ""));
            let (name, options) = (name.to_owned(), options.to_owned());
            projects.push(Project {
                name,
                options,
                ..Project::default()
            });
            file = None;
        } else if let (Some(path), Some(project)) = (line.strip_prefix("--- "), projects.last_mut())
        {
            let path = path.trim().to_owned();
            project.files.insert(path.clone(), String::new());
            file = Some(path);
        } else if let (Some(path), Some(project)) = (&file, projects.last_mut()) {
            project
                .files
                .entry(path.clone())
                .or_default()
                .push_str(line);
        }
    }
    projects
}

#[test]
fn projects_are_read_as_dvc_reads_them() {
    let answers: Map<String, Json> = serde_json::from_str(ANSWERS).unwrap();
    let projects = projects();
    let mut names: Vec<_> = projects.iter().map(|project| &project.name).collect();
    names.sort();
    assert_eq!(
        names,
        answers.keys().collect::<Vec<_>>(),
        "run dvc_parsing.py again"
    );
    let mut wrong = String::new();
    for project in &projects {
        let (parsed, files) = project.parse();
        let ours = match &parsed.pipeline {
            Some(pipeline) => view(pipeline, &files),
            None => json!({ "error": render(&parsed.diagnostics, &parsed.sources) }),
        };
        let theirs = &answers[&project.name];
        let equal =
            ours == *theirs || (ours.get("error").is_some() && theirs.get("error").is_some());
        if equal == project.differs() {
            let _ = writeln!(wrong, "{}\n  hpipe {ours}\n  DVC   {theirs}", project.name);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// A pipeline as `dvc_parsing.py` shows it.
fn view(pipeline: &Pipeline, files: &BTreeMap<String, String>) -> Json {
    let stages: Map<String, Json> = pipeline
        .stages
        .iter()
        .map(|stage| (stage.name.to_string(), stage_view(stage, files)))
        .collect();
    let names: Vec<&str> = pipeline
        .stages
        .iter()
        .map(|stage| stage.name.as_str())
        .collect();
    let mut view = json!({ "names": names, "stages": stages });
    let paths =
        |paths: &[(ProjectPath, _)]| paths.iter().map(|(path, _)| json!(path.as_str())).collect();
    let artifacts = pipeline.artifacts.iter().map(|artifact| {
        let mut keys = notes(&artifact.notes);
        keys.insert("path".to_owned(), json!(artifact.path.as_str()));
        (artifact.name.clone(), Json::Object(keys))
    });
    let datasets = pipeline.datasets.iter().map(|dataset| {
        let mut keys = notes(&dataset.notes);
        keys.insert("name".to_owned(), json!(dataset.name));
        keys.insert("type".to_owned(), json!(dataset.kind));
        Json::Object(keys)
    });
    let sections: [(&str, Json); 5] = [
        ("params", paths(&pipeline.params)),
        ("metrics", paths(&pipeline.metrics)),
        ("plots", pipeline.plots.iter().map(plot_view).collect()),
        ("artifacts", Json::Object(artifacts.collect())),
        ("datasets", datasets.collect()),
    ];
    for (name, section) in sections {
        let is_empty = section.as_array().is_some_and(Vec::is_empty)
            || section.as_object().is_some_and(Map::is_empty);
        if !is_empty {
            view[name] = section;
        }
    }
    view
}

fn stage_view(stage: &StageSpec, files: &BTreeMap<String, String>) -> Json {
    let Action::Command(scripts) = &stage.action else {
        panic!("DVC has no built-in stages");
    };
    // DVC says when it executes, not in what it read, that a command alone is executed each time.
    let is_callback = stage.deps.is_empty() && stage.params.is_empty() && stage.outs.is_empty();
    let mut params = Map::new();
    let mut values = Map::new();
    for param in &stage.params {
        let keys = param.keys.iter().flatten().map(|(key, _)| &**key);
        let keys: Vec<&str> = keys.collect();
        if let Some(text) = files.get(param.file.as_str()) {
            let file = ParamFile::parse(&param.file, text).expect("DVC could read it");
            values.insert(param.file.to_string(), read(&file, &keys));
        }
        params.insert(param.file.to_string(), json!(keys));
    }
    json!({
        "cmd": scripts.iter().map(|script| &*script.text).collect::<Vec<_>>(),
        "wdir": stage.wdir.as_str(),
        "deps": stage.deps.iter().map(|dep| dep.path.as_str()).collect::<Vec<_>>(),
        "params": params,
        "values": values,
        "outs": stage.outs.iter().map(out_view).collect::<Vec<_>>(),
        "frozen": stage.frozen,
        "always_changed": stage.always_changed && !is_callback,
        "desc": stage.desc,
    })
}

fn read(file: &ParamFile, keys: &[&str]) -> Json {
    if keys.is_empty() {
        return json(file.value());
    }
    let value = |key: &&str| {
        (
            (*key).to_owned(),
            json(file.get(key).unwrap_or(&Value::Null)),
        )
    };
    Json::Object(keys.iter().map(value).collect())
}

fn out_view(out: &Out) -> Json {
    let mut flags = notes(&out.notes);
    let mut taken = |keys: &[&str]| -> Map<String, Json> {
        let take = |key: &&str| Some(((*key).to_owned(), flags.remove(*key)?));
        keys.iter().filter_map(take).collect()
    };
    let drawn = taken(&[
        "template", "x", "y", "x_label", "y_label", "title", "header",
    ]);
    let annotations = taken(&["desc", "type", "labels", "meta"]);
    let remote = taken(&["remote"]).remove("remote");
    let push = taken(&["push"]).remove("push");
    json!({
        "path": out.path.as_str(),
        "kind": match out.kind {
            OutKind::Out => "out",
            OutKind::Metric => "metric",
            OutKind::Plot => "plot",
        },
        "cache": out.cache,
        "persist": out.persist,
        "plot": (!drawn.is_empty()).then_some(drawn),
        "annotations": annotations,
        "remote": remote,
        "push": push.unwrap_or(json!(true)),
    })
}

fn plot_view(plot: &PlotSpec) -> Json {
    let y = plot.y.iter().map(|y| json!([y.file.as_str(), y.columns]));
    json!({
        "id": plot.id,
        "x": match &plot.x {
            PlotX::Row => Json::Null,
            PlotX::Column(column) => json!(column),
            PlotX::OfFiles(files) => files.iter().map(|(file, x)| json!([file.as_str(), x])).collect(),
        },
        "y": y.collect::<Vec<_>>(),
        "title": plot.title,
        "x_label": plot.x_label,
        "y_label": plot.y_label,
        "template": plot.template,
    })
}

fn notes(notes: &Mapping) -> Map<String, Json> {
    let entry = |(key, value): (&str, &Value)| (key.to_owned(), json(value));
    notes.iter().map(entry).collect()
}

/// A value as `plain` of `dvc_parsing.py` writes it.
fn json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(flag) => json!(flag),
        Value::Int(number) => match i64::try_from(*number) {
            Ok(number) => json!(number),
            Err(_) => json!({ "int": number.to_string() }),
        },
        Value::Float(number) => json!({ "float": format!("{:016x}", number.to_bits()) }),
        Value::Text(text) => json!(text),
        Value::List(items) => items.iter().map(json).collect(),
        Value::Map(map) => Json::Object(notes(map)),
    }
}
