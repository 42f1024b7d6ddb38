//! Python's programs beside which we test, in virtual environments of their own below the target folder.
//!
//! An environment is made once and kept; tests that want the same one at the same time wait for whoever makes it.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// An environment with `packages`, a list a call of pip: its folder of programs, `bin`. Its `name` is a part of paths that
/// shells read, so a plain word.
///
/// # Errors
/// What Python or pip said: there is none, or no network.
pub(crate) fn environment(name: &str, packages: &[&[&str]]) -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("peers-{name}"));
    let said = |error: std::io::Error| format!("{}: {error}", folder.display());
    let lock = File::create(folder.with_extension("lock")).map_err(said)?;
    lock.lock().map_err(said)?;
    let ready = folder.join("ready");
    let list = format!("{packages:?}");
    if fs::read_to_string(&ready).is_ok_and(|made| made == list) {
        return Ok(folder.join("bin"));
    }
    run(Command::new("python3")
        .args(["-m", "venv", "--clear"])
        .arg(&folder))?;
    for packages in packages {
        let pip = ["-m", "pip", "install", "--quiet"];
        run(Command::new(folder.join("bin/python"))
            .args(pip)
            .arg("--disable-pip-version-check")
            .args(*packages))?;
    }
    fs::write(&ready, list).map_err(said)?;
    Ok(folder.join("bin"))
}

/// As [`environment`]; none where it cannot be had, which is said past the test harness.
///
/// # Panics
/// Where `CI=true` is set and it cannot be had: there the comparison must run.
pub(crate) fn ready(name: &str, packages: &[&[&str]]) -> Option<PathBuf> {
    match environment(name, packages) {
        Ok(programs) => Some(programs),
        Err(error) if std::env::var("CI").is_ok_and(|ci| ci == "true") => {
            panic!("in CI the test beside {name} must run: {error}")
        }
        Err(error) => {
            say_skipped(&format!("the comparison with {name}"), &error);
            None
        }
    }
}

/// Runs a program and returns what it printed; the error is what it said.
pub(crate) fn run(command: &mut Command) -> Result<String, String> {
    let output = command
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(said);
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?}\n{said}{complaint}"))
}

/// Says, past the test harness which would keep it to itself, that a part of a test was not tried and why.
pub(crate) fn say_skipped(what: &str, why: &str) {
    let text = format!("\n*** SKIPPED: {what} was not tried ***\n{why}\n");
    std::io::stderr()
        .write_all(text.as_bytes())
        .expect("stderr takes it");
}
