//! `hpipe completions`: what makes a shell ask hpipe how a command line goes on.

use clap_complete::env::Shells;

use crate::args::{Completions, Shell};
use crate::complete::VARIABLE;
use crate::error::{Error, Exit};
use crate::session::Session;

/// Prints the script for a shell.
pub(super) fn completions(session: &Session, arguments: &Completions) -> Result<Exit, Error> {
    let name = match arguments.shell {
        Shell::Bash => "bash",
        Shell::Zsh => "zsh",
        Shell::Fish => "fish",
        Shell::Power => "powershell",
        Shell::Elvish => "elvish",
    };
    let mut script = Vec::new();
    let shells = Shells::builtins();
    let shell = shells
        .completer(name)
        .unwrap_or_else(|| panic!("bug: nobody completes for {name}"));
    shell
        .write_registration(VARIABLE, "hpipe", "hpipe", "hpipe", &mut script)
        .map_err(Error::Stdout)?;
    session.ui.data(&String::from_utf8_lossy(&script));
    Ok(Exit::Done)
}
