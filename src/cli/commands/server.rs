//! `hpipe server`: the tracking server, until it is told to stop.

use std::path::PathBuf;
use std::sync::Arc;

use hpipe_server::Server;
use hpipe_track::Ledger;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::args::Server as Arguments;
use crate::error::{Error, Exit};
use crate::gauge;
use crate::json;
use crate::recording;
use crate::registering::MODELS;
use crate::session::Session;

/// The folder the command is about, where there is no project around it.
fn folder(session: &Session) -> Result<PathBuf, Error> {
    let folder = session.folder();
    folder.canonicalize().map_err(|source| Error::File {
        attempt: "find",
        path: folder.clone(),
        source,
    })
}

/// Serves what is recorded in the project, or, where there is no project, in the folder.
pub(super) fn server(session: &Session, arguments: &Arguments) -> Result<Exit, Error> {
    session.settings()?;
    let root = match session.locate() {
        Ok(location) => location.root,
        Err(_) => folder(session)?,
    };
    let models = root.join(MODELS);
    recording::keep_out_of_git_at(&root, &session.ui)?;
    let ledger = Ledger::open(&models, Arc::new(hpipe_store::now_millis))?
        .with_stages(session.stages().clone())
        .with_gauge(gauge::gauge(session, root));
    let database = ledger.path().to_path_buf();
    let ui = session.ui.clone();
    let report = Box::new(move |fault: &str| ui.warning(fault));
    let server = Server::bind(ledger, &arguments.host, arguments.port, report)?;
    let stopper = server.stopper();
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(Error::Signals)?;
    std::thread::spawn(move || signals.forever().for_each(|_| stopper.stop()));
    let url = format!("http://{}", server.address());
    match arguments.json {
        true => session.ui.data(&json::serving(&url, &database)),
        false => session.ui.note(&format!(
            "serving {} at {url} as MLflow {} would; Ctrl-C ends it",
            database.display(),
            hpipe_server::MLFLOW_VERSION
        )),
    }
    server.run()?;
    Ok(Exit::Done)
}
