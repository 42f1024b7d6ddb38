//! Plays every scenario below `tests/scenarios/`: commands as a user types them, and what he must see.
//!
//! The form of a scenario and how to refresh it: `tests/scenarios/README.md`.

mod support;

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use regex::Regex;
use snapbox::{Assert, Data, Redactions};

use support::{Project, clean_environment, copy_folder};

/// Functions that steps may call.
const PRELUDE: &str = include_str!("scenarios/prelude.sh");

#[test]
fn scenarios() {
    let wanted = std::env::var_os("SCENARIO").unwrap_or_default();
    let folders: Vec<_> = folders()
        .into_iter()
        .filter(|folder| name(folder).contains(&*wanted.to_string_lossy()))
        .collect();
    assert!(!folders.is_empty(), "no scenario is called {wanted:?}");

    let next = AtomicUsize::new(0);
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|threads| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            threads.spawn(|| {
                while let Some(folder) = folders.get(next.fetch_add(1, Ordering::Relaxed)) {
                    // `Assert` panics with a diff, which the test's output shows.
                    if std::panic::catch_unwind(|| play(folder)).is_err() {
                        failed
                            .lock()
                            .expect("nobody panics here")
                            .push(name(folder));
                    }
                }
            });
        }
    });
    let mut failed = failed.into_inner().expect("nobody panics there");
    failed.sort();
    assert!(
        failed.is_empty(),
        "{} of {} scenarios failed: {}",
        failed.len(),
        folders.len(),
        failed.join(", ")
    );
}

/// The scenarios, in order.
fn folders() -> Vec<PathBuf> {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut folders: Vec<_> = fs::read_dir(all)
        .expect("the scenarios")
        .map(|entry| entry.expect("the scenarios").path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}

fn name(folder: &Path) -> String {
    folder
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// Plays the steps in a copy of the folder and compares what happened with what is written.
fn play(folder: &Path) {
    let steps = folder.join("steps");
    let script = fs::read_to_string(&steps)
        .unwrap_or_else(|error| panic!("read {}: {error}", steps.display()));
    if !needs_are_met(&script) {
        return;
    }
    let project = Project::new();
    copy_folder(folder, project.root());
    project.remove("steps");
    let happened = replay(&script, &project);
    Assert::new()
        .action_env("SNAPSHOTS")
        .redact_with(redactions(&project))
        .normalize_paths(false)
        .eq(happened, Data::read_from(&steps, None));
}

/// Whether this build has what a line `# needs: …` names.
fn needs_are_met(script: &str) -> bool {
    let needs = script
        .lines()
        .filter_map(|line| line.strip_prefix("# needs: "));
    needs
        .flat_map(|needs| needs.split(", "))
        .all(|need| match need {
            "machine learning" => cfg!(feature = "ml"),
            "failpoints" => cfg!(debug_assertions),
            "landlock" => has_landlock(),
            other => panic!("nobody knows how to meet the need {other:?}"),
        })
}

/// Whether this kernel can confine a command.
fn has_landlock() -> bool {
    let words = ["exec-stage", "--root", "/nowhere", "--", "/bin/true"];
    let confined = Command::new(env!("CARGO_BIN_EXE_hpipe"))
        .args(words)
        .output();
    let is_there = confined.is_ok_and(|ended| ended.status.success());
    if !is_there {
        let told = "NOT PLAYED, for this kernel has no Landlock: scenarios about sandboxes\n";
        std::io::stderr()
            .write_all(told.as_bytes())
            .expect("stderr");
    }
    is_there
}

/// What varies from one time to the next.
fn redactions(project: &Project) -> Redactions {
    let regex = |pattern| Regex::new(pattern).expect("a pattern");
    let mut redactions = Redactions::new();
    let mut insert = |placeholder, value: snapbox::RedactedValue| {
        redactions
            .insert(placeholder, value)
            .expect("a placeholder in brackets");
    };
    insert("[ROOT]", project.root().to_path_buf().into());
    insert(
        "[BESIDE]",
        project
            .root()
            .parent()
            .unwrap_or(project.root())
            .to_path_buf()
            .into(),
    );
    insert("[TIME]", regex(r"[ (](?<redacted>\d+\.\d+s)\b").into());
    insert(
        "[SECONDS]",
        regex(r#"seconds":(?<redacted>[0-9.e-]+)"#).into(),
    );
    insert(
        "[SCRATCH]",
        regex(r"\.cache/tmp/(?<redacted>[0-9a-f]+-[0-9a-f]+)").into(),
    );
    insert(
        "[WHEN]",
        regex(r"(?<redacted>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)").into(),
    );
    insert(
        "[MILLIS]",
        regex(r#""(?:at|created|updated|from|to)":(?<redacted>\d{13})\b"#).into(),
    );
    insert(
        "[ATTEMPT]",
        regex(r"(?<redacted>\d{8}T\d{6}\.\d{6}Z-\d+-\d+)").into(),
    );
    redactions
}

/// The script with what its commands print and return now.
fn replay(script: &str, project: &Project) -> String {
    let mut happened = String::new();
    let mut lines = script.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(first) = line.strip_prefix("$ ") {
            let mut command = first.to_owned();
            let _ = writeln!(happened, "{line}");
            while let Some(line) = lines.next_if(|line| line.starts_with('>')) {
                let _ = writeln!(happened, "{line}");
                command.push('\n');
                command.push_str(line[1..].strip_prefix(' ').unwrap_or(&line[1..]));
            }
            happened.push_str(&run(&command, project));
        } else if !is_expectation(line) {
            let _ = writeln!(happened, "{line}");
        }
    }
    happened
}

fn is_expectation(line: &str) -> bool {
    line == "..." || ["|", "!", "? "].iter().any(|mark| line.starts_with(mark))
}

/// Runs a command and writes down what came: the exit code if it is not 0, stdout behind `|`, stderr behind `!`.
fn run(command: &str, project: &Project) -> String {
    // Past durations decide which of several stages comes first; without them it is the same one every time.
    project.remove(".cache/durations-v1");
    let binary = Path::new(env!("CARGO_BIN_EXE_hpipe"))
        .parent()
        .expect("a folder")
        .to_owned();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(binary).chain(std::env::split_paths(&path)))
        .expect("a path");
    let mut shell = Command::new("/bin/sh");
    clean_environment(&mut shell);
    let output = shell
        .args(["-e", "-c", &format!("umask 022\n{PRELUDE}\n{command}")])
        .env("PATH", path)
        .env("HOME", project.beside("home"))
        .env("SCRATCH", project.beside("scratch"))
        .current_dir(project.root())
        .stdin(Stdio::null())
        .output()
        .expect("/bin/sh starts");
    let mut text = match output.status.code() {
        Some(0) => String::new(),
        Some(code) => format!("? {code}\n"),
        None => format!("? {}\n", output.status),
    };
    for (mark, bytes) in [('|', output.stdout), ('!', output.stderr)] {
        for line in String::from_utf8_lossy(&bytes).lines() {
            let _ = writeln!(text, "{}", format!("{mark} {line}").trim_end());
        }
    }
    text
}
