//! Whether what a version is made of is still what was registered: asked before somebody relies on it.

use super::error::{LedgerError, Result};
use super::{Ledger, ModelVersion};

impl Ledger {
    /// Verifies every file that a version was registered with. Nothing is known of a version that a client of MLflow
    /// registered; it passes.
    ///
    /// # Errors
    /// [`LedgerError::DamagedArtifact`] of the first that is missing or another.
    pub fn check_files(&self, version: &ModelVersion) -> Result<()> {
        let (name, number) = (version.name.as_str(), version.version);
        let (folder, known) = self.read(|records| {
            let folder = records.version_folder(name, number)?;
            Ok((folder, records.registration(name, number)?))
        })?;
        for file in known.iter().flat_map(|known| &known.record.files) {
            let (path, digest) = (format!("{folder}/{}", file.stored_at()), file.digest);
            let stored = self.read(|records| records.artifact(&path))?;
            self.open_stored(&stored, &path)?;
            if stored.digest != digest {
                return Err(LedgerError::DamagedArtifact { path, digest });
            }
        }
        Ok(())
    }
}
