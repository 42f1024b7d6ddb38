//! The log read back, for whoever watches a version: what it answered, in the order of logging.

use rusqlite::params;

use super::PredictionLog;
use crate::ledger::{LedgerError, Result};

/// A row that a version answered.
#[derive(Debug, Clone, PartialEq)]
pub struct LoggedRow {
    /// Its place in the log.
    pub number: i64,
    /// When, in milliseconds since 1970, UTC.
    pub time: i64,
    /// Microseconds from the head of the request to its predictions.
    pub latency: i64,
    /// The row as a JSON object, as the model took it.
    pub features: String,
    /// What was predicted; none if it was no finite number.
    pub prediction: Option<f64>,
    /// What became true, once somebody said it.
    pub truth: Option<f64>,
}

/// Which rows are asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Asked<'a> {
    /// Those that a version of this model answered.
    pub name: &'a str,
    /// Those of this version; without it, of all.
    pub version: Option<i64>,
    /// Those answered from then on, in milliseconds since 1970, UTC.
    pub since: i64,
    /// Only those of which it is known what became true.
    pub labelled: bool,
}

impl PredictionLog {
    /// The next of the rows that are asked for, after the row `after`, at most `limit`, in the order of logging.
    ///
    /// # Errors
    /// What the machine refuses.
    pub fn answered(&self, asked: Asked<'_>, after: i64, limit: usize) -> Result<Vec<LoggedRow>> {
        let sql = "SELECT p.number, p.time, p.latency, p.features, p.prediction, p.truth
                   FROM predictions p JOIN versions v ON v.number = p.version
                   WHERE v.name = ?1 AND (?2 IS NULL OR v.version = ?2) AND p.time >= ?3 AND p.number > ?4
                   AND (?5 = 0 OR p.truth IS NOT NULL)
                   ORDER BY p.number LIMIT ?6";
        let Asked {
            name,
            version,
            since,
            labelled,
        } = asked;
        let read = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            let rows = statement.query_map(
                params![name, version, since, after, labelled, limit as i64],
                |row| {
                    Ok(LoggedRow {
                        number: row.get(0)?,
                        time: row.get(1)?,
                        latency: row.get(2)?,
                        features: row.get(3)?,
                        prediction: row.get(4)?,
                        truth: row.get(5)?,
                    })
                },
            )?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(|error| LedgerError::of(&self.path, error))
    }

    /// How many rows others than this version answered from `since` on, and who.
    ///
    /// # Errors
    /// What the machine refuses.
    pub fn answered_by_others(
        &self,
        (name, version): (&str, i64),
        since: i64,
    ) -> Result<Vec<(String, usize)>> {
        let sql = "SELECT v.name || '/' || v.version, count(*) FROM predictions p JOIN versions v ON v.number = p.version
                   WHERE (v.name <> ?1 OR v.version <> ?2) AND p.time >= ?3
                   GROUP BY v.name, v.version ORDER BY v.name, v.version";
        let read = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            let rows = statement.query_map(params![name, version, since], |row| {
                Ok((row.get(0)?, row.get::<_, i64>(1)? as usize))
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(|error| LedgerError::of(&self.path, error))
    }

    /// Of how many of the rows that are asked for, after the row `after`, it is known what became true.
    ///
    /// # Errors
    /// What the machine refuses.
    pub fn truths(&self, asked: Asked<'_>, after: i64) -> Result<usize> {
        let sql = "SELECT count(*) FROM predictions p JOIN versions v ON v.number = p.version
                   WHERE v.name = ?1 AND (?2 IS NULL OR v.version = ?2) AND p.time >= ?3 AND p.number > ?4
                   AND p.truth IS NOT NULL";
        let values = params![asked.name, asked.version, asked.since, after];
        let truths = self
            .connection
            .query_row(sql, values, |row| row.get::<_, i64>(0));
        truths
            .map(|truths| truths as usize)
            .map_err(|error| LedgerError::of(&self.path, error))
    }

    /// The place of the newest row; 0 of an empty log.
    ///
    /// # Errors
    /// What the machine refuses.
    pub fn newest(&self) -> Result<i64> {
        let sql = "SELECT coalesce(max(number), 0) FROM predictions";
        let newest = self.connection.query_row(sql, [], |row| row.get(0));
        newest.map_err(|error| LedgerError::of(&self.path, error))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Answered, Truth};
    use super::*;
    use hpipe_core::{Column, Digest, Table};

    fn answered(version: i64, request: &str, time: i64, prices: &[f64]) -> Answered {
        let rooms = Column::number("rooms", prices.iter().map(|p| Some(p / 2.0)).collect());
        Answered {
            request: request.to_owned(),
            time,
            name: "house".to_owned(),
            version,
            digest: Digest::blake3([3; 32]),
            target: "price".to_owned(),
            is_shadow: false,
            latency: 41,
            rows: Table::new(vec![rooms]).expect("a table"),
            predictions: prices.to_vec(),
        }
    }

    #[test]
    fn a_version_sees_its_own_rows_page_by_page() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut log = PredictionLog::open(folder.path()).expect("opened");
        assert_eq!(log.newest().expect("read"), 0);
        let answers = [
            answered(1, "a", 10, &[1.0, 3.0]),
            answered(2, "b", 20, &[5.0]),
            answered(1, "c", 30, &[f64::NAN]),
        ];
        log.append(&answers).expect("appended");
        let truth = Truth {
            request: "a".to_owned(),
            row: 1,
            value: 2.5,
        };
        let mut join = log.join().expect("begun");
        join.add(&[truth]).expect("added");
        join.finish(false).expect("joined");
        let asked = |since| Asked {
            name: "house",
            version: Some(1),
            since,
            labelled: false,
        };
        let page = |since, after, limit| {
            let rows = log.answered(asked(since), after, limit);
            rows.expect("read")
                .into_iter()
                .map(|row| (row.number, row.time, row.prediction, row.truth))
                .collect::<Vec<_>>()
        };
        let all = [
            (1, 10, Some(1.0), None),
            (2, 10, Some(3.0), Some(2.5)),
            (4, 30, None, None),
        ];
        assert_eq!(page(0, 0, 9), all);
        assert_eq!(page(0, 1, 1), all[1..2]);
        assert_eq!(page(11, 0, 9), all[2..]);
        let others = log.answered_by_others(("house", 1), 0).expect("read");
        assert_eq!(others, [("house/2".to_owned(), 1)]);
        assert_eq!(log.newest().expect("read"), 4);
        let known = Asked {
            version: None,
            labelled: true,
            ..asked(0)
        };
        let rows = log.answered(known, 0, 9).expect("read");
        assert_eq!(
            (
                rows.len(),
                rows[0].number,
                log.truths(known, 0).expect("read")
            ),
            (1, 2, 1)
        );
        assert_eq!(log.truths(known, 2).expect("read"), 0);
        let first = &log.answered(asked(0), 0, 1).expect("read")[0];
        assert_eq!(
            (first.features.as_str(), first.latency),
            (r#"{"rooms":0.5}"#, 41)
        );
    }
}
