//! What many runs logged, read and made.
//!
//! A search finds a hundred runs at once, so each table is asked once for all of them, not once a run: the statement walks
//! the list of their numbers and, for each, the part of the table that is the run's. Pairs come by key already, for that is
//! how the tables lie; sorting them here proves it for nothing, while `ORDER BY` would have SQLite sort thousands of rows.

use rusqlite::Row;

use super::Records;
use super::error::Result;
use super::metrics::value_of;
use super::runs::RunNumber;
use super::values::{
    Dataset, DatasetInput, Metric, ModelOutput, Pair, Run, RunData, RunInfo, RunInputs,
};

/// The numbers of runs as SQLite's JSON, so that one prepared statement takes lists of any length.
struct Numbers(String);

impl Numbers {
    fn of(runs: &[(RunNumber, RunInfo)]) -> Self {
        let numbers: Vec<_> = runs
            .iter()
            .map(|(number, _)| number.0.to_string())
            .collect();
        Self(format!("[{}]", numbers.join(",")))
    }
}

impl Records<'_> {
    /// Adds to the rows of runs what they logged, read and made; in the same order.
    pub(crate) fn whole_runs(&self, rows: Vec<(RunNumber, RunInfo)>) -> Result<Vec<Run>> {
        let numbers = Numbers::of(&rows);
        let bare = rows.into_iter().map(|(_, info)| Run {
            info,
            data: RunData::default(),
            inputs: RunInputs::default(),
        });
        let mut runs: Vec<_> = bare.collect();
        self.add_metrics(&numbers, &mut runs)?;
        self.add_pairs("run_params", &numbers, &mut runs, |run| &mut run.params)?;
        self.add_pairs("run_tags", &numbers, &mut runs, |run| &mut run.tags)?;
        self.add_data(&numbers, &mut runs)?;
        self.add_models(&numbers, &mut runs)?;
        Ok(runs)
    }

    /// Hands each row that belongs to a run to `take`: `select` names the columns, which begin with the place of the run.
    fn each(
        &self,
        select: &str,
        numbers: &Numbers,
        mut take: impl FnMut(usize, &Row<'_>) -> rusqlite::Result<()>,
    ) -> Result<()> {
        let mut statement = self.connection.prepare_cached(select)?;
        let mut rows = statement.query([&numbers.0])?;
        while let Some(row) = rows.next()? {
            let place: i64 = row.get(0)?; // of the list, so it fits
            take(place as usize, row)?;
        }
        Ok(())
    }

    fn add_metrics(&self, numbers: &Numbers, runs: &mut [Run]) -> Result<()> {
        let select =
            "SELECT j.key, m.key, m.value, m.is_nan, m.timestamp, m.step FROM json_each(?1) j
                      CROSS JOIN latest_metrics m ON m.run = j.value";
        self.each(select, numbers, |place, row| {
            runs[place].data.metrics.push(Metric {
                key: row.get(1)?,
                value: value_of(row.get(2)?, row.get(3)?),
                timestamp: row.get(4)?,
                step: row.get(5)?,
                ..Metric::default()
            });
            Ok(())
        })?;
        for run in runs {
            run.data
                .metrics
                .sort_by(|one, other| one.key.cmp(&other.key));
        }
        Ok(())
    }

    fn add_pairs(
        &self,
        table: &str,
        numbers: &Numbers,
        runs: &mut [Run],
        list: fn(&mut RunData) -> &mut Vec<Pair>,
    ) -> Result<()> {
        let select = format!(
            "SELECT j.key, p.key, p.value FROM json_each(?1) j CROSS JOIN {table} p ON p.run = j.value"
        );
        self.each(&select, numbers, |place, row| {
            let pair = Pair::new(row.get::<_, String>(1)?, row.get::<_, String>(2)?);
            list(&mut runs[place].data).push(pair);
            Ok(())
        })?;
        for run in runs {
            list(&mut run.data).sort_by(|one, other| one.key.cmp(&other.key));
        }
        Ok(())
    }

    /// The data that runs read, in the order it was logged.
    fn add_data(&self, numbers: &Numbers, runs: &mut [Run]) -> Result<()> {
        let select =
            "SELECT j.key, i.id, d.name, d.digest, d.source_type, d.source, d.schema, d.profile
                      FROM json_each(?1) j CROSS JOIN run_datasets i ON i.run = j.value
                      JOIN datasets d ON d.id = i.dataset ORDER BY j.key, i.id";
        let mut uses: Vec<(i64, usize, usize)> = Vec::new();
        self.each(select, numbers, |place, row| {
            let dataset = Dataset {
                name: row.get(2)?,
                digest: row.get(3)?,
                source_type: row.get(4)?,
                source: row.get(5)?,
                schema: row.get(6)?,
                profile: row.get(7)?,
            };
            let tags = Vec::new();
            let read = &mut runs[place].inputs.datasets;
            uses.push((row.get(1)?, place, read.len()));
            read.push(DatasetInput { dataset, tags });
            Ok(())
        })?;
        uses.sort_unstable();
        match uses.is_empty() {
            true => Ok(()),
            false => self.add_uses(numbers, runs, &uses),
        }
    }

    /// The tags of what runs read; `uses` says by number where each is.
    fn add_uses(
        &self,
        numbers: &Numbers,
        runs: &mut [Run],
        uses: &[(i64, usize, usize)],
    ) -> Result<()> {
        let select = "SELECT j.key, t.input, t.key, t.value FROM json_each(?1) j
                      CROSS JOIN run_datasets i ON i.run = j.value JOIN run_dataset_tags t ON t.input = i.id
                      ORDER BY j.key, t.input, t.key";
        self.each(select, numbers, |_, row| {
            let input: i64 = row.get(1)?;
            let tag = Pair::new(row.get::<_, String>(2)?, row.get::<_, String>(3)?);
            if let Ok(found) = uses.binary_search_by_key(&input, |used| used.0) {
                let (_, place, index) = uses[found];
                runs[place].inputs.datasets[index].tags.push(tag);
            }
            Ok(())
        })
    }

    /// The logged models that runs read and made.
    fn add_models(&self, numbers: &Numbers, runs: &mut [Run]) -> Result<()> {
        let select = "SELECT j.key, m.model, m.is_output, m.step FROM json_each(?1) j
                      CROSS JOIN run_models m ON m.run = j.value ORDER BY j.key, m.is_output, m.step, m.model";
        self.each(select, numbers, |place, row| {
            let (inputs, model_id) = (&mut runs[place].inputs, row.get(1)?);
            match row.get(2)? {
                false => inputs.models.push(model_id),
                true => inputs.outputs.push(ModelOutput {
                    model_id,
                    step: row.get::<_, Option<i64>>(3)?.unwrap_or_default(),
                }),
            }
            Ok(())
        })
    }
}
