//! What a metrics file says, at a glance: tables where it repeats itself, single metrics for the rest.
//!
//! A file of four models with the same eight scores each on three parts says 96 numbers under 12 × 8 names. Siblings
//! whose metrics are mostly named alike are the rows of one table; this goes from the leaves up, so that a table has as
//! many label columns as there are levels that repeat: `models.*.scores.*` has two, headed `models` and `scores`.

use std::collections::{HashMap, HashSet};

use hpipe_core::{Mapping, Value};

use crate::comparison::{READABLE, are_alike, is_metric};

/// How much of a file is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Everything.
    All,
    /// At most [`READABLE`] single metrics, the deepest left out first, and at most [`READABLE`] rows of tables, those
    /// of the longest tables left out first.
    Readable,
}

/// The metrics of one file, arranged for reading.
#[derive(Debug, Clone, PartialEq)]
pub struct Overview<'a> {
    /// What has no like, by its dotted path, in the order of the file; a file that is a single number has one, without
    /// a name.
    pub lines: Vec<(String, &'a Value)>,
    /// What repeats, in the order of the first number of each table in the file.
    pub tables: Vec<Table<'a>>,
    /// Metrics that [`Depth::Readable`] left out.
    pub left_out: usize,
}

/// Metrics of parts of a file that are named alike.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table<'a> {
    /// The path to each label, from the label before it: `models`, `scores`; empty for labels at the top of the file.
    pub labels: Vec<String>,
    /// The dotted path of each metric, from the last label: `rmse`.
    pub columns: Vec<String>,
    /// The parts, in the order of the file.
    pub rows: Vec<TableRow<'a>>,
}

/// A part of a file: one row of its table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TableRow<'a> {
    /// `n_labels` keys: `ridge`, `test`.
    pub labels: Vec<&'a str>,
    /// `n_columns` values; none where this part does not have the metric.
    pub values: Vec<Option<&'a Value>>,
}

impl<'a> Overview<'a> {
    /// Arranges the metrics of a file.
    ///
    /// Numbers, booleans and texts are metrics; lists and nulls are not, as in DVC.
    pub fn new(file: &'a Value, depth: Depth) -> Self {
        let leaves = leaves(file);
        let (in_tables, single): (Vec<_>, _) =
            leaves.iter().partition(|leaf| !leaf.labels.is_empty());
        let mut overview = Self {
            lines: Vec::new(),
            tables: tables(&in_tables),
            left_out: 0,
        };
        let deepest = match depth {
            Depth::All => usize::MAX,
            Depth::Readable => deepest_readable(&single),
        };
        let shown = single.iter().filter(|leaf| leaf.path.len() <= deepest);
        overview.lines = shown.map(|leaf| (dotted(&leaf.path), leaf.value)).collect();
        overview.left_out = single.len() - overview.lines.len();
        if depth == Depth::Readable {
            overview.shorten();
        }
        overview
    }

    /// Whether the file has no metrics.
    pub const fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.tables.is_empty() && self.left_out == 0
    }

    /// Leaves out what is beyond [`READABLE`]; the shorter a table the sooner it has its place.
    fn shorten(&mut self) {
        self.left_out += self.lines.len().saturating_sub(READABLE);
        self.lines.truncate(READABLE);
        let mut by_length: Vec<_> = self.tables.iter_mut().collect();
        by_length.sort_by_key(|table| table.rows.len());
        let mut room = READABLE;
        for table in by_length {
            let kept = room.min(table.rows.len());
            let beyond = table.rows.drain(kept..);
            self.left_out += beyond.map(|row| row.metrics()).sum::<usize>();
            room -= kept;
        }
        self.tables.retain(|table| !table.rows.is_empty());
    }
}

impl TableRow<'_> {
    /// Number of metrics this part has.
    fn metrics(&self) -> usize {
        self.values.iter().flatten().count()
    }
}

/// A step on the path to a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Step<'a> {
    /// To the value of this key.
    Key(&'a str),
    /// To any of the siblings that are alike; siblings may be alike in several groups, hence a number.
    Any(usize),
}

/// A metric and the way to it.
#[derive(Debug)]
struct Leaf<'a> {
    path: Vec<Step<'a>>,
    /// The keys in the places of [`Step::Any`].
    labels: Vec<&'a str>,
    value: &'a Value,
}

/// The metrics of a file, in its order.
fn leaves(file: &Value) -> Vec<Leaf<'_>> {
    let mut leaves = leaves_upwards(file);
    for leaf in &mut leaves {
        leaf.path.reverse();
        leaf.labels.reverse();
    }
    leaves
}

/// The metrics in `value`; paths and labels lead from the metric up.
fn leaves_upwards(value: &Value) -> Vec<Leaf<'_>> {
    match value {
        Value::Map(map) => leaves_of_map(map),
        value if is_metric(value) => vec![Leaf {
            path: Vec::new(),
            labels: Vec::new(),
            value,
        }],
        _ => Vec::new(),
    }
}

