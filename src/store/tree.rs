//! The written form of a folder: a Merkle tree of nodes, each an object. Format page: `docs/formats/tree.md`.
//!
//! A folder is one node that lists its entries sorted by the bytes of their names; an entry that is itself a folder points
//! to that folder's node. So a folder's digest changes exactly when something below it does, equal sub-folders are one
//! object, and comparing two folders skips whatever is equal.
//!
//! A folder of more than [`MOST_ENTRIES`] entries is cut into several nodes below an index. Where to cut is decided by
//! the hash of the entries' names, so that it is a function of the set of entries alone: whoever builds the same folder in
//! whatever order gets the same nodes, and one entry more or less rewrites the node it falls into and the index above,
//! not the thousands beside it. An index grown too large is cut by the same rule, with rarer cuts a level.
//!
//! Pure: knows neither disk nor threads. Everything a node says is checked on reading ([`decode`]), for a node may come
//! from a cache that others write.

use std::ops::Range;

use hpipe_core::{Content, ContentKind, Digest, HashFunction};

/// `hpipe`, a zero byte, `T` for tree, and the version.
pub(crate) const MAGIC: [u8; 8] = *b"hpipe\0T\x01";

/// More entries than this are cut into several nodes; no node holds more.
const MOST_ENTRIES: usize = 1024;

/// No cut makes a node with fewer entries, but for the last one.
const FEWEST_ENTRIES: usize = 32;

/// Cuts come after one name in 2^8, on the index's level after one in 2^16, and so on.
const CUT_BITS: u32 = 8;

const LEAF: u8 = 0;
const INDEX: u8 = 1;
const FILE: u8 = 0;
const EXECUTABLE_FILE: u8 = 1;
const FOLDER: u8 = 2;

/// What a folder holds under one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The bytes of the name; neither empty, `.` nor `..`, and without `/` and NUL.
    pub(crate) name: Vec<u8>,
    /// The file or folder.
    pub(crate) content: Content,
}

/// A node below an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Child {
    /// The name of the last entry below it.
    pub(crate) last: Vec<u8>,
    /// The node's digest, bytes as stored, and the sums of all files' bytes and number below it.
    pub(crate) content: Content,
}

/// One object of a folder's tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    /// Some of the folder's entries, sorted by name.
    Leaf(Vec<Entry>),
    /// Nodes that hold the entries between them, in order.
    Index(Vec<Child>),
}

/// The bytes are no node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NotANode(&'static str);

/// Builds the tree of a folder and says what it is; hands each node's digest and bytes to `keep`, children first.
///
/// `entries` must be sorted by name without duplicates.
///
/// # Errors
/// Those of `keep`.
pub(crate) fn build<E>(
    entries: Vec<Entry>,
    keep: &mut dyn FnMut(Digest, Vec<u8>) -> Result<(), E>,
) -> Result<Content, E> {
    let cuts = groups(&entries, 0, |entry| &entry.name);
    let mut children = nodes(entries, &cuts, Node::Leaf, |entry| entry.name.clone(), keep)?;
    let mut level = 1;
    while children.len() > 1 {
        let cuts = groups(&children, level, |child| &child.last);
        children = nodes(
            children,
            &cuts,
            Node::Index,
            |child| child.last.clone(),
            keep,
        )?;
        level += 1;
    }
    match children.pop() {
        Some(root) => Ok(root.content),
        None => keep_node(&Node::Leaf(Vec::new()), keep), // the empty folder
    }
}

/// Encodes one node for each group of items.
fn nodes<T, E>(
    items: Vec<T>,
    cuts: &[Range<usize>],
    node: impl Fn(Vec<T>) -> Node,
    name: impl Fn(&T) -> Vec<u8>,
    keep: &mut dyn FnMut(Digest, Vec<u8>) -> Result<(), E>,
) -> Result<Vec<Child>, E> {
    let mut items = items.into_iter();
    let mut children = Vec::with_capacity(cuts.len());
    for cut in cuts {
        let group: Vec<T> = items.by_ref().take(cut.len()).collect();
        let last = group.last().map(&name).unwrap_or_default();
        let content = keep_node(&node(group), keep)?;
        children.push(Child { last, content });
    }
    Ok(children)
}

fn keep_node<E>(
    node: &Node,
    keep: &mut dyn FnMut(Digest, Vec<u8>) -> Result<(), E>,
) -> Result<Content, E> {
    let bytes = encode(node);
    let digest = Digest::blake3(*blake3::hash(&bytes).as_bytes());
    let (size, files) = totals(node);
    let object_size = bytes.len() as u64;
    keep(digest, bytes)?;
    Ok(folder(digest, object_size, size, files))
}

const fn folder(digest: Digest, object_size: u64, size: u64, files: u64) -> Content {
    Content {
        kind: ContentKind::Folder,
        digest,
        object_size,
        size,
        files,
        executable: false,
    }
}

/// Cuts the items of one level into groups, one a node.
fn groups<T>(items: &[T], level: u32, name: impl Fn(&T) -> &[u8]) -> Vec<Range<usize>> {
    if items.is_empty() {
        return Vec::new();
    }
    if items.len() <= MOST_ENTRIES {
        return std::iter::once(0..items.len()).collect();
    }
    let mut cuts = Vec::new();
    let mut start = 0;
    for (i, item) in items.iter().enumerate() {
        let length = i + 1 - start;
        let cut = length >= FEWEST_ENTRIES && cuts_after(name(item), level);
        if cut || length == MOST_ENTRIES || i + 1 == items.len() {
            cuts.push(start..i + 1);
            start = i + 1;
        }
    }
    cuts
}

