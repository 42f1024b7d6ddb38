//! How a round at work hears of changes: what `watch` notices while stages execute.
//!
//! Like a [`Cancellation`](crate::Cancellation), but said of some paths: whoever executes what reads them may begin it anew.

use std::mem::take;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hpipe_core::ProjectPath;

/// Sources that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Changed {
    /// Which, all of them when nobody knows.
    pub(crate) paths: Vec<ProjectPath>,
    /// One of them says what is to be done, not only with what: a pipeline, vars, settings or ignore file.
    pub(crate) redefines: bool,
}

/// Between one who notices changes and one who wants to know of them.
#[derive(Default)]
pub(crate) struct Alarm(Mutex<Hearing>);

type Tell = Box<dyn Fn(Changed) + Send>;

#[derive(Default)]
struct Hearing {
    listener: Option<Tell>,
    /// What happened before anybody listened.
    missed: Vec<Changed>,
}

impl Alarm {
    /// Tells who listens, or will.
    pub(crate) fn ring(&self, changed: Changed) {
        let mut hearing = self.hearing();
        match &hearing.listener {
            Some(tell) => tell(changed),
            None => hearing.missed.push(changed),
        }
    }

    /// Calls `tell` at each change, those included that nobody heard of so far.
    pub(crate) fn listen(&self, tell: impl Fn(Changed) + Send + 'static) {
        let mut hearing = self.hearing();
        for changed in take(&mut hearing.missed) {
            tell(changed);
        }
        hearing.listener = Some(Box::new(tell));
    }

    fn hearing(&self) -> MutexGuard<'_, Hearing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn who_comes_late_hears_all_of_it() {
        let changed = |path: &str| Changed {
            paths: vec![ProjectPath::new(path)],
            redefines: false,
        };
        let alarm = Alarm::default();
        alarm.ring(changed("before"));
        let (sender, heard) = channel();
        alarm.listen(move |changed| sender.send(changed).expect("the test listens"));
        alarm.ring(changed("after"));
        drop(alarm);
        assert_eq!(
            heard.iter().collect::<Vec<_>>(),
            [changed("before"), changed("after")]
        );
    }
}
