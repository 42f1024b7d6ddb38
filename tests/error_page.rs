//! The examples of `docs/errors.md` are what hpipe prints.
//!
//! Each `yaml` block of a section is a pipeline file, each `text` block what a command says of it; the commands, and what
//! else must lie there, are in [`shown`]. What differs from one time to the next (times, attempts, the project's folder,
//! the number of an object) is made alike on both sides.

mod support;

use std::process::{Command, Stdio};

use regex::Regex;
use support::Project;

/// How the example of a code, the n-th of its section, comes about: a script; none where this build or
/// this machine cannot show it.
fn shown(code: &str, example: usize) -> Option<&'static str> {
    Some(match (code, example) {
        // Only a debug build can be told to fail.
        ("E105" | "E107", 0) if !cfg!(debug_assertions) => return None,
        ("E009", 0) => "echo 'train: {alpha: 0.5}' > params.yaml; hpipe repro",
        ("E010" | "E011" | "E021", 0) if !cfg!(feature = "ml") => return None,
        ("E011" | "E021", 0) => "hpipe status",
        ("E012" | "E018" | "E025", 0) => "hpipe repro --dry",
        ("E020", 0) => "echo 'stages: {train: {cmd: echo}}' > pipeline.yaml; hpipe repro trian",
        ("E022", 0) => "hpipe status",
        ("E023", 0) => {
            "echo 'stages: {train: {cmd: echo}}' > pipeline.yaml; hpipe repro -q
             for line in 1 2 3 4 5 6 7 8 9 10 11; do echo \"# $line\"; done > start
             cat start - > pipeline.lock <<END
<<<<<<< HEAD
=======
>>>>>>> other
END
             hpipe status"
        }
        ("E024", 0) => {
            "printf 'stages:\\n  train: {cmd: echo, params: [train.lr], metrics: [m.json]}\\n' > pipeline.yaml
             echo 'train: {lr: 1}' > params.yaml
             printf '# lr\\nmetric: m.json:x\\nspace:\\n  train:\\n    lr: {float: [0.1, 0.01]}\\n' > study.yaml
             hpipe tune --study study.yaml"
        }
        ("E027", 0) => {
            "echo one > source; hpipe repro -q; echo two > source; hpipe commit"
        }
        ("E030", 0) => "hpipe freeze split@1",
        ("E031", 0) => {
            "echo 'stages: {train: {cmd: echo}}' > pipeline.yaml; printf '[cache]\\nlink = [\\n' > hpipe.toml; hpipe status"
        }
        ("E100", 0) => {
            "cat > pipeline.yaml <<'END'
stages:
  train:
    cmd: echo reading data/train.csv; echo 'no column `price`'; exit 2
    outs: [model]
  evaluate:
    cmd: echo
    deps: [model]
END
             hpipe repro"
        }
        ("E101", 0) => {
            "echo 'stages: {train: {cmd: \"true\", outs: [models/ridge.json]}}' > pipeline.yaml; hpipe repro"
        }
        // The stage itself starts the other hpipe.
        ("E102", 0) => {
            "echo 'stages: {train: {cmd: \"hpipe repro --no-wait train > told 2>&1\"}}' > pipeline.yaml; hpipe repro -q; cat told"
        }
        ("E103", 0) => {
            "echo 'stages: {}' > pipeline.yaml
             hpipe cache restore blake3:3f2a9c0100000000000000000000000000000000000000000000000000000000 models/ridge.json"
        }
        // The stage interrupts hpipe, and waits for its end.
        ("E104", 0) => {
            "cat > pipeline.yaml <<'END'
stages:
  prepare:
    cmd: echo > clean
    outs: [clean]
  train:
    cmd: 'echo epoch 1 of 10; kill -INT $PPID; exec tail -f /dev/null'
    deps: [clean]
    outs: [model]
  evaluate:
    cmd: echo
    deps: [model]
END
             hpipe repro"
        }
        ("E105", 0) => {
            "echo 'stages: {train: {cmd: \"true\"}}' > pipeline.yaml; HPIPE_FAIL_AT=1 HPIPE_FAIL_HOW=enospc hpipe repro"
        }
        ("E106", 0) => "hpipe repro --job 2",
        ("E106", 1) => {
            "echo 'stages: {train: {cmd: echo}}' > pipeline.yaml; hpipe repro -q; hpipe logs train --attempt nope"
        }
        ("E106", 2) => {
            "echo 'stages: {train: {cmd: echo}}' > pipeline.yaml
             git init -q; git add .; git -c user.name=u -c user.email=e commit -qm one; git tag release-1
             hpipe metrics diff relase-1"
        }
        ("E106", 3) => {
            "echo 'stages: {train: {cmd: echo}}' > pipeline.yaml; git init -q; git add .
             git -c user.name=u -c user.email=e commit -qm one
             git -c user.name=u -c user.email=e commit -qm two --allow-empty
             hpipe params diff HEAD~5"
        }
        ("E107", 0) => "HPIPE_FAIL_HOW=panic hpipe status",
        ("E108", 0) if !can_confine() => return None,
        // Python need not be there; what the sandbox denies is the same.
        ("E108", 0) => {
            "sed -i 's/python/sh/' pipeline.yaml; echo 'cat data.csv > model.pkl' > train.py; echo 1 > data.csv; hpipe repro"
        }
        ("E109", 0) => "mkdir models; echo nonsense > models/track.db; hpipe server --port 0",
        // The server answers it to its clients: tests/server.rs.
        ("E110", 0) => return None,
        ("E111", 0) => {
            "cat > pipeline.yaml <<'END'
stages:
  register:
    uses: register
    with: {name: house, gates: {Production: {metrics: {test.rmse: {max: 0.5}}, not_worse: [{metric: test.rmse}]}}}
    deps: {model: m.json, metrics: [m.json], data: [m]}
    outs: {record: registration.json}
END
             echo > m; echo '{\"test\": {\"rmse\": 0.4}}' > m.json; hpipe repro -q; hpipe models promote house/1 Production -q > m
             echo > m; echo '{\"test\": {\"rmse\": 0.45}}' > m.json; hpipe repro -q; hpipe models promote house/2 Production"
        }
        ("E112", 0) if !cfg!(feature = "ml") => return None,
        ("E112", 0) => {
            "for i in 1 2 3 4 5 6 7 8 9; do echo \"$i,$i\"; done | sed '1i rooms,price' > houses.csv
             hpipe repro -q; printf 'rooms\\n3\\nfour\\n' > rows.csv
             hpipe predict models/linear.safetensors rows.csv -o predictions.csv"
        }
        _ => "hpipe status",
    })
}