/// Whether this name ends a node of this level, when it is not the folder's last.
fn cuts_after(name: &[u8], level: u32) -> bool {
    let hash = blake3::hash(name);
    let (head, _) = hash.as_bytes().split_at(8);
    let head = head.try_into().map_or(0, u64::from_le_bytes);
    head.trailing_zeros() >= (CUT_BITS * (level + 1)).min(u64::BITS)
}

/// The sums of bytes and number of the files below the node.
fn totals(node: &Node) -> (u64, u64) {
    let contents: &mut dyn Iterator<Item = &Content> = match node {
        Node::Leaf(entries) => &mut entries.iter().map(|entry| &entry.content),
        Node::Index(children) => &mut children.iter().map(|child| &child.content),
    };
    contents.fold((0, 0), |(size, files), content| {
        (
            size.saturating_add(content.size),
            files.saturating_add(content.files),
        )
    })
}

/// Writes a node: little-endian, every length before what it measures.
pub(crate) fn encode(node: &Node) -> Vec<u8> {
    let (kind, count) = match node {
        Node::Leaf(entries) => (LEAF, entries.len()),
        Node::Index(children) => (INDEX, children.len()),
    };
    let mut bytes = Vec::with_capacity(16 + count * 72);
    bytes.extend(MAGIC);
    bytes.extend([HashFunction::Blake3.tag(), kind, 0, 0]);
    bytes.extend(u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
    match node {
        Node::Leaf(entries) => {
            for entry in entries {
                put_item(&mut bytes, tag(&entry.content), &entry.name, &entry.content);
            }
        }
        Node::Index(children) => {
            for child in children {
                put_item(&mut bytes, FOLDER, &child.last, &child.content);
            }
        }
    }
    bytes
}

const fn tag(content: &Content) -> u8 {
    match (content.kind, content.executable) {
        (ContentKind::Folder, _) => FOLDER,
        (ContentKind::File, false) => FILE,
        (ContentKind::File, true) => EXECUTABLE_FILE,
    }
}

fn put_item(bytes: &mut Vec<u8>, tag: u8, name: &[u8], content: &Content) {
    bytes.push(tag);
    bytes.extend(u32::try_from(name.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend(name);
    bytes.extend(content.digest.as_bytes());
    bytes.extend(content.object_size.to_le_bytes());
    if tag == FOLDER {
        bytes.extend(content.size.to_le_bytes());
        bytes.extend(content.files.to_le_bytes());
    }
}

/// Reads a node.
///
/// # Errors
/// [`NotANode`] for anything [`encode`] would not have written: a wrong magic or version, bytes missing or left over,
/// names that are none, out of order or doubled.
pub(crate) fn decode(bytes: &[u8]) -> Result<Node, NotANode> {
    let mut reader = Reader { rest: bytes };
    if reader.take(MAGIC.len())? != MAGIC {
        return Err(NotANode("its header is not that of a folder node"));
    }
    let &[function, kind, 0, 0] = reader.take(4)? else {
        return Err(NotANode("its header is not that of a folder node"));
    };
    if function != HashFunction::Blake3.tag() {
        return Err(NotANode("it names an unknown hash function"));
    }
    let count = reader.u32()?;
    let mut items = Vec::new();
    for _ in 0..count {
        items.push(reader.item()?);
    }
    if !reader.rest.is_empty() {
        return Err(NotANode("bytes are left over"));
    }
    if !items.is_sorted_by(|a, b| a.name < b.name) {
        return Err(NotANode("its names are not in order"));
    }
    match kind {
        LEAF => Ok(Node::Leaf(items)),
        INDEX => index(items),
        _ => Err(NotANode("it is of an unknown kind")),
    }
}

/// The content of the folder whose root node has these bytes and this digest.
///
/// # Errors
/// Those of [`decode`].
pub(crate) fn content(digest: Digest, bytes: &[u8]) -> Result<Content, NotANode> {
    let (size, files) = totals(&decode(bytes)?);
    Ok(folder(digest, bytes.len() as u64, size, files))
}

fn index(items: Vec<Entry>) -> Result<Node, NotANode> {
    let child = |entry: Entry| match entry.content.kind {
        ContentKind::Folder => Ok(Child {
            last: entry.name,
            content: entry.content,
        }),
        ContentKind::File => Err(NotANode("its index points to a file")),
    };
    items
        .into_iter()
        .map(child)
        .collect::<Result<_, _>>()
        .map(Node::Index)
}

/// What is still to be read of a node.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], NotANode> {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(NotANode("it is cut short"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], NotANode> {
        let taken = self.take(N)?;
        taken.try_into().map_err(|_| NotANode("it is cut short"))
    }

    fn u32(&mut self) -> Result<u32, NotANode> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, NotANode> {
        self.array().map(u64::from_le_bytes)
    }

    fn item(&mut self) -> Result<Entry, NotANode> {
        let [tag] = self.array()?;
        let length = usize::try_from(self.u32()?).map_err(|_| NotANode("it is cut short"))?;
        let name = self.take(length)?;
        if !is_name(name) {
            return Err(NotANode("it holds a name that is none"));
        }
        let digest = Digest::blake3(self.array()?);
        let object_size = self.u64()?;
        let content = match tag {
            FILE | EXECUTABLE_FILE => Content::file(digest, object_size, tag == EXECUTABLE_FILE),
            FOLDER => folder(digest, object_size, self.u64()?, self.u64()?),
            _ => return Err(NotANode("it holds an entry of an unknown kind")),
        };
        Ok(Entry {
            name: name.to_vec(),
            content,
        })
    }
}

/// Whether a file may have this name: one that could lead out of its folder would let a node write anywhere.
fn is_name(name: &[u8]) -> bool {
    !matches!(name, b"" | b"." | b"..") && !name.iter().any(|byte| matches!(byte, b'/' | 0))
}

#[cfg(test)]
mod tests;
