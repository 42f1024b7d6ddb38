//! Listens, keeps connections within limits, and ends without leaving a request unanswered.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use hpipe_core::ModelLoader;
use hpipe_track::ledger::VersionFiles;
use hpipe_track::predictions::PredictionLog;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::app::App;
use crate::handle;
use crate::lineup::Lineup;
use crate::metrics::Metrics;
use crate::options::Options;
use crate::patience::Patience;
use crate::source::{Identity, Loaded, Setup, Source, StartError};
use crate::tls::Tls;

/// Threads that predict large batches.
const PREDICTING: usize = 8;

/// How long to wait when the machine has no more sockets.
const BREATH: Duration = Duration::from_millis(50);

/// A server that listens, and answers once it runs.
pub struct Server {
    runtime: Runtime,
    listener: TcpListener,
    address: SocketAddr,
    app: Arc<App>,
    /// What is asked for other versions; none: there never is one.
    source: Option<Source>,
    log: Option<PredictionLog>,
    stop: Arc<Notify>,
    tls: Option<TlsAcceptor>,
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
    /// Loads the model and listens on a port, any free one if it is 0.
    ///
    /// # Errors
    /// [`StartError`]: there is no such version, it cannot be loaded, or the port is taken.
    pub fn bind(setup: Setup, host: &str, port: u16) -> Result<Self, StartError> {
        let tls = setup.tls.as_ref().map(Tls::acceptor).transpose();
        let tls = tls.map_err(|reason| StartError::Tls { reason })?;
        let (app, source, log) = App::new(setup)?;
        raise_file_limit();
        let (listener, address) = listening(host, port)?;
        Ok(Self {
            runtime: runtime()?,
            listener,
            address,
            app,
            source: Some(source),
            log,
            stop: Arc::default(),
            tls,
        })
    }