/// Whether this kernel can confine a command.
fn can_confine() -> bool {
    let words = ["exec-stage", "--root", "/nowhere", "--", "/bin/true"];
    let confined = Command::new(env!("CARGO_BIN_EXE_hpipe"))
        .args(words)
        .output();
    confined.is_ok_and(|ended| ended.status.success())
}

/// A section: its code, and its pipeline file and examples.
struct Section<'p> {
    code: &'p str,
    pipeline: Option<&'p str>,
    examples: Vec<&'p str>,
}

fn sections(page: &str) -> Vec<Section<'_>> {
    let sections = page.split("\n## ").skip(1);
    sections
        .map(|section| Section {
            code: section.split_once(':').expect("a code").0,
            pipeline: blocks(section, "yaml").into_iter().next(),
            examples: blocks(section, "text"),
        })
        .collect()
}

/// What stands between the fences of one kind.
fn blocks<'p>(section: &'p str, kind: &str) -> Vec<&'p str> {
    let fence = format!("```{kind}\n");
    let after = section.split(fence.as_str()).skip(1);
    after
        .map(|rest| rest.split_once("```").expect("a fence").0)
        .collect()
}

/// What a script says in a project of its own.
fn said(section: &Section<'_>, script: &str) -> String {
    let project = Project::new();
    if let Some(pipeline) = section.pipeline {
        project.write("pipeline.yaml", pipeline);
    }
    let program = env!("CARGO_BIN_EXE_hpipe");
    let folder = std::path::Path::new(program).parent().expect("a folder");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let output = Command::new("/bin/sh")
        .args(["-c", &format!("exec 2>&1; {script}")])
        .current_dir(project.root())
        .env("PATH", format!("{}:{}", folder.display(), path.display()))
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null())
        .output()
        .expect("a shell");
    let text = String::from_utf8(output.stdout).expect("a text");
    text.replace(&project.root().display().to_string(), "/home/ada/project")
}

/// A text with what differs from one time to the next made alike, and without blanks at the ends of lines.
fn alike(text: &str) -> String {
    let same = |pattern: &str, text: &str, by: &str| {
        let pattern = Regex::new(pattern).expect("a pattern");
        pattern.replace_all(text, by).into_owned()
    };
    let text = same(r"\d{8}T\d{6}\.\d{3,6}Z-[0-9a-z-]+", text, "[ATTEMPT]");
    let text = same(r"\b\d+(\.\d+)? ?(s|ms)\b", &text, "[TIME]");
    let lines: Vec<_> = text.lines().map(str::trim_end).collect();
    lines.join("\n").trim().to_owned()
}

#[test]
fn the_page_shows_what_hpipe_prints() {
    let page = include_str!("../docs/errors.md");
    let sections = sections(page);
    assert!(sections.len() > 30, "the page is read");
    let mut wrong = Vec::new();
    for section in &sections {
        assert!(
            !section.examples.is_empty(),
            "{} has no example",
            section.code
        );
        for (place, example) in section.examples.iter().enumerate() {
            let Some(script) = shown(section.code, place) else {
                continue;
            };
            let said = alike(&said(section, script));
            if !said.contains(&alike(example)) {
                wrong.push(format!(
                    "## {}\nthe page:\n{example}\nhpipe:\n{said}\n",
                    section.code
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
