//! Everything hpipe keeps on disk: objects, run cache, stat cache, lock file, locks, logs.
//!
//! The way in is [`Store`]. It answers what lies at a path of the workspace ([`Store::content`]), keeps it
//! ([`Store::commit`]) and puts it back ([`Store::restore`]); it remembers executions by their stage key
//! ([`Store::run_record`]) and in `pipeline.lock` ([`Store::read_lock`]), and parts of them ([`Store::recall`]); it hands out the locks under which stages
//! execute and the folders their attempts write into.
//!
//! Two rules stand above the others. A wrong cache hit is the worst thing that can happen, so nothing is believed that
//! could have changed unnoticed (`stat_cache`, `clock`), and every byte is verified before it is put in place
//! (`restore`). A lost result is the second worst, so bytes are stored before references to them, and each file appears
//! whole or not at all (`disk`).
//!
//! Deliberately does not know what a stage means: keys are digests, names are texts, actions are written down as given.
//! Every file written here has a page in `docs/formats/`.

mod attempts;
mod cache_folder;
mod clock;
mod collection;
mod commit;
mod content;
mod data_file;
mod differences;
mod disk;
mod durations;
mod dvc;
mod error;
mod failpoint;
mod file_hash;
mod file_stat;
mod gc;
mod ignore_rules;
mod keep;
mod lock_file;
mod lock_format;
mod lock_mirror;
mod locks;
mod look;
mod memo;
mod objects;
mod outline;
mod pipeline_mirror;
mod placeholder;
mod removal;
mod replica;
mod restore;
mod run_cache;
mod scratch;
mod seal;
mod stat_cache;
mod store;
mod stored;
mod tree;
mod tree_reader;
mod unshare;
mod utc;
mod verify;
mod vital;
mod walk;
mod warnings;
mod witness;
mod workspace;
mod yaml;

pub use attempts::{Attempt, AttemptEnd, AttemptState, AttemptSummary};
pub use data_file::DATA_FILE_ENDING;
pub use dvc::DVC_FILE_ENDING;
pub use error::Error;
pub use file_hash::{hash_bytes, hash_path};
pub use gc::{Collector, Garbage, GarbageKind, GarbageRules, Needed, Tally};
pub use ignore_rules::IgnoreRules;
pub use keep::{Incoming, Keep, Parked};

pub use lock_file::{LockAction, LockDep, LockEntry, LockFile, LockOut, LockParams, LockStamp};
pub use locks::{LockName, StageLock};
pub use look::Look;
pub use outline::Difference;
pub use placeholder::{Placeholder, TemporaryFolder};
pub use restore::LinkType;
pub use run_cache::{OutRecord, Published, RunRecord, host};
pub use seal::{ConditionId, Names, Outside, Seal, SealDraft, SealedOutcome, SealedStage};
pub use store::Store;
pub use utc::{now_millis, readable_time};
pub use verify::{Fault, Mended, Reference, Referrer, Verification};
pub use workspace::write_anywhere;
