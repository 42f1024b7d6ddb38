//! `hpipe cache`: what the cache holds, and whether it is whole.

use hpipe_core::{Content, ContentKind};
use hpipe_store::{Error as StoreError, Fault, Mended, Reference, Referrer, Verification};

use crate::amount::bytes;
use crate::args::{CacheRestore, CacheVerify};
use crate::error::{Error, Exit};
use crate::json;
use crate::session::Session;
use crate::ui::count;

/// Puts the file or folder stored under a digest at a path where nothing is.
pub(super) fn restore(session: &Session, arguments: &CacheRestore) -> Result<Exit, Error> {
    let workspace = session.open()?;
    let (location, store) = (workspace.location(), workspace.store());
    let path = location.folder.join(&arguments.path);
    let target = path.on_disk(&location.root);
    if target.symlink_metadata().is_ok() {
        return Err(Error::Usage {
            message: format!("{} already exists", arguments.path),
            help: "name a path where nothing is, and compare".to_owned(),
        });
    }
    let restored = store.stored(&arguments.digest).and_then(|stored| {
        let content = stored.ok_or(StoreError::NotInCache {
            path: target,
            digest: arguments.digest,
        })?;
        store.restore(&content, &path).map(|()| content)
    });
    session.tell_warnings(&workspace);
    let content = restored?;
    if arguments.json {
        session.ui.data(&json::restored(path.as_str(), &content));
    } else {
        let what = described(&content);
        let told = format!("restored {} ({what})", arguments.path);
        session.ui.note(&told);
    }
    Ok(Exit::Done)
}

/// `file of 12 bytes`
fn described(content: &Content) -> String {
    match content.kind {
        ContentKind::File => format!("file of {}", count(number(content.size), "byte")),
        ContentKind::Folder => format!("folder of {}", count(number(content.files), "file")),
    }
}

fn number(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

/// Reads everything in the cache and says what is damaged or missing; mends it if asked to.
pub(super) fn verify(session: &Session, arguments: &CacheVerify) -> Result<Exit, Error> {
    let (location, store) = session.open_store()?;
    let verified = hpipe_engine::verify(&store, &location, arguments.repair);
    store.flush();
    session.tell_store_warnings(&store);
    let found = verified?;
    if arguments.json {
        session.ui.data(&json::verification(&found, &location.root));
    } else {
        let faults = found.faults.iter().map(|fault| {
            let path = fault.path.strip_prefix(&location.root);
            fault_line(fault, path.unwrap_or(&fault.path))
        });
        let again = found.stored_again.iter();
        let again = again.map(|reference| line("stored", reference));
        let missing = found.missing.iter();
        let missing = missing.map(|reference| line("missing", reference));
        let lines: Vec<_> = faults.chain(again).chain(missing).collect();
        session.ui.data(&lines.join("\n"));
        session.ui.note(&summary(&found));
    }
    Ok(match found.is_bad() {
        true => Exit::StageFailed,
        false => Exit::Done,
    })
}

/// `damaged .cache/objects-v1/ab/cdef…: its bytes are not those it is named by; put aside`
fn fault_line(fault: &Fault, path: &std::path::Path) -> String {
    let mended = match fault.mended {
        None => "",
        Some(Mended::Recreated) => "; stored again from an out in place",
        Some(Mended::PutAside) => "; put aside, the next execution stores it anew",
        Some(Mended::Removed) => "; removed, it only spared time",
    };
    format!("damaged {}: {}{mended}", path.display(), fault.problem)
}

/// `missing model.txt of train (blake3:…)`
fn line(verb: &str, reference: &Reference) -> String {
    let Reference { by, path, content } = reference;
    let by = match by {
        Referrer::Stage(stage) => stage,
        Referrer::DataFile(file) => file.as_str(),
    };
    format!("{verb} {path} of {by} ({})", content.digest)
}

/// `read 7 objects (12 KiB), 4 run records: 1 damaged, 2 missing`
fn summary(found: &Verification) -> String {
    let read = [
        format!(
            "{} ({})",
            count(number(found.objects.count), "object"),
            bytes(found.objects.bytes)
        ),
        count(number(found.runs), "run record"),
        count(number(found.memo), "remembered part"),
    ];
    let mut told = vec![format!("{} damaged", found.faults.len())];
    if !found.stored_again.is_empty() {
        told.push(format!("{} stored again", found.stored_again.len()));
    }
    told.push(format!("{} missing", found.missing.len()));
    if found.incomplete_runs > 0 {
        let runs = count(number(found.incomplete_runs), "run record");
        told.push(format!("{runs} of which outs are missing"));
    }
    format!("read {}: {}", read.join(", "), told.join(", "))
}
