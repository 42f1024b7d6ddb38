//! `hpipe gc`: removes from the cache what nothing needs.

use std::io::{BufRead as _, IsTerminal as _, stdin};

use hpipe_engine::{GcScope, gc as collect};
use hpipe_store::{Garbage, GarbageKind, GarbageRules, Store};

use crate::amount::bytes;
use crate::args::Gc;
use crate::error::{Error, Exit};
use crate::json;
use crate::session::Session;
use crate::ui::count;

/// Says what goes, asks, and removes it.
pub(super) fn gc(session: &Session, arguments: &Gc) -> Result<Exit, Error> {
    let (location, store) = session.open_store()?;
    refuse_to_guess(&store, arguments)?;
    let projects = arguments.projects.iter();
    let scope = GcScope {
        all_branches: arguments.all_branches,
        all_tags: arguments.all_tags,
        all_commits: arguments.all_commits,
        revisions: arguments.revisions.clone(),
        ancestors: arguments.num,
        projects: projects.map(|project| location.on_disk(project)).collect(),
    };
    let rules = GarbageRules {
        older_than: arguments.older_than,
        keep_runs: arguments.keep_runs,
        keep_bytes: arguments.keep_size,
    };
    let asks = !arguments.dry && !arguments.force;
    if asks && !stdin().is_terminal() {
        return Err(Error::Usage {
            message: "nobody is there to be asked whether to remove what nothing needs".to_owned(),
            help: "`--dry` says what that is, `-f` removes it without asking".to_owned(),
        });
    }
    if asks && !wanted(session, &store, &scope, &rules)? {
        session.ui.note("nothing is removed");
        return Ok(Exit::Done);
    }
    let collected = collect(&store, &scope, &rules, arguments.dry);
    session.tell_store_warnings(&store);
    tell(session, arguments, &collected?);
    Ok(Exit::Done)
}

/// Makes sure that the user has said which projects share the cache.
fn refuse_to_guess(store: &Store, arguments: &Gc) -> Result<(), Error> {
    match store
        .shared_cache()
        .filter(|_| arguments.projects.is_empty())
    {
        None => Ok(()),
        Some(folder) => Err(Error::Usage {
            message: format!("other projects may need what is in {}", folder.display()),
            help: "name them after `--projects`; `--projects .` says that there are none".into(),
        }),
    }
}

/// Whether the user, having read what would go, wants that.
fn wanted(
    session: &Session,
    store: &Store,
    scope: &GcScope,
    rules: &GarbageRules,
) -> Result<bool, Error> {
    let garbage = collect(store, scope, rules, true)?;
    session.ui.talk(&sentence("would remove", &garbage));
    if garbage.total().count == 0 {
        return Ok(false);
    }
    session.ui.talk("remove it? [y/N]");
    let mut answer = String::new();
    let read = stdin().lock().read_line(&mut answer);
    read.map_err(|source| Error::File {
        attempt: "read",
        path: "the answer".into(),
        source,
    })?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn tell(session: &Session, arguments: &Gc, garbage: &Garbage) {
    if arguments.json {
        session.ui.data(&json::gc(garbage, arguments.dry));
        return;
    }
    let verb = if arguments.dry {
        "would remove"
    } else {
        "removed"
    };
    session.ui.note(&sentence(verb, garbage));
}

/// `removed 3 objects (1.5 KiB), 2 runs (1 KiB); kept 7 objects (3 MiB), 4 runs`
fn sentence(verb: &str, garbage: &Garbage) -> String {
    let removed = garbage.removed.iter();
    let mut removed: Vec<_> = removed
        .map(|(kind, tally)| {
            let n = usize::try_from(tally.count).unwrap_or(usize::MAX);
            match tally.bytes {
                0 => count(n, noun(*kind)),
                size => format!("{} ({})", count(n, noun(*kind)), bytes(size)),
            }
        })
        .collect();
    if removed.is_empty() {
        removed.push("nothing".to_owned());
    }
    let kept = |n: u64, noun| count(usize::try_from(n).unwrap_or(usize::MAX), noun);
    format!(
        "{verb} {}; kept {} ({}), {}",
        removed.join(", "),
        kept(garbage.kept_objects.count, "object"),
        bytes(garbage.kept_objects.bytes),
        kept(garbage.kept_runs.count, "run record"),
    )
}

const fn noun(kind: GarbageKind) -> &'static str {
    match kind {
        GarbageKind::Object => "object",
        GarbageKind::Run => "run record",
        GarbageKind::Memo => "remembered part",
        GarbageKind::Log => "log",
        GarbageKind::Damaged => "damaged object",
        GarbageKind::Temporary => "leftover",
        GarbageKind::Lock => "free lock",
    }
}
