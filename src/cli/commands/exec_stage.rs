//! `hpipe exec-stage`: confines this process, then becomes the command of a stage. Hidden: the engine starts it.
//!
//! What it has to say goes into the stage's log, for that is what its stderr is.

use std::ffi::OsString;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use hpipe_core::with_causes;
use hpipe_engine::{Confinement, ConfinementError};

use crate::error::Exit;

/// Does not come back, unless something is wrong.
pub(crate) fn exec_stage(words: Vec<OsString>) -> Exit {
    let reason = match confined(words) {
        Ok((program, words)) => {
            let error = Command::new(&program).args(words).exec();
            format!("execute {}: {error}", program.display())
        }
        Err(error) => with_causes(&error),
    };
    // Without a stderr nobody can be told; the exit code says that it failed.
    let _ = writeln!(std::io::stderr(), "hpipe: failed to {reason}");
    Exit::Machine
}

/// Confines this process; says what it shall become.
fn confined(words: Vec<OsString>) -> Result<(OsString, Vec<OsString>), ConfinementError> {
    let (confinement, mut command) = Confinement::parse(words)?;
    let words = command.split_off(1);
    let program = command.pop().ok_or(ConfinementError::NoCommand)?;
    confinement.enter()?;
    Ok((program, words))
}
