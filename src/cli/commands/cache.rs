//! `hpipe cache`: what the cache holds.

use hpipe_core::{Content, ContentKind};
use hpipe_store::Error as StoreError;

use crate::args::CacheRestore;
use crate::error::{Error, Exit};
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
    let what = described(&restored?);
    session
        .ui
        .note(&format!("restored {} ({what})", arguments.path));
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
