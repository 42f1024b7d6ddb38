//! The JSON schema of the pipeline file agrees with the parser: what the parser reads the schema accepts, and an unknown key,
//! which is what an editor is asked for, both refuse.
//!
//! `docs/pipeline.schema.json` is what the library says. `SNAPSHOTS=overwrite` writes it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use boon::{Compiler, SchemaIndex, Schemas};
use hpipe_core::{Code, ProjectPath};
use hpipe_spec::{Files, parse, pipeline_schema, read_document};
use serde_json::Value;
use snapbox::{Assert, Data};

struct Schema {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Schema {
    fn of_pipelines() -> Self {
        let schema: Value = serde_json::from_str(&pipeline_schema()).expect("the schema is JSON");
        let mut schemas = Schemas::new();
        let mut compiler = Compiler::new();
        let name = "pipeline.schema.json";
        compiler.add_resource(name, schema).expect("its id is free");
        let index = compiler
            .compile(name, &mut schemas)
            .expect("it is a schema");
        Self { schemas, index }
    }

    /// Why a pipeline file does not fit; the error is the schema's own.
    fn check(&self, text: &str) -> Result<(), String> {
        let value = read_document(&ProjectPath::new("pipeline.yaml"), text).expect("it is YAML");
        let value = serde_json::to_value(value).expect("it is JSON");
        let checked = self.schemas.validate(&value, self.index);
        checked.map_err(|error| format!("{error:#}"))
    }
}

/// The files of a project, by path.
struct Project(BTreeMap<String, String>);

impl Files for Project {
    fn read(&self, path: &ProjectPath) -> Result<Option<String>, String> {
        Ok(self.0.get(path.as_str()).cloned())
    }
}

impl Project {
    fn in_folder(folder: &Path) -> Self {
        let files = files_below(folder).into_iter().filter_map(|path| {
            let name = path.strip_prefix(folder).ok()?.to_str()?.to_owned();
            Some((name, fs::read_to_string(&path).ok()?))
        });
        Self(files.collect())
    }

    /// The pipeline files.
    fn pipelines(&self) -> impl Iterator<Item = (&String, &String)> {
        let names = ["pipeline.yaml", "dvc.yaml"];
        let is_pipeline =
            move |path: &str| names.contains(&path.rsplit('/').next().unwrap_or(path));
        self.0.iter().filter(move |(path, _)| is_pipeline(path))
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder can be read");
    let paths = entries.map(|entry| entry.expect("so can its entries").path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                files_below(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

/// The scenarios, and the small projects that are compared with DVC.
fn projects() -> Vec<(String, Project)> {
    let folders = fs::read_dir("tests/scenarios").expect("there are scenarios");
    let folders = folders
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_dir());
    let scenarios = folders.map(|path| (path.display().to_string(), Project::in_folder(&path)));
    let small = fs::read_to_string("src/spec/tests/reference/projects.txt").expect("it is there");
    let small = small.split("\n=== ").skip(1).map(|project| {
        let mut parts = project.split("\n--- ");
        let name = parts.next().unwrap_or_default().to_owned();
        let files = parts.filter_map(|file| file.split_once('\n'));
        (
            name,
            Project(
                files
                    .map(|(path, text)| (path.to_owned(), text.to_owned()))
                    .collect(),
            ),
        )
    });
    scenarios.chain(small).collect()
}

#[test]
fn parser_and_schema_agree() {
    let schema = Schema::of_pipelines();
    let (mut accepted, mut refused) = (0, 0);
    for (name, project) in projects() {
        for (path, text) in project.pipelines() {
            let parsed = parse(&ProjectPath::new(path), text, &project);
            let has_unknown_key = parsed
                .diagnostics
                .iter()
                .any(|fault| fault.code == Code::UnknownKey);
            let checked = schema.check_if_yaml(text);
            match (parsed.pipeline.is_some(), checked) {
                (true, Some(Err(error))) => panic!("{name}: {path} fits the parser only: {error}"),
                (true, _) => accepted += 1,
                (false, Some(Ok(()))) if has_unknown_key => {
                    panic!("{name}: {path} has an unknown key, which fits the schema")
                }
                (false, _) => refused += 1,
            }
        }
    }
    assert!(
        accepted > 100 && refused > 20,
        "{accepted} accepted, {refused} refused"
    );
}

impl Schema {
    /// [`check`](Self::check); none if the text is no YAML.
    fn check_if_yaml(&self, text: &str) -> Option<Result<(), String>> {
        let read = read_document(&ProjectPath::new("pipeline.yaml"), text);
        read.is_ok().then(|| self.check(text))
    }
}

#[test]
fn our_own_pipelines_fit() {
    let schema = Schema::of_pipelines();
    for path in ["pipeline.yaml", "src/cli/commands/init/pipeline.yaml"] {
        let text = fs::read_to_string(path).expect("it is there");
        assert_eq!(schema.check(&text), Ok(()), "{path}");
    }
    let page = fs::read_to_string("docs/formats/pipeline.md").expect("it is there");
    for (index, block) in page.split("```yaml\n").skip(1).enumerate() {
        let text = block.split("```").next().unwrap_or_default();
        if index != 1 {
            assert_eq!(schema.check(text), Ok(()), "block {index} of the page");
        }
    }
}

#[test]
fn what_is_wrong_does_not_fit() {
    let schema = Schema::of_pipelines();
    for text in [
        "stage: {}",
        "stages: {a: {cmd: x, dep: [y]}}",
        "stages: {a: {cmd: x, timeuot: 10m}}",
        "stages: {a: {cmd: x, timeout: soon}}",
        "stages: {a: {cmd: x, resources: {cpu: 1}}}",
        "stages: {a: {cmd: x, resources: {memory: lots}}}",
        "stages: {a: {cmd: x, retry: {delay: 1}}}",
        "stages: {a: {cmd: x, outs: [b: {cach: false}]}}",
        "stages: {a: {cmd: x, outs: [b: {x: step}]}}",
        "stages: {a: {cmd: x, metrics: [b: {y: step}]}}",
        "stages: {a: {cmd: x, uses: y}}",
        "stages: {a: {cmd: x, with: {y: 1}}}",
        "stages: {a: {uses: x, deps: [y]}}",
        "stages: {a: {uses: x, shell: bash}}",
        "stages: {a: {deps: [y]}}",
        "stages: {a: {foreach: [1]}}",
        "stages: {a: {foreach: [1], do: {cmd: x}, deps: [y]}}",
        "stages: {a: {foreach: [1], do: {cmd: x, matrix: {m: [1]}}}}",
        "stages: {a: {cmd: x, frozen: 1}}",
        "stages: {a@b: {cmd: x}}",
        "artifacts: {a: {type: x}}",
        "pools: {a: 0}",
        "datasets: [{name: a}]",
    ] {
        assert!(schema.check(text).is_err(), "{text} fits");
    }
}

#[test]
fn the_page_is_up_to_date() {
    let page = Data::read_from(Path::new("docs/pipeline.schema.json"), None);
    Assert::new()
        .action_env("SNAPSHOTS")
        .eq(Data::text(pipeline_schema()), page.raw());
}
