//! What programs rely on: every exit code, and with `--json` every kind of error with its code, message and place.

mod support;

use std::collections::BTreeSet;
use std::process::Output;

use hpipe_core::Code;
use serde_json::Value;
use support::Project;

/// A pipeline of one stage.
const FINE: &str = "stages: {train: {cmd: echo x > x, outs: [x]}}\n";

/// An error: the pipeline, the words, the exit code, the error's code and whether it has a place in a file.
type Case = (
    &'static str,
    &'static [&'static str],
    i32,
    &'static str,
    bool,
);

const CASES: &[Case] = &[
    ("stages: [", &["status"], 3, "E001", true),
    ("stages: {a: {cmd: x, dep: [x]}}", &["dag"], 3, "E002", true),
    (
        "stages: {a: {cmd: 'echo ${y}'}}",
        &["repro"],
        3,
        "E007",
        true,
    ),
    ("vars: [none.yaml]", &["why", "a"], 3, "E008", true),
    (
        "stages: {a: {cmd: x, params: [lr]}}",
        &["repro"],
        3,
        "E009",
        true,
    ),
    (
        "stages: {a: {cmd: x, deps: [none]}}",
        &["repro", "--dry"],
        3,
        "E012",
        true,
    ),
    (
        "stages: {a: {cmd: x, deps: [y], outs: [x]}, b: {cmd: x, deps: [x], outs: [y]}}",
        &["status"],
        3,
        "E013",
        true,
    ),
    (
        "stages: {a: {cmd: x, outs: [x]}, b: {cmd: x, outs: [x]}}",
        &["status"],
        3,
        "E014",
        true,
    ),
    (
        "stages: {a: {cmd: x, outs: [x]}, b: {cmd: x, outs: [x/y]}}",
        &["status"],
        3,
        "E015",
        true,
    ),
    (
        "stages: {a: {cmd: x, deps: [x], outs: [x]}}",
        &["status"],
        3,
        "E016",
        true,
    ),
    (
        "stages: {a: {cmd: x, outs: [../x]}}",
        &["status"],
        3,
        "E017",
        true,
    ),
    (
        "stages: {a: {cmd: x, wdir: none}}",
        &["repro"],
        3,
        "E018",
        true,
    ),
    (
        "stages: {a: {cmd: x, outs: [.]}}",
        &["status"],
        3,
        "E019",
        true,
    ),
    (FINE, &["repro", "trian"], 3, "E020", false),
    (
        "stages: {train: {cmd: exit 3}}",
        &["repro"],
        1,
        "E100",
        false,
    ),
    (
        "stages: {train: {cmd: 'true', outs: [x]}}",
        &["repro"],
        1,
        "E101",
        false,
    ),
    // The stage itself starts the other hpipe, whose errors are its output.
    (
        "stages: {train: {cmd: '$HPIPE repro --json --no-wait train > told; echo $? >> told', outs: [told]}}",
        &["repro", "-q"],
        4,
        "E102",
        false,
    ),
    (
        "stages: {train: {cmd: 'kill -INT $PPID; exec tail -f /dev/null'}}",
        &["repro"],
        130,
        "E104",
        false,
    ),
    (
        FINE,
        &[
            "cache",
            "restore",
            "blake3:0707070707070707070707070707070707070707070707070707070707070707",
            "never",
        ],
        4,
        "E103",
        false,
    ),
    (FINE, &["-C", "nowhere", "status"], 4, "E105", false),
    (FINE, &["metrics", "show", "none.json"], 2, "E106", false),
    (FINE, &["metrics", "diff", "nowhere"], 2, "E106", false),
    (FINE, &["status", "--nonsense"], 2, "E106", false),
    (FINE, &["push"], 2, "E106", false),
    (
        REGISTERS,
        &["models", "promote", "house/1", "Production"],
        1,
        "E111",
        false,
    ),
];

/// A model that passes no gate.
const REGISTERS: &str = "stages:
  train: {cmd: echo 1 > model, outs: [model]}
  register:
    uses: register
    with: {name: house, gates: {Production: {quality: true}}}
    deps: {model: model}
    outs: {record: registration.json}
";

