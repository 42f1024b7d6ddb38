//! Reads everything in the cache and compares it with what it should be; mends what can be mended.
//!
//! Every command verifies what it uses. This reads the rest as well, before it is needed: objects against their names, run
//! records and the memo against their seals, the stat cache against its checksum, and whether all that lock files and run
//! records refer to is there. To mend is to put damaged objects aside and to remove other damaged files, and then to store
//! again whatever outs in place still have the content that is missing.
//!
//! Does not know where lock files lie: the caller hands in what they refer to.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::PathBuf;

use hpipe_core::{Content, Digest, ProjectPath};
use rayon::prelude::*;

use crate::gc::{Inventory, Thing};
use crate::stat_cache::StatCache;
use crate::warnings::Warnings;
use crate::{Error, Store, Tally, disk, file_hash, memo};

/// Something that refers to what must be in the cache.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// Who refers to it: a stage, or a data file.
    pub by: Referrer,
    /// Where it belongs in the workspace.
    pub path: ProjectPath,
    /// What it is.
    pub content: Content,
}

/// Who refers to something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Referrer {
    /// A stage, by name; it can make again what it refers to.
    Stage(String),
    /// A file of `hpipe add`; nobody can make what it refers to.
    DataFile(ProjectPath),
}

/// Something damaged.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// Where it lies.
    pub path: PathBuf,
    /// The digest an object is named by.
    pub digest: Option<Digest>,
    /// What is wrong: a lowercase fragment.
    pub problem: String,
    /// What was done about it.
    pub mended: Option<Mended>,
}

/// What was done about something damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mended {
    /// An out in place had the bytes: the object is whole again.
    Recreated,
    /// It was moved away, so that the next execution stores it anew.
    PutAside,
    /// It was removed: it only spares time.
    Removed,
}

/// What was read, and what was found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Verification {
    /// Objects read, and their bytes.
    pub objects: Tally,
    /// Run records read.
    pub runs: u64,
    /// Run records that refer to what is not there: their stages would execute again.
    pub incomplete_runs: u64,
    /// Entries of the memo read.
    pub memo: u64,
    /// What is damaged, by path.
    pub faults: Vec<Fault>,
    /// What lock files and data files refer to and is not whole in the cache, even after mending.
    pub missing: Vec<Reference>,
    /// What they refer to and was not there, and was stored again from outs in place.
    pub stored_again: Vec<Reference>,
}

impl Verification {
    /// Whether something damaged is left as it was, or lost its bytes, or nobody can make again what is missing.
    pub fn is_bad(&self) -> bool {
        let harmless =
            |fault: &Fault| matches!(fault.mended, Some(Mended::Recreated | Mended::Removed));
        let is_data = |missing: &Reference| matches!(missing.by, Referrer::DataFile(_));
        !self.faults.iter().all(harmless) || self.missing.iter().any(is_data)
    }
}

impl Store {
    /// Reads all there is in the cache and says what is damaged and what is missing; with `repair`, mends it.
    ///
    /// # Errors
    /// [`Error::Read`] when the cache cannot be listed; with `repair`, what writing the cache fails with.
    pub fn verify(&self, references: &[Reference], repair: bool) -> Result<Verification, Error> {
        let inventory = Inventory::of(self)?;
        let mut found = Verification::default();
        self.verify_objects(&inventory, &mut found);
        self.verify_records(&inventory, &mut found);
        if repair {
            self.mend(&mut found.faults)?;
        }
        found.faults.sort_by(|a, b| a.path.cmp(&b.path));
        self.look_for(references, repair, &mut found)?;
        for run in &inventory.runs {
            let outs = run.record.iter().flat_map(|record| &record.outs);
            let mut whole = true;
            for out in outs.filter(|out| out.cached) {
                whole &= self.has(&out.content)
                    || repair && self.store_again(&out.path, &out.content)?;
            }
            found.incomplete_runs += u64::from(!whole);
        }
        for fault in &mut found.faults {
            let lies_there = |digest: &Digest| self.cache.object(digest).exists();
            if fault.mended.is_some() && fault.digest.as_ref().is_some_and(lies_there) {
                fault.mended = Some(Mended::Recreated);
            }
        }
        Ok(found)
    }

