//! `hpipe runs push`: sends what is recorded to an existing MLflow server.

use super::needed;
use crate::args::RunsPush;
use crate::error::{Error, Exit};
use crate::forwarding::tell;
use crate::json;
use crate::session::Session;
use crate::ui::Verbosity;

/// Sends what the server lacks; what it refuses is told, and ends with exit code 4.
pub(super) fn push(session: &Session, arguments: &RunsPush) -> Result<Exit, Error> {
    session.settings()?;
    let set = session.tracking_server();
    let Some(server) = arguments.to.as_deref().or(set) else {
        return Err(Error::Usage {
            message: "no server is named".to_owned(),
            help: "`--to http://HOST:PORT`, or `hpipe config set tracking.uri http://HOST:PORT`"
                .to_owned(),
        });
    };
    let ledger = needed(session)?;
    let is_told = session.ui.verbosity() == Verbosity::Verbose;
    let mut told = |what: &str| {
        if is_told {
            session.ui.note(&format!("sending {what}"));
        }
    };
    let to = session.destination(server)?;
    let done = hpipe_forward::forward(&ledger, &to, &mut told)?;
    match arguments.json {
        true => session.ui.data(&json::forwarded(server, &done)),
        false if done.is_nothing() => session.ui.note(&format!("{server} has everything already")),
        false => tell(session, server, &done),
    }
    Ok(match done.refused.is_empty() {
        true => Exit::Done,
        false => Exit::Machine,
    })
}