    /// Serves a version that is not in the records, on a free port of the loopback, to whoever asks.
    ///
    /// # Errors
    /// As [`bind`](Self::bind).
    pub(crate) fn of_files(
        files: &VersionFiles,
        loader: &Arc<dyn ModelLoader>,
        options: Options,
    ) -> Result<Self, StartError> {
        let loaded = Loaded::new(files, &**loader);
        let title = "the version".to_owned();
        let loaded = loaded.map_err(|reason| StartError::Load { title, reason })?;
        let identity = Identity {
            name: "candidate".to_owned(),
            version: 1,
            created: 0,
            stage: "None".to_owned(),
        };
        let lineup = |metrics: &Metrics| {
            Ok(Lineup {
                primary: Arc::new(loaded.served(identity, 0, metrics)),
                canaries: Vec::new(),
                shadow: None,
            })
        };
        let app = App::of(lineup, options, Arc::new(|| 0), Box::new(|_| {}))?;
        let (listener, address) = listening("127.0.0.1", 0)?;
        Ok(Self {
            runtime: runtime()?,
            listener,
            address,
            app: Arc::new(app),
            source: None,
            log: None,
            stop: Arc::default(),
            tls: None,
        })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The version that answers, or speaks for those that do: `house/3`.
    pub fn title(&self) -> String {
        self.app.primary().title()
    }

    /// The others: each with what it is there for (`canary`, `shadow`) and its share of requests, from 0 to 1.
    pub fn others(&self) -> Vec<(String, &'static str, f64)> {
        let lineup = self.app.stand.now();
        let others = lineup.roles().skip(1);
        others
            .map(|(served, role, share)| (served.title(), role, share))
            .collect()
    }

    /// What ends it.
    pub fn stopper(&self) -> Stopper {
        Stopper(self.stop.clone())
    }

    /// Answers requests until it is stopped. Those under way are answered still.
    ///
    /// # Errors
    /// [`StartError::Serve`] when the network is gone.
    pub fn run(self) -> Result<(), StartError> {
        let Self {
            runtime,
            listener,
            app,
            source,
            mut log,
            stop,
            tls,
            ..
        } = self;
        let (watching, unwatch) = mpsc::channel();
        std::thread::scope(|scope| {
            let app = &app;
            if let Some(source) = &source {
                scope.spawn(move || crate::watch::watch(app, source, &unwatch));
            }
            if let (Some(journal), Some(log)) = (&app.journal, &mut log) {
                scope.spawn(|| journal.write(log, &app.clock, &app.report));
            }
            let shadow = app.shadow.as_ref();
            let scoring = shadow.map(|shadow| (shadow, scope.spawn(|| shadow.score(app))));
            let ended = runtime.block_on(serve(listener, tls, app, &stop));
            drop(watching);
            runtime.shutdown_timeout(Duration::from_millis(100)); // patience was had already
            if let Some((shadow, thread)) = scoring {
                shadow.close();
                let _ = thread.join(); // what it scored last is logged still
            }
            if let Some(journal) = &app.journal {
                journal.close();
            }
            ended.map_err(StartError::Serve)
        })
    }
}

/// Listens on a port, any free one if it is 0.
fn listening(host: &str, port: u16) -> Result<(TcpListener, SocketAddr), StartError> {
    let refused = |source| StartError::Listen {
        host: host.to_owned(),
        port,
        source,
    };
    let listener = TcpListener::bind((host, port)).map_err(refused)?;
    let address = listener.local_addr().map_err(StartError::Serve)?;
    listener.set_nonblocking(true).map_err(StartError::Serve)?;
    Ok((listener, address))
}

fn runtime() -> Result<Runtime, StartError> {
    Builder::new_multi_thread()
        .max_blocking_threads(PREDICTING)
        .thread_name("hpipe-serve")
        .enable_io()
        .enable_time()
        .build()
        .map_err(StartError::Serve)
}

async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    app: &Arc<App>,
    stop: &Notify,
) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let room = Arc::new(Semaphore::new(app.options.limits.connections));
    let (ending, ended) = watch::channel(());
    let mut connections = JoinSet::new();
    let accept = async {
        loop {
            let Ok(permit) = room.clone().acquire_owned().await else {
                return;
            };
            match listener.accept().await {
                Ok((stream, _)) => {
                    let (app, ended, tls) = (app.clone(), ended.clone(), tls.clone());
                    connections.spawn(async move {
                        connection(app, stream, tls, ended).await;
                        drop(permit);
                    });
                    while connections.try_join_next().is_some() {}
                }
                // A client that went away at once, or no more sockets: others may still be answered.
                Err(_) => tokio::time::sleep(BREATH).await,
            }
        }
    };
    tokio::select! {
        () = accept => {}
        () = stop.notified() => {}
    }
    drop(listener);
    app.is_ending.store(true, Ordering::Release);
    drop(ending);
    let all = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(app.options.limits.last_words, all).await; // who is not done by then never will
    Ok(())
}

/// Answers the requests of one connection, one after the other.
async fn connection(
    app: Arc<App>,
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    mut ended: watch::Receiver<()>,
) {
    let _ = stream.set_nodelay(true); // an answer is one piece anyway
    let idle = app.options.limits.idle;
    let stream = Patience::new(stream, idle);
    let Some(tls) = tls else {
        return requests(app, stream, ended).await;
    };
    let greeted = tokio::select! {
        greeted = tokio::time::timeout(idle, tls.accept(stream)) => greeted,
        _ = ended.changed() => return,
    };
    if let Ok(Ok(stream)) = greeted {
        requests(app, stream, ended).await; // whoever speaks no TLS, or not at all, is let go
    }
}

/// Answers the requests that come on a stream.
async fn requests<S>(app: Arc<App>, stream: S, mut ended: watch::Receiver<()>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let idle = app.options.limits.idle;
    let service = service_fn(move |request| {
        let app = app.clone();
        async move { Ok::<_, Infallible>(handle::answer(app, request).await) }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(idle)
            .serve_connection(TokioIo::new(stream), service)
    );
    tokio::select! {
        _ = connection.as_mut() => {} // what a client broke, the client knows
        _ = ended.changed() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

/// Lets as many connections be open as the system permits; what it does not permit is done without.
fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, Rlimit { current, ..limit });
}
