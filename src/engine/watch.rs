//! Reruns what a change of data, params or pipeline makes stale, until the user interrupts.
//!
//! Each round first watches, then reads: what changes before the watches stand is read, what changes later wakes the
//! next round, also while stages execute. To watch anew each time costs little beside a round, and finds folders that
//! were replaced and links that were set anew. What wakes is a change of a source (`sources`), seen where it really lies
//! (`lookout`); any other event, of a stage's outs among them, wakes nobody, and when the kernel lost count everything
//! is taken for changed. Too many rounds are harmless, for what is up to date does not execute; a change that wakes
//! nobody is not.
//!
//! Most often a file is saved that is a dep and nothing else. Then only the stages it reaches are looked at, in a short
//! round (`reach`), by the watches that stand already. And nobody waits by the clock for a file whose writer has closed
//! it, or that was renamed into place whole ([`SETTLED`]); one that is still open may be half a file ([`DEBOUNCE`]).
//!
//! A stage that fails is tried again in the next round, so one that writes, undeclared, into a source folder before it
//! fails keeps waking us.

mod lookout;
mod news;
mod reach;
mod sources;

use std::mem::take;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use hpipe_core::{Code, Diagnostic, Event, EventSink, Summary};
use notify::{Config, RecommendedWatcher, Watcher as _};

use crate::alarm::Alarm;
use crate::cancel::Subscription;
use crate::location::Location;
use crate::plan::Plan;
use crate::repro::{Assignment, Carried, ReproOptions, Round, perform, planned, repro};
use crate::workspace::Workspace;
use crate::{Cancellation, Error};
use lookout::Lookout;
use news::{Change, News, Woken};
use reach::Reach;
use sources::Sources;

/// Editors write a file in several steps, and git writes many files; changes this close together are one.
const DEBOUNCE: Duration = Duration::from_millis(50);

/// What is waited for after the last of a few whole files.
const SETTLED: Duration = Duration::from_millis(1);

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
            if options.dry {
                repro(&workspace, &options, sink, cancellation)?;
                return Ok(None);
            }
            let plan = planned(&workspace, &options)?;
            let round = watcher.during(|alarm| {
                let alarm = Some(alarm);
                let assignment = Assignment {
                    alarm,
                    ..Assignment::of(&plan)
                };
                perform(&workspace, &options, assignment, sink, cancellation)
            })?;
            Ok(Some(round))
        });
        let mut done = done.map_err(report).ok().flatten();
        let reach = done.as_ref();
        let reach = reach.and_then(|_| Reach::of(&workspace, &options));
        loop {
            sink.emit(&Event::Watching {
                paths: watcher.sources.named.len(),
            });
            let Some(woken) = watcher.wait() else {
                return Ok(());
            };
            let next = short(&workspace, reach.as_ref(), &woken, done);
            sink.emit(&Event::Woke { paths: woken.paths });
            let Some((plan, carried)) = next else {
                break;
            };
            let round = watcher.during(|alarm| {
                let assignment = Assignment {
                    plan: &plan,
                    carried: Some(carried),
                    alarm: Some(alarm),
                };
                perform(&workspace, &options, assignment, sink, cancellation)
            });
            done = round.map_err(|error| report(error.into())).ok();
        }
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

/// Whether every stage came to a good end, so that only a change can make one stale.
fn is_settled(round: &Round) -> bool {
    let Summary {
        failed,
        blocked,
        not_started,
        ..
    } = round.summary;
    failed + blocked + not_started == 0
}

/// The stages that a short round looks at, if that is enough.
fn short(
    workspace: &Workspace,
    reach: Option<&Reach>,
    woken: &Woken,
    done: Option<Round>,
) -> Option<(Plan, Carried)> {
    let carried = done.filter(is_settled)?.carried?;
    let reach = reach.filter(|_| woken.files_only)?;
    // What cannot be looked at is told by the whole round.
    let plan = reach.plan(workspace, woken, &carried).ok()?;
    Some((plan?, carried))
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
    RoundOver,
}

/// What there is to tell after listening for a while.
enum Heard {
    /// A change, and it seems to be all for now.
    News,
    /// The user wants to stop.
    Cancelled,
    /// The round is over.
    RoundOver,
}

/// Waits for a change of what the project reads.
struct Watcher<'a> {
    sources: Sources,
    lookout: Lookout,
    sender: Sender<Message>,
    receiver: Receiver<Message>,
    /// What was heard during the round, for the next one.
    news: News,
    is_cancelled: bool,
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
            sender,
            receiver,
            news: News::default(),
            is_cancelled: false,
            _subscription: subscription,
        })
    }

    /// What changed, as soon as that seems to be all; none when the user wants to stop.
    fn wait(&mut self) -> Option<Woken> {
        let mut news = take(&mut self.news);
        loop {
            if self.is_cancelled {
                return None;
            }
            match self.listen(&mut news) {
                Heard::News => return Some(news.woken(&self.sources)),
                Heard::Cancelled => self.is_cancelled = true,
                Heard::RoundOver => {}
            }
        }
    }

    /// Has `round` worked, and told of what changes meanwhile.
    fn during<R>(&mut self, round: impl FnOnce(&Alarm) -> R) -> R {
        let alarm = Alarm::default();
        let over = RoundOver(self.sender.clone());
        std::thread::scope(|threads| {
            threads.spawn(|| self.attend(&alarm));
            let _over = over;
            round(&alarm)
        })
    }

    /// Tells of changes until the round is over, and keeps them for the next.
    fn attend(&mut self, alarm: &Alarm) {
        loop {
            let mut news = News::default();
            let heard = self.listen(&mut news);
            if !news.is_none() {
                alarm.ring(news.alarm(&self.sources));
                self.news.add_later(news);
            }
            match heard {
                Heard::News => {}
                Heard::Cancelled => self.is_cancelled = true,
                Heard::RoundOver => return,
            }
        }
    }

    /// Adds to `news` until they seem to be all, or there is something else to tell.
    fn listen(&mut self, news: &mut News) -> Heard {
        while news.is_none() {
            let Ok(message) = self.receiver.recv() else {
                return Heard::Cancelled; // nobody is left who could tell of anything
            };
            match self.take(message, news) {
                Ok(_) => {}
                Err(heard) => return heard,
            }
        }
        let began = Instant::now();
        let mut last = began;
        loop {
            let pause = match news.is_settled() {
                true => SETTLED,
                false => DEBOUNCE,
            };
            let patience = (last + pause).min(began + LONGEST_DEBOUNCE);
            let left = patience.saturating_duration_since(Instant::now());
            match self.receiver.recv_timeout(left) {
                Ok(message) => match self.take(message, news) {
                    Ok(is_any) => last = if is_any { Instant::now() } else { last },
                    Err(heard) => return heard,
                },
                Err(RecvTimeoutError::Timeout) => return Heard::News,
                Err(RecvTimeoutError::Disconnected) => return Heard::Cancelled,
            }
        }
    }

    /// Adds what a message speaks of and says whether that concerns a source; or what it says instead.
    fn take(&mut self, message: Message, news: &mut News) -> Result<bool, Heard> {
        match message {
            Message::Cancelled => Err(Heard::Cancelled),
            Message::RoundOver => Err(Heard::RoundOver),
            Message::Changed(change) => Ok(news.add(change, &self.sources, &mut self.lookout)),
        }
    }
}

/// Dropped, also by a panic, it says that the round is over.
struct RoundOver(Sender<Message>);

impl Drop for RoundOver {
    fn drop(&mut self) {
        // Who listens, listens to the end.
        let _ = self.0.send(Message::RoundOver);
    }
}
