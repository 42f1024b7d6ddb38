//! Reruns what a change of data, params or pipeline makes stale, until the user interrupts.
//!
//! Each round first watches, then reads: what changes before the watches stand is read, what changes later wakes the
//! next round, also while stages execute. To watch anew each time costs little beside a round, and finds folders that
//! were replaced and links that were set anew. What wakes is a change of a source (`sources`), seen where it really lies
//! (`lookout`); any other event, of a stage's outs among them, wakes nobody, and when the kernel lost count everything
//! is taken for changed. Too many rounds are harmless, for what is up to date does not execute; a change that wakes
//! nobody is not.
//!
//! A stage that fails is tried again in the next round, so one that writes, undeclared, into a source folder before it
//! fails keeps waking us.

mod lookout;
mod sources;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use hpipe_core::{Code, Diagnostic, Event, EventSink, ProjectPath};
use notify::event::{AccessKind, AccessMode};
use notify::{Config, EventKind, RecommendedWatcher, Watcher as _};

use crate::cancel::Subscription;
use crate::location::Location;
use crate::repro::{ReproOptions, planned, repro};
use crate::workspace::Workspace;
use crate::{Cancellation, Error};
use lookout::Lookout;
use sources::Sources;

/// Editors write a file in several steps; changes this close together are one.
const DEBOUNCE: Duration = Duration::from_millis(50);

/// Who never stops changing things is not waited for longer than this.
const LONGEST_DEBOUNCE: Duration = Duration::from_secs(1);

/// Makes the selected stages up to date, and again after each change, until `cancellation` is requested.
///
/// `reopen` opens the project anew, with the settings as they are by then. `report` is told why a round could not be
/// carried out (a faulty pipeline file, a missing dep); the next change may mend it.
///
/// # Errors
/// [`Error::Watch`] when the machine cannot watch; [`Error::Invalid`] when there is nothing of the name that the user gave.
/// Any error of the first opening of the project came before.
pub fn watch<E: From<Error>>(
    mut workspace: Workspace,
    mut options: ReproOptions,
    sink: &dyn EventSink,
    cancellation: &Cancellation,
    reopen: &Reopen<'_, E>,
    report: &dyn Fn(E),
) -> Result<(), E> {
    refuse_unknown(&workspace, &options)?;
    loop {
        let (mut watcher, opened) = open(&workspace, cancellation, reopen)?;
        let done = opened.and_then(|opened| {
            (workspace, options) = opened;
            Ok(repro(&workspace, &options, sink, cancellation)?)
        });
        if let Err(error) = done {
            report(error);
        }
        sink.emit(&Event::Watching {
            paths: watcher.sources.named.len(),
        });
        let Some(paths) = watcher.wait() else {
            return Ok(());
        };
        sink.emit(&Event::Woke { paths });
    }
}

/// Opens the project anew, as the user wants it.
type Reopen<'a, E> = dyn Fn() -> Result<(Workspace, ReproOptions), E> + 'a;

/// What names nothing when it is written is a slip, and no change will mend it.
fn refuse_unknown(workspace: &Workspace, options: &ReproOptions) -> Result<(), Error> {
    let is_unknown = |fault: &Diagnostic| fault.code == Code::UnknownTarget;
    match planned(workspace, options) {
        Err(Error::Invalid {
            diagnostics,
            sources,
        }) if diagnostics.iter().any(is_unknown) => Err(Error::Invalid {
            diagnostics,
            sources,
        }),
        _ => Ok(()),
    }
}

/// What the project says when it is read, and whoever notices when that changes.
type Opened<'a, E> = (Watcher<'a>, Result<(Workspace, ReproOptions), E>);

/// Watches what the project reads and only then reads it; once more if it reads something else by now.
fn open<'a, E: From<Error>>(
    former: &Workspace,
    cancellation: &'a Cancellation,
    reopen: &Reopen<'_, E>,
) -> Result<Opened<'a, E>, Error> {
    let mut sources = Sources::of(former);
    loop {
        let watcher = Watcher::new(former.location(), sources, cancellation)?;
        let opened = reopen();
        let read = match &opened {
            Ok((workspace, _)) => Sources::of(workspace),
            Err(_) => {
                let files: Vec<_> = former.files().iter().map(|file| &file.path).collect();
                let sources = watcher.sources.clone();
                sources.and_attempted(former.location(), &files)
            }
        };
        if read == watcher.sources {
            return Ok((watcher, opened));
        }
        sources = read;
    }
}

enum Message {
    Changed(Change),
    Cancelled,
}

/// What the kernel says that changed.
#[derive(Debug, PartialEq, Eq)]
enum Change {
    At(Vec<PathBuf>),
    /// Nobody knows what: events were lost.
    Anything,
}

