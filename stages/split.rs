//! `split`: one table into train, validation and test.
//!
//! Which row goes where depends on the fractions, the seed, the strata and the number of rows, on nothing else: the
//! generator is ChaCha8 and the shuffle is written out in `shuffle.rs`, so the same seed gives the same parts on
//! every machine and with every later version of a library. Within a part rows keep their order.

mod strata;

use std::fmt;

use hpipe_core::{Arity, Execution, OptionFault, Port, Stage, StageError, Value};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::frame;
use crate::options::{self, Faults, Options};
use crate::ports::{dep, out};
use crate::shuffle::Generator;
use crate::table::{Cells, Lookup, Table};

/// The built-in stage `split`.
pub struct Split;

/// The parts of a table, in the order they are always named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Part {
    /// What models and transforms are fitted on.
    Train,
    /// What choices between models are made on.
    Validation,
    /// What the chosen model is judged on.
    Test,
}

impl Part {
    /// Every part.
    pub(crate) const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::Test];

    /// The word for this part in roles, options and reports.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The options of `split`, as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SplitParams {
    fractions: Option<Fractions>,
    #[serde(default)]
    seed: u64,
    stratify: Option<Stratify>,
    column: Option<String>,
}

/// How much of the rows each part gets; together 1.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fractions {
    train: f64,
    validation: f64,
    test: f64,
}

/// The column whose distribution shall be the same in every part.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stratify {
    column: String,
    #[serde(default = "Stratify::bins")]
    bins: usize,
}

impl Stratify {
    const fn bins() -> usize {
        10
    }
}

/// The options of `split`, checked.
#[derive(Debug)]
enum ValidSplitParams {
    /// By fractions: a shuffle, within strata if there are any.
    Drawn {
        fractions: [f64; 3],
        seed: u64,
        stratify: Option<Stratify>,
    },
    /// By a column that names the part of each row.
    Named { column: String },
}

impl Options for SplitParams {
    type Checked = ValidSplitParams;

    fn check(self) -> Result<ValidSplitParams, Vec<OptionFault>> {
        let mut faults = Faults::default();
        let fractions = match (&self.column, self.fractions) {
            (Some(_), Some(_)) => {
                faults.add("fractions", "does not go together with `column`");
                [0.0; 3]
            }
            (Some(_), None) => [0.0; 3],
            (None, None) => {
                faults.add("fractions", "is required unless `column` names the parts");
                [0.0; 3]
            }
            (None, Some(fractions)) => fractions.check(&mut faults),
        };
        if let Some(stratify) = &self.stratify {
            faults.require(
                self.column.is_none(),
                "stratify",
                "does not go together with `column`",
            );
            faults.require(stratify.bins >= 2, "stratify.bins", "must be at least 2");
        }
        faults.into_result(match self.column {
            Some(column) => ValidSplitParams::Named { column },
            None => ValidSplitParams::Drawn {
                fractions,
                seed: self.seed,
                stratify: self.stratify,
            },
        })
    }
}

impl Fractions {
    fn check(self, faults: &mut Faults) -> [f64; 3] {
        let fractions = [self.train, self.validation, self.test];
        for (part, fraction) in Part::ALL.iter().zip(fractions) {
            faults.require(
                fraction > 0.0 && fraction < 1.0,
                format!("fractions.{part}"),
                format!("must lie between 0 and 1, not be {fraction}"),
            );
        }
        let sum: f64 = fractions.iter().sum();
        faults.require(
            (sum - 1.0).abs() < 1e-9,
            "fractions",
            format!("must add up to 1, not to {sum}"),
        );
        fractions
    }
}

impl Stage for Split {
    fn name(&self) -> &'static str {
        "split"
    }

    fn version(&self) -> u32 {
        1
    }

    fn summary(&self) -> &'static str {
        "splits a table into train, validation and test parts"
    }

    fn ports(&self) -> &'static [Port] {
        const PORTS: &[Port] = &[
            dep("table", Arity::One, "the table to split (parquet)"),
            out("train", Arity::One, "the rows to fit on (parquet)"),
            out("validation", Arity::One, "the rows to choose on (parquet)"),
            out("test", Arity::One, "the rows to judge on (parquet)"),
        ];
        PORTS
    }

    fn check(&self, with: &Value) -> Result<(), Vec<OptionFault>> {
        options::checked::<SplitParams>(with).map(drop)
    }

    fn execute(&self, execution: &Execution<'_>) -> Result<(), StageError> {
        Ok(execute(execution)?)
    }
}

fn execute(execution: &Execution<'_>) -> Result<(), Error> {
    let params = options::executable::<SplitParams>(execution.with)?;
    let port = execution.dep("table");
    let table = frame::read_parquet(port)?;
    let parts = assign(&table, &params).map_err(|error| error.within(&port.declared))?;
    for (step, part) in Part::ALL.into_iter().enumerate() {
        if execution.progress.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let rows: Vec<usize> = (0..table.rows())
            .filter(|&row| parts[row] == part)
            .collect();
        if rows.is_empty() {
            return Err(Error::EmptyPart {
                part: part.name(),
                rows: table.rows(),
            });
        }
        let note = format!("{part}: {} of {} rows", rows.len(), table.rows());
        execution.progress.report(step as u64, Some(3), &note);
        execution.progress.log(&note);
        frame::write_parquet(execution.out(part.name()), &table.take(&rows))?;
    }
    Ok(())
}

