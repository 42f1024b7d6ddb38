//! The port through which a built-in stage keeps the parts of its work.
//!
//! The run cache knows a stage as a whole. A stage of many expensive parts (the trials of a search, the models of an
//! ensemble) remembers each part as soon as it is done, so that a killed execution resumes, and one with other options
//! recalls what both have in common.

use crate::Digest;

/// What executions of one built-in stage remember of their parts, from one to the next.
///
/// The memo is of one built-in in one version: keys of others never meet. It may forget anything at any time and is no
/// input of the stage, so a result must be the same bytes whether a part is recalled or computed again. Hence a key is
/// the digest of everything the part depends on (options, contents of deps, seed), and a value is nothing that differs
/// from one computation to the next; who wants to keep a duration keeps it out of the outs.
///
/// May be used from many threads at once.
pub trait Memo: Sync {
    /// The value remembered under `key`; none when there is none, or when the user wants everything computed anew.
    fn recall(&self, key: &Digest) -> Option<Vec<u8>>;

    /// Remembers `value` under `key`. The first value stands, unless the user wants everything computed anew.
    ///
    /// Costs one small file; when it cannot be written the user is warned, and the stage goes on.
    fn remember(&self, key: &Digest, value: &[u8]);
}

/// Remembers nothing: for tests, and wherever a stage is executed without a project.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoMemo;

impl Memo for NoMemo {
    fn recall(&self, _key: &Digest) -> Option<Vec<u8>> {
        None
    }

    fn remember(&self, _key: &Digest, _value: &[u8]) {}
}
