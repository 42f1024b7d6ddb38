//! Which alerts were posted where, and when: what `monitor` must know to tell nobody the same thing every hour.

use rusqlite::{OptionalExtension as _, params};

use super::error::Result;
use super::{Change, Records};

/// An alert as somebody was told of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PostedAlert {
    /// The digest of the address.
    pub webhook: String,
    /// The version, `house/3`.
    pub model: String,
    /// What it is about.
    pub kind: String,
    /// Of which metric or column.
    pub subject: String,
}

impl Records<'_> {
    /// How bad such an alert was when it was posted last, and when that was, in milliseconds since 1970; none if it never was.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn posted(&self, alert: &PostedAlert) -> Result<Option<(String, i64)>> {
        let sql = "SELECT severity, posted_at FROM posted_alerts
                   WHERE webhook = ?1 AND model = ?2 AND kind = ?3 AND subject = ?4";
        let mut statement = self.connection.prepare_cached(sql)?;
        let key = [&alert.webhook, &alert.model, &alert.kind, &alert.subject];
        let found = statement.query_row(key, |row| Ok((row.get(0)?, row.get(1)?)));
        Ok(found.optional()?)
    }
}

impl Change<'_> {
    /// Notes that an alert was posted, now.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn note_posted(&self, alert: &PostedAlert, severity: &str) -> Result<()> {
        let sql = "INSERT INTO posted_alerts (webhook, model, kind, subject, severity, posted_at)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                   ON CONFLICT DO UPDATE SET severity = excluded.severity, posted_at = excluded.posted_at";
        self.connection.prepare_cached(sql)?.execute(params![
            alert.webhook,
            alert.model,
            alert.kind,
            alert.subject,
            severity,
            self.now
        ])?;
        Ok(())
    }
}