    fn verify_objects(&self, inventory: &Inventory, found: &mut Verification) {
        for object in inventory.objects.values() {
            found.objects.add(object.bytes);
        }
        let objects: Vec<_> = inventory.objects.iter().collect();
        let faults: Vec<Fault> = Self::in_parallel(|| {
            let checked = objects.par_iter();
            checked
                .filter_map(|(digest, object)| object_fault(digest, object))
                .collect()
        });
        found.faults.extend(faults);
    }

    fn verify_records(&self, inventory: &Inventory, found: &mut Verification) {
        let fault = |path: PathBuf| Fault {
            path,
            digest: None,
            problem: "its bytes are not what was written".to_owned(),
            mended: None,
        };
        found.runs = inventory.runs.len() as u64;
        let damaged = inventory.runs.iter().filter(|run| run.record.is_none());
        found
            .faults
            .extend(damaged.map(|run| fault(run.thing.path.clone())));
        for (key, entry) in &inventory.memo {
            found.memo += 1;
            let is_damaged = match fs::read(&entry.path) {
                Ok(bytes) => memo::decode(key, bytes).is_none(),
                Err(error) => error.kind() != io::ErrorKind::NotFound,
            };
            if is_damaged {
                found.faults.push(fault(entry.path.clone()));
            }
        }
        let told = Warnings::default();
        StatCache::load(&self.cache.stat_cache(), &told);
        if !told.take().is_empty() {
            found.faults.push(fault(self.cache.stat_cache()));
        }
    }

    /// Puts damaged objects aside and removes other damaged files, while nobody publishes references to them.
    fn mend(&self, faults: &mut [Fault]) -> Result<(), Error> {
        if faults.is_empty() {
            return Ok(());
        }
        let mut removing = self.removing()?;
        removing.begin()?;
        for fault in faults {
            let (removed, mended) = match &fault.digest {
                // Somebody may have stored it anew since it was read.
                Some(digest) if is_whole(digest, &fault.path) => (Ok(()), Mended::Recreated),
                Some(digest) => (self.objects().move_aside(*digest), Mended::PutAside),
                None => (disk::remove_file(&fault.path), Mended::Removed),
            };
            match removed {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::remove(&fault.path)(error));
                }
                _ => fault.mended = Some(mended),
            }
        }
        Ok(())
    }

    /// Looks whether what lock files and data files refer to is there, each content once.
    fn look_for(
        &self,
        references: &[Reference],
        repair: bool,
        found: &mut Verification,
    ) -> Result<(), Error> {
        let mut seen = BTreeMap::new();
        for reference in references {
            let place = (reference.content.digest, reference.path.clone());
            if seen.insert(place, ()).is_some() || self.has(&reference.content) {
                continue;
            }
            let again = repair && self.store_again(&reference.path, &reference.content)?;
            match again {
                true => found.stored_again.push(reference.clone()),
                false => found.missing.push(reference.clone()),
            }
        }
        Ok(())
    }

    /// Stores what lies at a path, if it is this content; says whether that is in the cache then.
    fn store_again(&self, path: &ProjectPath, content: &Content) -> Result<bool, Error> {
        let in_place = self.content(path).ok().flatten();
        if !in_place.is_some_and(|now| now.same_bytes(content)) {
            return Ok(false);
        }
        self.commit(path)?;
        Ok(self.has(content))
    }
}

/// What is wrong with an object; nothing, too, when it has vanished meanwhile.
fn object_fault(digest: &Digest, object: &Thing) -> Option<Fault> {
    let problem = match hash(&object.path) {
        Ok(found) if found == *digest => return None,
        Ok(_) => "its bytes are not those it is named by".to_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => format!("it cannot be read: {error}"),
    };
    Some(Fault {
        path: object.path.clone(),
        digest: Some(*digest),
        problem,
        mended: None,
    })
}

fn is_whole(digest: &Digest, path: &std::path::Path) -> bool {
    hash(path).is_ok_and(|found| found == *digest)
}

fn hash(path: &std::path::Path) -> io::Result<Digest> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    file_hash::hash_file(&file, size, Store::pool)
}
