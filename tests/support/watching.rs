//! A hpipe that watches, and what came of each of its rounds.

use rustix::process::Signal;
use serde_json::Value;

use super::{Live, Project, text};

/// A watching hpipe, and what it has to say of its rounds.
pub(crate) struct Watch {
    pub(crate) live: Live,
}

impl Watch {
    /// One that was started.
    pub(crate) const fn on(live: Live) -> Self {
        Self { live }
    }

    /// Starts to watch and waits for the end of the first round.
    pub(crate) fn start(project: &Project) -> (Self, Round) {
        Self::start_with(project, ["watch", "--json"])
    }

    /// As [`start`](Self::start), by these words.
    pub(crate) fn start_with<const N: usize>(project: &Project, words: [&str; N]) -> (Self, Round) {
        let mut watch = Self::on(Live::start(&mut project.hpipe(words)));
        let (events, watching) = watch.live.until("watching");
        assert!(watching["paths"].as_u64() > Some(0), "{watching}");
        (
            watch,
            Round {
                woken_by: Value::Null,
                events,
            },
        )
    }

    /// Waits until a change wakes it and the round that follows is over.
    pub(crate) fn round(&mut self) -> Round {
        let (before, woke) = self.live.until("woke");
        assert!(
            before.is_empty(),
            "nothing happens before something changes: {before:?}"
        );
        let (events, _) = self.live.until("watching");
        Round {
            woken_by: woke["paths"].clone(),
            events,
        }
    }

    /// Ends it as a user does.
    pub(crate) fn interrupt(self) {
        self.live.signal(Signal::INT);
        let (status, events) = self.live.finish();
        assert_eq!(status.code(), Some(130), "{events:#?}");
    }
}

/// What happened between two times of watching.
pub(crate) struct Round {
    pub(crate) woken_by: Value,
    pub(crate) events: Vec<Value>,
}

impl Round {
    /// The stages that executed, sorted.
    pub(crate) fn executed(&self) -> Vec<&str> {
        let started = self
            .events
            .iter()
            .filter(|event| event["event"] == "stage_started");
        let mut names: Vec<_> = started.map(|event| text(&event["stage"])).collect();
        names.sort_unstable();
        names
    }

    /// The codes of the errors.
    pub(crate) fn errors(&self) -> Vec<&str> {
        self.events
            .iter()
            .filter(|event| event["event"] == "error")
            .map(|event| text(&event["code"]))
            .collect()
    }
}
