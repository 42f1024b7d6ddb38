//! The lines between two ranks of boxes: a channel of rows in which horizontal pieces run.
//!
//! Lines that lead from the same items to the same items form a *net* and are drawn joined, for there is nothing to
//! mistake: `a → x, a → y` parts, `a → x, b → x` meets. Different nets never share a cell but where one crosses the
//! other. Each net has one row of the channel for its horizontal piece. Where one net comes down in the column another
//! goes up in, its row must be the upper one (the vertical constraints of classic channel routing).

use std::collections::{BTreeMap, BTreeSet};

use super::canvas::Canvas;
use crate::dag::layout::Layout;

/// The lines between two ranks.
pub(super) struct Channel {
    nets: Vec<Net>,
    rows: usize,
}

/// Lines from each of some columns above to each of some columns below.
struct Net {
    sources: Vec<End>,
    targets: Vec<End>,
    /// The row its horizontal piece runs in; none if it is one vertical line.
    row: Option<usize>,
}

/// Where a line leaves or enters an item.
struct End {
    item: usize,
    column: usize,
    is_bend: bool,
}

/// The channels below each rank but the last, given the first column of each item.
pub(super) fn channels(layout: &Layout, lefts: &[usize]) -> Vec<Channel> {
    let mut targets: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for &(from, to) in &layout.segments {
        targets.entry(from).or_default().push(to);
    }
    let ranks = layout.ranks.len().saturating_sub(1);
    let ports = Ports { layout, lefts };
    (0..ranks)
        .map(|rank| channel(&ports, &layout.ranks[rank], &targets))
        .collect()
}

fn channel(ports: &Ports<'_>, above: &[usize], targets: &BTreeMap<usize, Vec<usize>>) -> Channel {
    // Sources with equal targets share a net.
    let mut members: BTreeMap<&[usize], Vec<usize>> = BTreeMap::new();
    for source in above {
        if let Some(targets) = targets.get(source) {
            members.entry(targets).or_default().push(*source);
        }
    }
    let mut nets: Vec<_> = members
        .into_iter()
        .map(|(targets, sources)| Net {
            sources: sources.iter().map(|&item| ports.middle(item)).collect(),
            targets: targets.iter().map(|&item| ports.middle(item)).collect(),
            row: None,
        })
        .collect();
    nets.sort_by_key(Net::span);
    ports.spread_targets(&mut nets);
    let rows = assign_rows(&mut nets);
    Channel { nets, rows }
}

/// Where lines may leave and enter items.
struct Ports<'a> {
    layout: &'a Layout,
    lefts: &'a [usize],
}

impl Ports<'_> {
    /// The middle of an item.
    fn middle(&self, item: usize) -> End {
        let placed = &self.layout.items[item];
        End {
            item,
            column: self.lefts[item] + placed.width as usize / 2,
            is_bend: placed.is_bend,
        }
    }

    /// The columns at which lines may meet an item: all of its edge but the corners.
    fn room(&self, item: usize) -> (usize, usize) {
        let placed = &self.layout.items[item];
        match (self.lefts[item], placed.width as usize, placed.is_bend) {
            (left, _, true) => (left, left),
            (left, width, false) => (left + 1, left + width - 2),
        }
    }

    /// Gives each net its own column where several enter one item, and a straight line to a net that is nearly one.
    fn spread_targets(&self, nets: &mut [Net]) {
        let mut entering: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (n, net) in nets.iter().enumerate() {
            net.targets
                .iter()
                .for_each(|end| entering.entry(end.item).or_default().push(n));
        }
        for (item, mut entering) in entering {
            entering.sort_by_key(|&n| nets[n].middle_above());
            let columns = self.columns(item, &entering, nets);
            for (n, column) in entering.into_iter().zip(columns) {
                let ends = nets[n].targets.iter_mut();
                ends.filter(|end| end.item == item)
                    .for_each(|end| end.column = column);
            }
        }
    }

    fn columns(&self, item: usize, entering: &[usize], nets: &[Net]) -> Vec<usize> {
        let (first, last) = self.room(item);
        let middle = self.middle(item).column;
        if let [only] = entering {
            return vec![nets[*only].straightened(middle).clamp(first, last)];
        }
        let step = ((last - first) / entering.len()).clamp(1, 4);
        let width = step * (entering.len() - 1);
        let start = middle.saturating_sub(width / 2).max(first);
        (0..entering.len())
            .map(|nth| (start + nth * step).min(last))
            .collect()
    }
}

impl Net {
    fn columns(&self) -> impl Iterator<Item = usize> {
        self.sources
            .iter()
            .chain(&self.targets)
            .map(|end| end.column)
    }

    /// First and last column of its horizontal piece.
    fn span(&self) -> (usize, usize) {
        let columns = || self.columns();
        (columns().min().unwrap_or(0), columns().max().unwrap_or(0))
    }

