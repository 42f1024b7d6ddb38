//! Reruns what a change of data, params or pipeline makes stale, until the user interrupts.
//!
//! Watches the folders that hold source files (editors replace a file rather than write it) and source folders whole;
//! an event about any other path, a stage's outs among them, wakes nobody. Changes that come while stages execute are
//! kept and wake the next round; only what they touch executes again, for everything else is up to date.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use hpipe_core::{Event, EventSink, ProjectPath};
use notify::{EventKind, RecommendedWatcher, RecursiveMode};
use notify_debouncer_full::{DebounceEventResult, Debouncer, RecommendedCache, new_debouncer};

use crate::repro::{ReproOptions, repro};
use crate::workspace::Workspace;
use crate::{Cancellation, Error};

/// Editors write a file in several steps; changes this close together are one.
const DEBOUNCE: Duration = Duration::from_millis(50);

/// Makes the selected stages up to date, and again after each change, until `cancellation` is requested.
///
/// `report` is told why a round could not be carried out (a faulty pipeline file, a missing dep); the next change may
/// mend it.
///
/// # Errors
/// [`Error::Watch`] when the machine cannot watch; any error of the first opening of the project came before.
pub fn watch(
    mut workspace: Workspace,
    options: &ReproOptions,
    sink: &dyn EventSink,
    cancellation: &Cancellation,
    report: &dyn Fn(Error),
) -> Result<(), Error> {
    let (sender, receiver) = channel();
    let wake = sender.clone();
    cancellation.subscribe(move |_| {
        // Nobody listens once the loop is over.
        let _ = wake.send(Message::Cancelled);
    });
    let mut watcher = Watcher::new(&workspace, move |paths| {
        let _ = sender.send(Message::Changed(paths));
    })?;
    loop {
        watcher.follow(&workspace)?;
        if let Err(error) = repro(&workspace, options, sink, cancellation) {
            report(error);
        }
        sink.emit(&Event::Watching {
            paths: watcher.sources.len(),
        });
        loop {
            let Some(paths) = watcher.wait(&receiver) else {
                return Ok(());
            };
            sink.emit(&Event::Woke { paths });
            match workspace.reopen() {
                Ok(reopened) => {
                    workspace = reopened;
                    break;
                }
                Err(error) => {
                    report(error);
                    sink.emit(&Event::Watching {
                        paths: watcher.sources.len(),
                    });
                }
            }
        }
    }
}

enum Message {
    Changed(Vec<PathBuf>),
    Cancelled,
}

struct Watcher {
    debouncer: Debouncer<RecommendedWatcher, RecommendedCache>,
    root: PathBuf,
    /// Paths whose change wakes.
    sources: BTreeSet<ProjectPath>,
    /// Folders the kernel watches for us.
    folders: BTreeSet<(PathBuf, bool)>,
}

impl Watcher {
    fn new(
        workspace: &Workspace,
        tell: impl Fn(Vec<PathBuf>) + Send + 'static,
    ) -> Result<Self, Error> {
        let root = workspace.location().root.clone();
        let handler = move |result: DebounceEventResult| {
            // An error of the watcher itself (a queue that ran over) says "anything may have changed".
            tell(match result {
                Ok(events) => events
                    .iter()
                    .filter(|e| is_change(e.kind))
                    .flat_map(|e| e.paths.clone())
                    .collect(),
                Err(errors) => errors.iter().flat_map(|e| e.paths.clone()).collect(),
            });
        };
        let debouncer = new_debouncer(DEBOUNCE, None, handler).map_err(|source| Error::Watch {
            path: root.clone(),
            source,
        })?;
        Ok(Self {
            debouncer,
            root,
            sources: BTreeSet::new(),
            folders: BTreeSet::new(),
        })
    }

    /// Watches what `workspace` reads and no stage makes.
    fn follow(&mut self, workspace: &Workspace) -> Result<(), Error> {
        self.sources = sources(workspace);
        let wanted = self
            .sources
            .iter()
            .map(|path| self.place(path))
            .collect::<BTreeSet<_>>();
        for (folder, _) in self.folders.difference(&wanted) {
            // A folder that is gone is no longer watched anyway.
            let _ = self.debouncer.unwatch(folder);
        }
        for (folder, whole) in wanted.difference(&self.folders) {
            let mode = if *whole {
                RecursiveMode::Recursive
            } else {
                RecursiveMode::NonRecursive
            };
            let watched = self.debouncer.watch(folder, mode);
            watched.map_err(|source| Error::Watch {
                path: folder.clone(),
                source,
            })?;
        }
        self.folders = wanted;
        Ok(())
    }

    /// The folder to watch for changes of `path`, and whether with everything below: a folder itself, or the nearest
    /// existing folder around a file.
    fn place(&self, path: &ProjectPath) -> (PathBuf, bool) {
        let on_disk = path.on_disk(&self.root);
        if on_disk.is_dir() {
            return (on_disk, true);
        }
        let around = on_disk.ancestors().skip(1).find(|folder| folder.is_dir());
        (around.unwrap_or(&self.root).to_owned(), false)
    }

    /// The sources that changed; none when the user wants to stop.
    fn wait(&self, receiver: &Receiver<Message>) -> Option<Vec<ProjectPath>> {
        loop {
            let first = receiver.recv().ok()?;
            let mut changed = BTreeSet::new();
            for message in std::iter::once(first).chain(receiver.try_iter()) {
                match message {
                    Message::Cancelled => return None,
                    Message::Changed(paths) => {
                        changed.extend(paths.iter().filter_map(|path| self.source(path)))
                    }
                }
            }
            if !changed.is_empty() {
                return Some(changed.into_iter().collect());
            }
        }
    }

    /// The source that a changed path is or belongs to.
    fn source(&self, path: &Path) -> Option<ProjectPath> {
        let text = path.strip_prefix(&self.root).unwrap_or(path).to_str()?;
        let path = ProjectPath::new(text);
        let is_source = self
            .sources
            .iter()
            .any(|source| path.is_within(source) || source.is_within(&path));
        is_source.then_some(path)
    }
}

const fn is_change(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_) | EventKind::Any
    )
}

/// Every path whose change can make a stage stale: pipeline, vars and params files, and deps that no stage makes.
fn sources(workspace: &Workspace) -> BTreeSet<ProjectPath> {
    let stages = &workspace.pipeline().stages;
    let deps = stages
        .iter()
        .flat_map(|stage| stage.deps.iter().map(|dep| &dep.path));
    let params = stages
        .iter()
        .flat_map(|stage| stage.params.iter().map(|param| &param.file));
    let made = |path: &&ProjectPath| workspace.graph().makers(path).next().is_some();
    let read = workspace
        .pipeline()
        .read
        .iter()
        .chain([&workspace.location().file]);
    deps.chain(params)
        .filter(|path| !made(path))
        .chain(read)
        .cloned()
        .collect()
}
