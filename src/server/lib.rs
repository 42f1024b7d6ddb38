//! The tracking server: MLflow's REST API on the records of a project.
//!
//! [`Server`] listens; `http` turns requests into calls and answers into responses; `api` lists the calls, which know
//! nothing of HTTP; `fields` and `answers` read and write protobuf's JSON; `artifacts` moves bytes. Everything recorded is
//! the [`Ledger`]'s business. Docs: docs/tracking.md.
//!
//! Deliberately prints nothing, knows no SQL, and serves no pages. What is left out of MLflow's API is answered 404.

mod answers;
mod api;
mod artifacts;
mod fault;
mod fields;
mod http;
mod pages;
mod uploads;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use hpipe_track::Ledger;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Notify, Semaphore};

use uploads::Uploads;

/// The version of MLflow whose API is spoken: what its client asks for before it uses what is new.
pub const MLFLOW_VERSION: &str = "3.17.2";

/// Threads that talk to clients. One alone was tried: no cheaper that could be measured, and slower for many clients.
const TALKING: usize = 2;

/// Threads that read or move bytes at once.
const WORKING: usize = 64;

/// Searches at once; more wait, so that they do not fill the memory.
const SEARCHES: usize = 4;

/// How long answers that are under way may take once the server shall stop.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// Why a server could not be started, or ended.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody may listen there, or somebody does already.
    #[error("listen on {host}:{port}")]
    Listen {
        /// The address asked for.
        host: String,
        /// The port asked for.
        port: u16,
        /// Why not.
        source: io::Error,
    },
    /// Threads cannot be had, or the network is gone.
    #[error("serve")]
    Serve(#[source] io::Error),
}

/// Is told what the machine refused while requests were answered.
pub type Report = Box<dyn Fn(&str) + Send + Sync>;

/// What all requests share.
pub(crate) struct App {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) searches: Semaphore,
    pub(crate) uploads: Uploads,
    pub(crate) report: Report,
}

/// A server that listens, and answers once it runs.
pub struct Server {
    runtime: Runtime,
    listener: TcpListener,
    address: SocketAddr,
    app: Arc<App>,
    stop: Arc<Notify>,
}

/// Ends a server from another thread.
#[derive(Debug, Clone)]
pub struct Stopper(Arc<Notify>);

impl Stopper {
    /// Lets the server answer what it was asked, and end.
    pub fn stop(&self) {
        self.0.notify_one();
    }
}

impl Server {
    /// Listens on a port, any free one if it is 0.
    ///
    /// # Errors
    /// [`Error::Listen`] when the port is taken or not permitted.
    pub fn bind(ledger: Ledger, host: &str, port: u16, report: Report) -> Result<Self, Error> {
        let refused = |source| Error::Listen {
            host: host.to_owned(),
            port,
            source,
        };
        let listener = TcpListener::bind((host, port)).map_err(refused)?;
        let address = listener.local_addr().map_err(Error::Serve)?;
        listener.set_nonblocking(true).map_err(Error::Serve)?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(TALKING)
            .max_blocking_threads(WORKING)
            .thread_name("hpipe-server")
            .enable_io()
            .enable_time()
            .build()
            .map_err(Error::Serve)?;
        let app = App {
            ledger: Arc::new(ledger),
            searches: Semaphore::new(SEARCHES),
            uploads: Uploads::default(),
            report,
        };
        Ok(Self {
            runtime,
            listener,
            address,
            app: Arc::new(app),
            stop: Arc::default(),
        })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What ends it.
    pub fn stopper(&self) -> Stopper {
        Stopper(self.stop.clone())
    }

    /// Answers requests until it is stopped. Those under way are answered still.
    ///
    /// # Errors
    /// [`Error::Serve`] when the network is gone.
    pub fn run(self) -> Result<(), Error> {
        let Self {
            runtime,
            listener,
            app,
            stop,
            ..
        } = self;
        let ended = runtime.block_on(serve(listener, app, stop));
        runtime.shutdown_timeout(LAST_WORDS);
        ended.map_err(Error::Serve)
    }
}

async fn serve(listener: TcpListener, app: Arc<App>, stop: Arc<Notify>) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let told = Arc::new(Notify::new());
    let signal = {
        let told = told.clone();
        async move {
            stop.notified().await;
            told.notify_one();
        }
    };
    let serving = axum::serve(listener, http::router(app)).with_graceful_shutdown(signal);
    let patience = async {
        told.notified().await;
        tokio::time::sleep(LAST_WORDS).await;
    };
    tokio::select! {
        ended = serving => ended,
        () = patience => Ok(()),
    }
}