impl Change {
    /// What an event speaks of; none when it is about no change.
    ///
    /// When the kernel's queue ran over, its word is an event of no path that asks for a rescan.
    fn of(event: notify::Result<notify::Event>) -> Option<Self> {
        match event {
            Err(_) => Some(Self::Anything),
            Ok(event) if event.need_rescan() => Some(Self::Anything),
            Ok(event) => is_change(event.kind).then_some(Self::At(event.paths)),
        }
    }
}

const fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Any | EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_) => true,
        // The only word there is of what was written through a mapping into memory.
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) | EventKind::Other => false,
    }
}

/// Waits for a change of what the project reads.
struct Watcher<'a> {
    sources: Sources,
    lookout: Lookout,
    receiver: Receiver<Message>,
    _subscription: Subscription<'a>,
}

impl<'a> Watcher<'a> {
    /// From now on, a change of `sources` is noticed.
    fn new(
        location: &Location,
        sources: Sources,
        cancellation: &'a Cancellation,
    ) -> Result<Self, Error> {
        let root = &location.root;
        // Whoever sends may do so when nobody listens any more.
        let (sender, receiver) = channel();
        let wake = sender.clone();
        let subscription = cancellation.subscribe(move |_| {
            let _ = wake.send(Message::Cancelled);
        });
        if cancellation.is_requested() {
            let _ = sender.send(Message::Cancelled);
        }
        let tell = sender.clone();
        let handler = move |event| {
            if let Some(change) = Change::of(event) {
                let _ = tell.send(Message::Changed(change));
            }
        };
        let kernel = RecommendedWatcher::new(handler, Config::default());
        let kernel = kernel.map_err(|source| Error::Watch {
            path: root.clone(),
            source,
        })?;
        let lookout = Lookout::new(kernel, root, &sources)?;
        if lookout.has_missed {
            let _ = sender.send(Message::Changed(Change::Anything));
        }
        Ok(Self {
            sources,
            lookout,
            receiver,
            _subscription: subscription,
        })
    }

    /// The sources that changed, all of them when nobody knows which; none when the user wants to stop.
    fn wait(&mut self) -> Option<Vec<ProjectPath>> {
        let mut changed = BTreeSet::new();
        while changed.is_empty() {
            let message = self.receiver.recv().ok()?;
            self.take(message, &mut changed)?;
        }
        let began = Instant::now();
        let mut quiet_at = began + DEBOUNCE;
        loop {
            let patience = quiet_at.min(began + LONGEST_DEBOUNCE);
            let left = patience.saturating_duration_since(Instant::now());
            match self.receiver.recv_timeout(left) {
                Ok(message) => {
                    if self.take(message, &mut changed)? {
                        quiet_at = Instant::now() + DEBOUNCE;
                    }
                }
                Err(RecvTimeoutError::Timeout) => return Some(changed.into_iter().collect()),
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    /// Adds the sources a message speaks of and says whether there are any; none when the user wants to stop.
    fn take(&mut self, message: Message, changed: &mut BTreeSet<ProjectPath>) -> Option<bool> {
        let mut told = BTreeSet::new();
        match message {
            Message::Cancelled => return None,
            Message::Changed(Change::Anything) => told.extend(self.sources.named.iter().cloned()),
            Message::Changed(Change::At(paths)) => {
                for path in paths {
                    self.lookout.tell(&path, &mut told);
                }
            }
        }
        let is_any = !told.is_empty();
        changed.append(&mut told);
        Some(is_any)
    }
}

#[cfg(test)]
mod tests {
    use notify::event::{CreateKind, DataChange, Flag, ModifyKind};

    use super::*;

    #[test]
    fn what_the_kernel_could_not_tell_is_any_change() {
        let at = |kind| Change::of(Ok(notify::Event::new(kind).add_path(PathBuf::from("/x"))));
        let told = || Some(Change::At(vec![PathBuf::from("/x")]));
        assert_eq!(
            at(EventKind::Modify(ModifyKind::Data(DataChange::Any))),
            told()
        );
        assert_eq!(at(EventKind::Create(CreateKind::File)), told());
        let access = |kind| at(EventKind::Access(kind));
        assert_eq!(access(AccessKind::Close(AccessMode::Write)), told());
        assert_eq!(access(AccessKind::Close(AccessMode::Read)), None);
        assert_eq!(access(AccessKind::Open(AccessMode::Any)), None);

        let overflow = notify::Event::new(EventKind::Other).set_flag(Flag::Rescan);
        assert_eq!(Change::of(Ok(overflow)), Some(Change::Anything));
        let error = notify::Error::generic("the disk is gone");
        assert_eq!(Change::of(Err(error)), Some(Change::Anything));
    }
}
