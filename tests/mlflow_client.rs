//! MLflow's own client, unmodified, works against `hpipe server`: `mlflow_client.py` asserts every call by reading back.
//!
//! The newest MLflow is installed in a virtual environment of its own, made once below the target folder. Without Python or a
//! network the test says loudly that it did not run; where `CI=true` is set it must run.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test with another program: it keeps files, asks whether it runs in CI, and says what it leaves out"
)]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use support::Project;
use support::serving::Serving;

/// What is installed; XGBoost as built for machines without a GPU, which is smaller by gigabytes.
const PACKAGES: [&str; 3] = ["mlflow", "scikit-learn", "xgboost-cpu"];

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mlflow_client.py");

/// Runs a program; the error is what it said.
fn run(program: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .map_err(|error| format!("{}: {error}", program.display()))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(said);
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(format!(
        "{} {arguments:?}\n{said}{complaint}",
        program.display()
    ))
}

/// The interpreter of a virtual environment with the packages, made unless a former test made it.
fn python() -> Result<PathBuf, String> {
    let name = PACKAGES.concat().replace('-', "");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("peers {name}"));
    let python = folder.join("bin/python");
    let ready = folder.join("ready");
    if !ready.exists() {
        let place = folder.to_string_lossy();
        run(Path::new("python3"), &["-m", "venv", "--clear", &place])?;
        let pip = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ];
        run(&python, &[&pip[..], &PACKAGES[..]].concat())?;
        std::fs::write(&ready, "").map_err(|error| error.to_string())?;
    }
    Ok(python)
}

#[test]
fn the_real_client_reads_back_what_it_wrote() {
    let python = match python() {
        Ok(python) => python,
        Err(error) if std::env::var("CI").is_ok_and(|ci| ci == "true") => {
            panic!("in CI this test must run: {error}")
        }
        Err(error) => {
            support::say_skipped("MLflow's client", &error);
            return;
        }
    };
    let project = Project::new();
    let server = Serving::start(project.root());
    let folder = project.root().join("client");
    std::fs::create_dir(&folder).expect("a folder");
    let place = folder.to_str().expect("a path of text");
    let done = run(&python, &[SCRIPT, &server.url, place]);
    eprintln!("{}", done.unwrap_or_else(|error| panic!("{error}")));
    assert!(server.stop().success());
}
