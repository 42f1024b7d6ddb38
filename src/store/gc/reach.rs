//! Follows digests through folder nodes to every object that a restore would ask for.

use std::collections::{BTreeMap, HashSet};

use hpipe_core::{Content, ContentKind, Digest};

use super::inventory::Thing;
use crate::Store;
use crate::file_hash::hash_bytes;
use crate::tree::{self, Node};

/// Objects by their digest.
pub(crate) type Objects = BTreeMap<Digest, Thing>;

/// The objects met so far.
pub(super) struct Reach<'a> {
    store: &'a Store,
    objects: &'a Objects,
    found: HashSet<Digest>,
    /// Those of them that were looked into.
    opened: HashSet<Digest>,
    bytes: u64,
    obscure: bool,
}

impl<'a> Reach<'a> {
    pub(super) fn new(store: &'a Store, objects: &'a Objects) -> Self {
        Self {
            store,
            objects,
            found: HashSet::new(),
            opened: HashSet::new(),
            bytes: 0,
            obscure: false,
        }
    }

    /// Bytes of all objects met.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The objects met; and whether a damaged node hid some.
    pub(super) fn found(self) -> (HashSet<Digest>, bool) {
        (self.found, self.obscure)
    }

    /// Adds these objects and, of those that may be folders, all below.
    pub(super) fn from(&mut self, roots: impl IntoIterator<Item = (Digest, bool)>) {
        let mut open: Vec<_> = roots.into_iter().collect();
        while let Some((digest, may_be_folder)) = open.pop() {
            let Some(object) = self.objects.get(&digest) else {
                continue;
            };
            if self.found.insert(digest) {
                self.bytes = self.bytes.saturating_add(object.bytes);
            }
            if may_be_folder && self.opened.insert(digest) {
                open.extend(self.below(digest, object));
            }
        }
    }

    /// Bytes that [`from`](Self::from) would add.
    pub(super) fn would_add(&self, roots: impl IntoIterator<Item = (Digest, bool)>) -> u64 {
        let mut trial = Self {
            found: HashSet::new(),
            opened: HashSet::new(),
            bytes: 0,
            ..*self
        };
        trial.from(roots);
        let new = trial.found.difference(&self.found);
        new.filter_map(|digest| self.objects.get(digest))
            .fold(0, |sum, object| sum.saturating_add(object.bytes))
    }

    /// What a node leads to; nothing for what is no node.
    fn below(&mut self, digest: Digest, object: &Thing) -> Vec<(Digest, bool)> {
        let bytes = match read_node(object) {
            Ok(Some(bytes)) => Some(bytes),
            Ok(None) => return Vec::new(),
            Err(_) => None,
        };
        let whole = bytes.filter(|bytes| hash_bytes(bytes) == digest);
        let Some(bytes) = whole else {
            self.obscure = true;
            self.store.warnings.add(format!(
                "the object {} is damaged, and may be a folder; no object is removed before `hpipe cache verify --repair`",
                object.path.display()
            ));
            return Vec::new();
        };
        match tree::decode(&bytes) {
            Ok(Node::Leaf(entries)) => entries.iter().map(|entry| root(&entry.content)).collect(),
            Ok(Node::Index(nodes)) => nodes.iter().map(|node| root(&node.content)).collect(),
            Err(_) => Vec::new(), // a file that begins as nodes do
        }
    }
}

fn root(content: &Content) -> (Digest, bool) {
    (content.digest, content.kind == ContentKind::Folder)
}

/// The bytes of what begins as a node does; nothing of what does not.
fn read_node(object: &Thing) -> std::io::Result<Option<Vec<u8>>> {
    use std::io::Read as _;

    let mut file = std::fs::File::open(&object.path)?;
    let mut bytes = Vec::new();
    file.by_ref()
        .take(tree::MAGIC.len() as u64)
        .read_to_end(&mut bytes)?;
    if bytes != tree::MAGIC {
        return Ok(None);
    }
    file.read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}