/// The part of every row.
fn assign(table: &Table, params: &ValidSplitParams) -> Result<Vec<Part>, Error> {
    match params {
        ValidSplitParams::Named { column } => named(table, column),
        ValidSplitParams::Drawn {
            fractions,
            seed,
            stratify,
        } => {
            let strata = match stratify {
                Some(Stratify { column, bins }) => strata::of(table.column(column)?, *bins),
                None => vec![(0..table.rows()).collect()],
            };
            Ok(draw(strata, fractions, *seed, table.rows()))
        }
    }
}

fn named(table: &Table, column: &str) -> Result<Vec<Part>, Error> {
    let words = table.column(column)?.words()?;
    let part = |(row, word): (usize, &Option<String>)| {
        let word = word.as_deref().unwrap_or("nothing");
        let found = Part::ALL.into_iter().find(|part| part.name() == word);
        found.ok_or_else(|| Error::UnknownPart {
            column: column.to_owned(),
            found: word.to_owned(),
            row: row + 1,
        })
    };
    words.iter().enumerate().map(part).collect()
}

/// Deals the shuffled rows of one stratum after the other, each to the part that lags most behind its fraction.
///
/// So every part's size is its fraction of all rows to within one row, and nearly so within every stratum, however small:
/// of five rows, 60/20/20 takes three, one and one.
fn draw(strata: Vec<Vec<usize>>, fractions: &[f64; 3], seed: u64, rows: usize) -> Vec<Part> {
    let mut generator = Generator::new(seed);
    let mut parts = vec![Part::Train; rows];
    let mut dealt = [0usize; 3];
    for mut stratum in strata {
        generator.shuffle(&mut stratum);
        for row in stratum {
            let position = dealt.iter().sum::<usize>() as f64 + 1.0;
            let lag = |i: usize| fractions[i] * position - dealt[i] as f64;
            let next = (1..3).fold(0, |best, i| if lag(i) > lag(best) { i } else { best });
            dealt[next] += 1;
            parts[row] = Part::ALL[next];
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::tests::faults;
    use crate::table::{Column, Values};

    #[test]
    fn options_are_checked() {
        let check = |json, expect: &str| assert_eq!(faults::<SplitParams>(json), expect);
        check(
            r#"{"fractions": {"train": 0.6, "validation": 0.2, "test": 0.2}}"#,
            "",
        );
        check(r#"{"column": "part"}"#, "");
        check(
            "{}",
            "fractions: is required unless `column` names the parts",
        );
        check(
            r#"{"fractions": {"train": 0.9, "validation": 0.2, "test": 0.0}, "stratify": {"column": "y", "bins": 1}}"#,
            "fractions.test: must lie between 0 and 1, not be 0\n\
             fractions: must add up to 1, not to 1.1\n\
             stratify.bins: must be at least 2",
        );
        check(
            r#"{"fractoins": {}, "column": "part"}"#,
            "fractoins: unknown option (did you mean `fractions`?)",
        );
    }

    fn sizes(parts: &[Part]) -> [usize; 3] {
        Part::ALL.map(|part| parts.iter().filter(|&&p| p == part).count())
    }

    #[test]
    fn every_part_gets_its_fraction() {
        let check = |rows, fractions, expect| {
            let parts = draw(vec![(0..rows).collect()], &fractions, 1, rows);
            assert_eq!(sizes(&parts), expect, "{rows} by {fractions:?}");
        };
        check(20_640, [0.6, 0.2, 0.2], [12_384, 4_128, 4_128]);
        check(5, [0.6, 0.2, 0.2], [3, 1, 1]);
        check(10, [0.34, 0.33, 0.33], [4, 3, 3]);
        check(1, [0.6, 0.2, 0.2], [1, 0, 0]);
        check(0, [0.6, 0.2, 0.2], [0, 0, 0]);
    }

    #[test]
    fn strata_are_divided_alike() {
        let strata = vec![
            (0..1000).collect(),
            (1000..1005).collect(),
            (1005..1305).collect(),
        ];
        let parts = draw(strata, &[0.6, 0.2, 0.2], 7, 1305);
        assert_eq!(sizes(&parts[..1000]), [600, 200, 200]);
        assert_eq!(sizes(&parts[1000..1005]), [3, 1, 1]);
        assert_eq!(sizes(&parts[1005..]), [180, 60, 60]);
    }

    #[test]
    fn the_seed_decides_alone() {
        let draw = |seed| draw(vec![(0..1000).collect()], &[0.6, 0.2, 0.2], seed, 1000);
        assert_eq!(draw(42), draw(42));
        assert_ne!(draw(42), draw(43));
    }

    #[test]
    fn a_column_may_name_the_parts() {
        let table = |words: &[Option<&str>]| {
            let words = words.iter().map(|word| word.map(str::to_owned)).collect();
            let column = Column {
                name: "part".into(),
                values: Values::Text(words),
            };
            Table::new(vec![column]).expect("a table")
        };
        let named =
            |words: &[Option<&str>]| named(&table(words), "part").map_err(|e| e.to_string());
        assert_eq!(
            named(&[Some("test"), Some("train")]),
            Ok(vec![Part::Test, Part::Train])
        );
        insta::assert_snapshot!(
            named(&[Some("train"), Some("dev")]).expect_err("unknown"),
            @"column `part` says `dev` in row 2, which is none of train, validation and test"
        );
        assert!(named(&[None]).is_err());
    }
}