fn run(project: &Project, words: &[&str]) -> Output {
    let mut command = project.hpipe(words.iter().copied().chain(["--json"]));
    if words[0] == "models" {
        let made = project
            .hpipe(["repro", "-q"])
            .status()
            .expect("hpipe starts");
        assert!(made.success(), "the model is registered");
    }
    command.env("HPIPE", env!("CARGO_BIN_EXE_hpipe"));
    command.output().expect("hpipe starts")
}

/// The errors told: events `error`, and those of stages.
fn errors(stdout: &str) -> Vec<Value> {
    let objects = stdout.lines().filter(|line| line.starts_with('{'));
    let objects = objects.map(|line| serde_json::from_str::<Value>(line).expect("an object"));
    objects
        .inspect(|object| assert_eq!(object["v"], 1, "{object}"))
        .filter_map(|object| match object["event"].as_str() {
            Some("error") => Some(object),
            _ => object.get("error").cloned(),
        })
        .collect()
}

fn kind_of(code: &str) -> &'static str {
    let code = Code::ALL.iter().find(|known| known.text() == code);
    code.expect("a code").kind().name()
}

#[test]
fn each_kind_of_error_is_told_to_programs() {
    let mut met = BTreeSet::new();
    for (pipeline, words, exit, code, has_place) in CASES {
        let project = Project::with(&[("pipeline.yaml", pipeline), ("params.yaml", "seed: 1")]);
        let output = run(&project, words);
        let (stdout, status) = match *code {
            "E102" => {
                let told = project.read("told");
                let status = told.lines().last().and_then(|line| line.parse().ok());
                (told, status)
            }
            _ => (
                String::from_utf8_lossy(&output.stdout).into_owned(),
                output.status.code(),
            ),
        };
        assert_eq!(status, Some(*exit), "{words:?}: {stdout}");
        let errors = errors(&stdout);
        let error = errors.iter().find(|error| error["code"] == *code);
        let error = error.unwrap_or_else(|| panic!("{code} is not among {errors:?}"));
        assert_eq!(error["kind"], kind_of(code), "{error}");
        assert!(
            error["message"]
                .as_str()
                .is_some_and(|message| !message.is_empty()),
            "{error}"
        );
        let place = ["file", "line", "column"].map(|field| error.get(field).is_some());
        assert_eq!(place, [*has_place; 3], "{error}");
        if words != &["repro", "-q"] {
            assert!(
                output.stderr.is_empty(),
                "{words:?} talks: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        met.insert(kind_of(code));
    }
    // In a test of its own.
    met.insert("bug");
    let all: BTreeSet<_> = Code::ALL.iter().map(|code| code.kind().name()).collect();
    assert_eq!(met, all);
}

#[test]
fn an_object_that_is_gone_ends_with_4() {
    let project = Project::with(&[("pipeline.yaml", FINE)]);
    let digest = format!("blake3:{}", "7".repeat(64));
    let output = project
        .hpipe(["cache", "restore", &digest, "y"])
        .output()
        .expect("hpipe starts");
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("error[E103]"));
}

#[test]
fn a_fault_of_ours_ends_with_70() {
    if !cfg!(debug_assertions) {
        return;
    }
    let project = Project::with(&[("pipeline.yaml", FINE)]);
    let mut command = project.hpipe(["status", "--json"]);
    let output = command
        .env("HPIPE_FAIL_HOW", "panic")
        .output()
        .expect("hpipe starts");
    assert_eq!(output.status.code(), Some(70));
    let errors = errors(&String::from_utf8_lossy(&output.stdout));
    assert_eq!(
        (&errors[0]["code"], &errors[0]["kind"]),
        (&"E107".into(), &"bug".into())
    );
}

#[test]
fn what_goes_well_ends_with_0_and_what_changed_with_1_where_asked() {
    let project = Project::with(&[("pipeline.yaml", FINE)]);
    let exit = |words: &[&str]| {
        let output = project
            .hpipe(words.iter().copied())
            .output()
            .expect("hpipe starts");
        output.status.code()
    };
    assert_eq!(exit(&["status"]), Some(0), "stale is no failure");
    assert_eq!(exit(&["status", "-q"]), Some(1));
    assert_eq!(exit(&["repro", "-q"]), Some(0));
    assert_eq!(exit(&["status", "-q"]), Some(0));
    assert_eq!(exit(&["--version"]), Some(0));
}
