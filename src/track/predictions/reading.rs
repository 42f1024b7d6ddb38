//! The log read back, for whoever watches a version: what it answered, in the order of logging, through all files.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::PredictionLog;
use super::part::{self, Part};
use crate::ledger::Result;

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

/// A file of the log that is read.
enum Held<'a> {
    Own(&'a Part),
    Other(Box<Part>),
}

impl std::ops::Deref for Held<'_> {
    type Target = Part;

    fn deref(&self) -> &Part {
        match self {
            Self::Own(part) => part,
            Self::Other(part) => part,
        }
    }
}

impl PredictionLog {
    /// Visits the files, the newest first, as long as it shall go on.
    fn backwards(&self, mut visit: impl FnMut(&Part) -> rusqlite::Result<bool>) -> Result<()> {
        for number in part::numbers(&self.models)?.into_iter().rev() {
            let Some(part) = self.held(number)? else {
                continue;
            };
            if !visit(&part).map_err(|error| part.failed(error))? {
                break;
            }
        }
        Ok(())
    }

    /// A file; none if it was removed meanwhile.
    fn held(&self, number: u32) -> Result<Option<Held<'_>>> {
        if number == self.part.number {
            return Ok(Some(Held::Own(&self.part)));
        }
        let part = Part::existing(&self.models, number)?;
        Ok(part.map(|part| Held::Other(Box::new(part))))
    }

    /// The files that may hold rows after the row `after`, the oldest first.
    fn after(&self, after: i64) -> Result<Vec<u32>> {
        let mut numbers = Vec::new();
        self.backwards(|part| {
            numbers.push(part.number);
            Ok(part.before()?.0 > after)
        })?;
        numbers.reverse();
        Ok(numbers)
    }

    /// The next of the rows that are asked for, after the row `after`, at most `limit`, in the order of logging.
    ///
    /// # Errors
    /// What the machine refuses.
    pub fn answered(&self, asked: Asked<'_>, after: i64, limit: usize) -> Result<Vec<LoggedRow>> {
        let mut rows = Vec::new();
        for number in self.after(after)? {
            let Some(part) = self.held(number)? else {
                continue;
            };
            let more = answered(&part.connection, asked, after, limit - rows.len());
            rows.extend(more.map_err(|error| part.failed(error))?);
            if rows.len() == limit {
                break;
            }
        }
        Ok(rows)
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
        let sql = "SELECT v.name, v.version, count(*) FROM predictions p JOIN versions v ON v.number = p.version
                   WHERE (v.name <> ?1 OR v.version <> ?2) AND p.time >= ?3
                   GROUP BY v.name, v.version";
        let mut all: BTreeMap<(String, i64), usize> = BTreeMap::new();
        self.backwards(|part| {
            let mut statement = part.connection.prepare_cached(sql)?;
            let mut rows = statement.query(params![name, version, since])?;
            while let Some(row) = rows.next()? {
                let count = row.get::<_, i64>(2)? as usize;
                *all.entry((row.get(0)?, row.get(1)?)).or_default() += count;
            }
            Ok(true)
        })?;
        let title = |((name, version), count)| (format!("{name}/{version}"), count);
        Ok(all.into_iter().map(title).collect())
    }

    /// Of how many of the rows that are asked for, after the row `after`, it is known what became true.
    ///
    /// # Errors
    /// What the machine refuses.
    pub fn truths(&self, asked: Asked<'_>, after: i64) -> Result<usize> {
        let sql = "SELECT count(*) FROM predictions p JOIN versions v ON v.number = p.version
                   WHERE v.name = ?1 AND (?2 IS NULL OR v.version = ?2) AND p.time >= ?3 AND p.number > ?4
                   AND p.truth IS NOT NULL";
        let mut truths = 0;
        self.backwards(|part| {
            let values = params![asked.name, asked.version, asked.since, after];
            let mut statement = part.connection.prepare_cached(sql)?;
            truths += statement.query_row(values, |row| row.get::<_, i64>(0))? as usize;
            Ok(part.before()?.0 > after)
        })?;
        Ok(truths)
    }

    /// The place of the newest row; 0 of an empty log.
    ///
    /// # Errors
    /// What the machine refuses.
    pub fn newest(&self) -> Result<i64> {
        let mut newest = 0;
        self.backwards(|part| {
            newest = part.ends()?.0;
            Ok(false)
        })?;
        Ok(newest)
    }

    /// How many rows were removed with the oldest files.
    ///
    /// # Errors
    /// What the machine refuses.
    pub fn removed(&self) -> Result<i64> {
        let oldest = part::numbers(&self.models)?.first().copied();
        let oldest = oldest
            .map(|number| self.held(number))
            .transpose()?
            .flatten();
        let before = oldest.map(|part| part.before().map_err(|error| part.failed(error)));
        Ok(before.transpose()?.unwrap_or_default().0)
    }

    /// What shadows predicted for a request, in the order of its rows: name, version, prediction.
    ///
    /// # Errors
    /// What the machine refuses.
    pub fn shadowed(&self, request: &str) -> Result<Vec<(String, i64, Option<f64>)>> {
        let sql = "SELECT s.row, s.number, v.name, v.version, s.prediction FROM shadows s
                   JOIN versions v ON v.number = s.version WHERE s.request = ?1";
        let mut all = Vec::new();
        self.backwards(|part| {
            let mut statement = part.connection.prepare_cached(sql)?;
            let mut rows = statement.query([request])?;
            while let Some(row) = rows.next()? {
                let place: (i64, i64) = (row.get(0)?, row.get(1)?);
                all.push((place, (row.get(2)?, row.get(3)?, row.get(4)?)));
            }
            Ok(true)
        })?;
        all.sort_by_key(|(place, _)| *place);
        Ok(all.into_iter().map(|(_, said)| said).collect())
    }

    /// The column that the last version predicts; none while nothing was logged.
    ///
    /// # Errors
    /// What the machine refuses.
    pub fn target(&self) -> Result<Option<String>> {
        let sql = "SELECT target FROM versions ORDER BY number DESC LIMIT 1";
        let mut target = None;
        self.backwards(|part| {
            let found = part.connection.query_row(sql, [], |row| row.get(0));
            target = found.optional()?;
            Ok(target.is_none())
        })?;
        Ok(target)
    }
}

/// The next of the rows of a file that are asked for.
fn answered(
    connection: &Connection,
    asked: Asked<'_>,
    after: i64,
    limit: usize,
) -> rusqlite::Result<Vec<LoggedRow>> {
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
    let mut statement = connection.prepare_cached(sql)?;
    let values = params![name, version, since, after, labelled, limit as i64];
    let rows = statement.query_map(values, |row| {
        Ok(LoggedRow {
            number: row.get(0)?,
            time: row.get(1)?,
            latency: row.get(2)?,
            features: row.get(3)?,
            prediction: row.get(4)?,
            truth: row.get(5)?,
        })
    })?;
    rows.collect()
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
