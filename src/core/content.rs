//! What lies at a path: a file's bytes or a folder's tree.

use crate::Digest;

/// Whether a [`Content`] is a file or a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContentKind {
    /// A file; its digest is that of its bytes.
    File,
    /// A folder; its digest is that of its root node (`docs/formats/tree.md`).
    Folder,
}

impl ContentKind {
    /// The word for this kind in text formats.
    pub const fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Folder => "folder",
        }
    }
}

/// What lies at a path, by content: names, times and owners play no part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Content {
    /// File or folder.
    pub kind: ContentKind,
    /// The digest of the file's bytes, or of the folder's root node.
    pub digest: Digest,
    /// Bytes: of the file, or of the folder's root node as stored.
    pub object_size: u64,
    /// Bytes of all files: the file's own, or the sum over the folder.
    pub size: u64,
    /// Number of files: 1 for a file.
    pub files: u64,
    /// Whether the file's owner may execute it; false for a folder. Part of what a stage reads
    /// and makes, though not of the digest.
    pub executable: bool,
}

impl Content {
    /// The content of a file of `size` bytes.
    pub const fn file(digest: Digest, size: u64, executable: bool) -> Self {
        Self {
            kind: ContentKind::File,
            digest,
            object_size: size,
            size,
            files: 1,
            executable,
        }
    }

    /// Whether both are the same file bytes or the same folder tree, whatever the file's executable bit says.
    pub fn same_bytes(&self, other: &Self) -> bool {
        self.kind == other.kind && self.digest == other.digest
    }

    /// Whether nobody could tell both apart: the same bytes, and for a file the same executable bit.
    pub fn same(&self, other: &Self) -> bool {
        self.same_bytes(other) && self.executable == other.executable
    }
}