fn leaves_of_map(map: &Mapping) -> Vec<Leaf<'_>> {
    let children: Vec<_> = map.iter().map(|(_, value)| leaves_upwards(value)).collect();
    let groups = groups(&children);
    let mut leaves = Vec::new();
    for (((key, _), child), group) in map.iter().zip(children).zip(groups) {
        for mut leaf in child {
            leaf.path.push(group.map_or(Step::Key(key), Step::Any));
            leaf.labels.extend(group.map(|_| key));
            leaves.push(leaf);
        }
    }
    leaves
}

/// For each child the group of those like it; none where it is the only one of its kind, or itself a metric.
fn groups(children: &[Vec<Leaf<'_>>]) -> Vec<Option<usize>> {
    // A child is like the first of a group. More kinds than a reader follows are not told apart: no square of them.
    let mut kinds: Vec<(HashSet<&[Step<'_>]>, usize)> = Vec::new();
    let mut groups = Vec::with_capacity(children.len());
    for child in children {
        let names: HashSet<_> = child.iter().map(|leaf| leaf.path.as_slice()).collect();
        if names.iter().all(|path| path.is_empty()) {
            groups.push(None);
            continue;
        }
        let known = kinds.iter().position(|(kind, _)| are_alike(kind, &names));
        if let Some(kind) = known {
            kinds[kind].1 += 1;
        } else if kinds.len() < READABLE {
            kinds.push((names, 1));
        } else {
            groups.push(None);
            continue;
        }
        groups.push(Some(known.unwrap_or(kinds.len() - 1)));
    }
    let has_company = |group: &usize| kinds[*group].1 > 1;
    groups
        .into_iter()
        .map(|group| group.filter(has_company))
        .collect()
}

/// The path as a reader writes it.
fn dotted(path: &[Step<'_>]) -> String {
    let keys = path.iter().map(|step| match step {
        Step::Key(key) => *key,
        Step::Any(_) => "*",
    });
    keys.collect::<Vec<_>>().join(".")
}

/// The deepest level of single metrics down to which there are at most [`READABLE`], or else the uppermost.
fn deepest_readable(single: &[&Leaf<'_>]) -> usize {
    let mut levels: Vec<_> = single.iter().map(|leaf| leaf.path.len()).collect();
    levels.sort_unstable();
    let beyond = levels.get(READABLE).copied();
    match (beyond, levels.first()) {
        (Some(beyond), Some(&uppermost)) => uppermost.max(beyond - 1),
        _ => usize::MAX,
    }
}

/// Sorts metrics with labels into tables.
fn tables<'a>(leaves: &[&Leaf<'a>]) -> Vec<Table<'a>> {
    let mut drafts: Vec<Draft<'a>> = Vec::new();
    let mut places = HashMap::new();
    for (position, leaf) in leaves.iter().enumerate() {
        let last = leaf
            .path
            .iter()
            .rposition(|step| matches!(step, Step::Any(_)));
        let (above, below) = leaf.path.split_at(last.map_or(0, |last| last + 1));
        let place = *places.entry(above).or_insert_with(|| {
            drafts.push(Draft::new(above));
            drafts.len() - 1
        });
        drafts[place].set(leaf, below, position);
    }
    drafts.sort_by_key(|draft| draft.first_number);
    drafts.into_iter().map(Draft::finish).collect()
}

/// A table that metrics are added to.
struct Draft<'a> {
    table: Table<'a>,
    rows: HashMap<Vec<&'a str>, usize>,
    /// By path, not by name: keys may contain dots.
    columns: HashMap<Vec<Step<'a>>, usize>,
    /// Where among all metrics its first number stands: what one looks for first.
    first_number: usize,
}

impl<'a> Draft<'a> {
    fn new(above: &[Step<'a>]) -> Self {
        let between = above.split_inclusive(|step| matches!(step, Step::Any(_)));
        let labels = between.map(|steps| dotted(&steps[..steps.len() - 1]));
        Self {
            table: Table {
                labels: labels.collect(),
                ..Table::default()
            },
            rows: HashMap::new(),
            columns: HashMap::new(),
            first_number: usize::MAX,
        }
    }

    fn set(&mut self, leaf: &Leaf<'a>, below: &[Step<'a>], position: usize) {
        let row = self.row(&leaf.labels);
        let column = self.column(below);
        let values = &mut self.table.rows[row].values;
        values.resize(values.len().max(column + 1), None);
        values[column] = Some(leaf.value);
        if matches!(leaf.value, Value::Int(_) | Value::Float(_)) {
            self.first_number = self.first_number.min(position);
        }
    }

    fn row(&mut self, labels: &[&'a str]) -> usize {
        let rows = &mut self.table.rows;
        *self.rows.entry(labels.to_vec()).or_insert_with(|| {
            rows.push(TableRow {
                labels: labels.to_vec(),
                values: Vec::new(),
            });
            rows.len() - 1
        })
    }

    fn column(&mut self, below: &[Step<'a>]) -> usize {
        let columns = &mut self.table.columns;
        *self.columns.entry(below.to_vec()).or_insert_with(|| {
            columns.push(dotted(below));
            columns.len() - 1
        })
    }

    fn finish(mut self) -> Table<'a> {
        for row in &mut self.table.rows {
            row.values.resize(self.table.columns.len(), None);
        }
        self.table
    }
}

#[cfg(test)]
mod tests;
