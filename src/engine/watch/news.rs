//! What the kernel tells of changes, gathered until it is enough to act upon.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use hpipe_core::ProjectPath;
use notify::EventKind;
use notify::event::{AccessKind, AccessMode, ModifyKind, RenameMode};

use super::lookout::Lookout;
use super::sources::Sources;
use crate::alarm::Changed;

/// More files than this that changed together are the work of a tool, which will change more.
const FEW: usize = 4;

/// What the kernel says that changed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Something about these paths.
    At(Vec<PathBuf>, Step),
    /// Nobody knows what: events were lost.
    Anything,
}

/// How far a change has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// More is to come: a file is being written, or went away and may be about to be replaced.
    Begun,
    /// The file is as it will stay: its writer closed it, or it was renamed into place.
    Done,
    /// Only times or permissions.
    Aside,
}

impl Change {
    /// What an event speaks of; none when it is about no change.
    ///
    /// When the kernel's queue ran over, its word is an event of no path that asks for a rescan.
    pub(super) fn of(event: notify::Result<notify::Event>) -> Option<Self> {
        match event {
            Err(_) => Some(Self::Anything),
            Ok(event) if event.need_rescan() => Some(Self::Anything),
            Ok(event) => step(event.kind).map(|step| Self::At(event.paths, step)),
        }
    }
}

const fn step(kind: EventKind) -> Option<Step> {
    match kind {
        // The only word there is of what was written through a mapping into memory, and the last of any other writing.
        EventKind::Access(AccessKind::Close(AccessMode::Write))
        | EventKind::Modify(ModifyKind::Name(RenameMode::To | RenameMode::Both)) => {
            Some(Step::Done)
        }
        EventKind::Modify(ModifyKind::Metadata(_)) => Some(Step::Aside),
        EventKind::Any | EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_) => {
            Some(Step::Begun)
        }
        EventKind::Access(_) | EventKind::Other => None,
    }
}

/// What woke the watch.
#[derive(Debug)]
pub(super) struct Woken {
    /// The sources that changed, all of them when nobody knows which.
    pub(super) paths: Vec<ProjectPath>,
    /// One of them says what is to be done, not only with what.
    pub(super) redefines: bool,
    /// Each of them is a file that is there: no folder, no link, nothing that has gone.
    pub(super) files_only: bool,
}

/// The changes of sources since the watch last looked.
#[derive(Debug, Default)]
pub(super) struct News {
    changed: BTreeSet<ProjectPath>,
    /// Where on disk.
    places: BTreeSet<PathBuf>,
    /// Those of the places that may not be finished.
    begun: BTreeSet<PathBuf>,
    anything: bool,
}

impl News {
    /// Adds a change and says whether it is one of a source.
    pub(super) fn add(&mut self, change: Change, sources: &Sources, lookout: &mut Lookout) -> bool {
        match change {
            Change::Anything => {
                self.anything = true;
                self.changed.extend(sources.named.iter().cloned());
                true
            }
            Change::At(paths, step) => {
                let mut is_any = false;
                for path in paths {
                    let mut told = BTreeSet::new();
                    lookout.tell(&path, &mut told);
                    if !told.is_empty() {
                        is_any = true;
                        self.note(told, path, step);
                    }
                }
                is_any
            }
        }
    }

    fn note(&mut self, mut told: BTreeSet<ProjectPath>, place: PathBuf, step: Step) {
        self.changed.append(&mut told);
        match step {
            Step::Begun => {
                self.begun.insert(place.clone());
            }
            Step::Done => {
                self.begun.remove(&place);
            }
            Step::Aside => {}
        }
        self.places.insert(place);
    }

    /// Whether no source changed.
    pub(super) fn is_none(&self) -> bool {
        self.changed.is_empty()
    }

    /// Whether it is a few files, and each is finished.
    pub(super) fn is_settled(&self) -> bool {
        !self.anything && self.begun.is_empty() && self.places.len() <= FEW
    }

    /// Adds what happened after these.
    pub(super) fn add_later(&mut self, mut later: Self) {
        self.begun.retain(|place| !later.places.contains(place));
        self.begun.append(&mut later.begun);
        self.changed.append(&mut later.changed);
        self.places.append(&mut later.places);
        self.anything |= later.anything;
    }

    /// These changes, to whoever executes.
    pub(super) fn alarm(&self, sources: &Sources) -> Changed {
        Changed {
            paths: self.changed.iter().cloned().collect(),
            redefines: self.redefines(sources),
        }
    }

    fn redefines(&self, sources: &Sources) -> bool {
        self.anything || self.changed.iter().any(|path| sources.defines(path))
    }

    pub(super) fn woken(self, sources: &Sources) -> Woken {
        let is_file = |place: &Path| fs::symlink_metadata(place).is_ok_and(|found| found.is_file());
        Woken {
            redefines: self.redefines(sources),
            files_only: !self.anything && self.places.iter().all(|place| is_file(place)),
            paths: self.changed.into_iter().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use notify::event::{CreateKind, DataChange, Flag, MetadataKind};

    use super::*;

    fn at(kind: EventKind) -> Option<Change> {
        Change::of(Ok(notify::Event::new(kind).add_path(PathBuf::from("/x"))))
    }

    fn told(step: Step) -> Option<Change> {
        Some(Change::At(vec![PathBuf::from("/x")], step))
    }

    #[test]
    fn what_the_kernel_could_not_tell_is_any_change() {
        let overflow = notify::Event::new(EventKind::Other).set_flag(Flag::Rescan);
        assert_eq!(Change::of(Ok(overflow)), Some(Change::Anything));
        let error = notify::Error::generic("the disk is gone");
        assert_eq!(Change::of(Err(error)), Some(Change::Anything));
    }

    #[test]
    fn a_file_is_finished_when_it_is_closed_or_renamed_into_place() {
        let modify = |kind| at(EventKind::Modify(kind));
        let access = |kind| at(EventKind::Access(kind));
        assert_eq!(at(EventKind::Create(CreateKind::File)), told(Step::Begun));
        assert_eq!(modify(ModifyKind::Data(DataChange::Any)), told(Step::Begun));
        assert_eq!(
            modify(ModifyKind::Name(RenameMode::From)),
            told(Step::Begun)
        );
        assert_eq!(modify(ModifyKind::Name(RenameMode::To)), told(Step::Done));
        assert_eq!(
            access(AccessKind::Close(AccessMode::Write)),
            told(Step::Done)
        );
        assert_eq!(
            modify(ModifyKind::Metadata(MetadataKind::Any)),
            told(Step::Aside)
        );
        assert_eq!(access(AccessKind::Close(AccessMode::Read)), None);
        assert_eq!(access(AccessKind::Open(AccessMode::Any)), None);
    }

    #[test]
    fn what_is_begun_is_waited_for() {
        let mut news = News::default();
        let mut note = |place: &str, step| {
            let told = BTreeSet::from([ProjectPath::new("x")]);
            news.note(told, PathBuf::from(place), step);
            news.is_settled()
        };
        assert!(note("/x", Step::Aside));
        assert!(!note("/x", Step::Begun));
        assert!(!note("/x", Step::Aside));
        assert!(note("/x", Step::Done));
        assert!(note("/1", Step::Done) && note("/2", Step::Done) && note("/3", Step::Done));
        assert!(!note("/4", Step::Done), "too many for an editor");
    }
}