    fn middle_above(&self) -> usize {
        let sum: usize = self.sources.iter().map(|end| end.column).sum();
        sum / self.sources.len().max(1)
    }

    /// `column`, or the column of the source beside it, so that lines do not jog by one cell.
    fn straightened(&self, column: usize) -> usize {
        let beside = |end: &&End| end.column.abs_diff(column) <= 1;
        self.sources
            .iter()
            .find(beside)
            .map_or(column, |end| end.column)
    }

    /// Whether this net's row must be above that of `other`: it comes down where `other` goes up.
    fn must_be_above(&self, other: &Self) -> bool {
        let above: BTreeSet<_> = self.sources.iter().map(|end| end.column).collect();
        other.targets.iter().any(|end| above.contains(&end.column))
    }
}

/// Gives each net that is not one vertical line a row, and says how many rows there are.
fn assign_rows(nets: &mut [Net]) -> usize {
    let mut waiting: Vec<_> = (0..nets.len())
        .filter(|&n| nets[n].span().0 < nets[n].span().1)
        .collect();
    let mut rows: Vec<Vec<usize>> = Vec::new();
    while !waiting.is_empty() {
        let is_free = |&n: &usize| {
            !waiting
                .iter()
                .any(|&m| m != n && nets[m].must_be_above(&nets[n]))
        };
        // In a circle of constraints one is broken: two lines then touch in one column.
        let chosen = waiting.iter().position(is_free).unwrap_or(0);
        let net = waiting.remove(chosen);
        let row = first_row(nets, &rows, net);
        if rows.len() <= row {
            rows.resize(row + 1, Vec::new());
        }
        rows[row].push(net);
        nets[net].row = Some(row);
    }
    rows.len()
}

/// The uppermost row below those that must be above, where nothing is in the way.
fn first_row(nets: &[Net], rows: &[Vec<usize>], net: usize) -> usize {
    let must_be_below = |row: &&Vec<usize>| {
        row.iter()
            .any(|&other| nets[other].must_be_above(&nets[net]))
    };
    let from = rows.len()
        - rows
            .iter()
            .rev()
            .position(|row| must_be_below(&row))
            .unwrap_or(rows.len());
    let (first, last) = nets[net].span();
    let is_apart = |&other: &usize| {
        let (other_first, other_last) = nets[other].span();
        other_last + 1 < first || last + 1 < other_first
    };
    (from..rows.len())
        .find(|&row| rows[row].iter().all(is_apart))
        .unwrap_or(rows.len())
}

impl Channel {
    /// Rows it takes: those of horizontal pieces and one for the arrow heads.
    pub(super) const fn height(&self) -> usize {
        self.rows + 1
    }

    /// Draws the lines, the channel's first row being `top`.
    pub(super) fn draw(&self, canvas: &mut Canvas, top: usize) {
        for net in &self.nets {
            self.draw_horizontal(net, canvas, top);
        }
        // Vertical pieces last: they pass above the horizontal ones of other nets.
        for net in &self.nets {
            self.draw_vertical(net, canvas, top);
        }
    }

    fn draw_horizontal(&self, net: &Net, canvas: &mut Canvas, top: usize) {
        if let (Some(row), (first, last)) = (net.row, net.span()) {
            (first..=last).for_each(|column| canvas.line(top + row, column, '─'));
        }
    }

    fn draw_vertical(&self, net: &Net, canvas: &mut Canvas, top: usize) {
        let row = net.row.unwrap_or(0);
        for end in &net.sources {
            if !end.is_bend {
                canvas.outlet(top - 1, end.column);
            }
            (0..row).for_each(|above| canvas.line(top + above, end.column, '│'));
        }
        for end in &net.targets {
            (row..self.rows).for_each(|below| canvas.line(top + below, end.column, '│'));
            canvas.line(
                top + self.rows,
                end.column,
                if end.is_bend { '│' } else { '▼' },
            );
        }
        if net.row.is_some() {
            net.columns()
                .for_each(|column| canvas.line(top + row, column, net.joint(column)));
        }
    }
}

impl Net {
    /// The glyph where a vertical piece meets the horizontal one.
    fn joint(&self, column: usize) -> char {
        let (first, last) = self.span();
        let up = self.sources.iter().any(|end| end.column == column);
        let down = self.targets.iter().any(|end| end.column == column);
        match (up, down, column > first, column < last) {
            (true, true, true, true) => '┼',
            (true, true, true, false) => '┤',
            (true, true, false, _) => '├',
            (true, false, true, true) => '┴',
            (true, false, true, false) => '╯',
            (true, false, false, _) => '╰',
            (false, _, true, true) => '┬',
            (false, _, true, false) => '╮',
            (false, _, false, _) => '╭',
        }
    }
}
