//! Reads folders back from the object store.
//!
//! A folder's entries are all that its nodes hold between them. Every node is verified against its digest and its form;
//! one that is missing or damaged makes the folder missing, see `objects`.

use hpipe_core::{Content, ContentKind};

use crate::Error;
use crate::objects::{ObjectId, Objects};
use crate::tree::{self, Entry, Node};

/// The name of the object that a content points to.
pub(crate) const fn object_of(content: &Content) -> ObjectId {
    ObjectId {
        digest: content.digest,
        size: content.object_size,
    }
}

/// The entries of a folder, sorted by name; none when one of its own nodes is missing or damaged.
///
/// # Errors
/// [`Error::Read`] when a node is there but cannot be read.
pub(crate) fn entries(objects: Objects<'_>, folder: &Content) -> Result<Option<Vec<Entry>>, Error> {
    let mut entries = Vec::new();
    let whole = collect(objects, folder, &mut entries)?;
    let in_order = entries.is_sorted_by(|a, b| a.name < b.name);
    Ok((whole && in_order).then_some(entries))
}

fn collect(objects: Objects<'_>, node: &Content, into: &mut Vec<Entry>) -> Result<bool, Error> {
    let Some(bytes) = objects.read(object_of(node))? else {
        return Ok(false);
    };
    match tree::decode(&bytes) {
        Ok(Node::Leaf(entries)) => into.extend(entries),
        Ok(Node::Index(children)) => {
            for child in children {
                if !collect(objects, &child.content, into)? {
                    return Ok(false);
                }
            }
        }
        Err(error) => {
            // Its bytes are what its digest says: it was never a node, and moving it aside would mend nothing.
            let path = objects.path(node.digest);
            objects
                .warnings
                .add(format!("{} is no folder node: {error}", path.display()));
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether all objects below a content are there: nodes are read and verified, files checked by size.
pub(crate) fn is_whole(objects: Objects<'_>, content: &Content) -> bool {
    match content.kind {
        ContentKind::File => objects.has(object_of(content)),
        ContentKind::Folder => match entries(objects, content) {
            Ok(Some(entries)) => entries
                .iter()
                .all(|entry| is_whole(objects, &entry.content)),
            _ => false,
        },
    }
}
