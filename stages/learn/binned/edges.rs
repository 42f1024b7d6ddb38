//! Where a column is cut: thresholds between quantiles of its values.
//!
//! A value that alone fills a bin gets one of its own, and the rest share the bins that are left evenly, as LightGBM's
//! greedy binning does (Ke et al. 2017, section 2.1, and its `GreedyFindBin`). For exact splits every bin is cut further,
//! into steps: between any two values, or evenly where the column has more values than a code can count.

/// The most steps of a column.
const MOST_STEPS: usize = u16::MAX as usize;

/// Where a column is cut into steps, and which of them make a bin.
#[derive(Debug, PartialEq)]
pub(super) struct Edges {
    /// Thresholds, ascending: step `j` is `cuts[j - 1] <= x < cuts[j]`.
    pub(super) cuts: Vec<f32>,
    /// The last step of each bin.
    pub(super) ends: Vec<u32>,
}

/// A value and how often it occurs.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Run {
    value: f32,
    count: usize,
}

/// Cuts ascending finite values into at most `max_bin` bins, of one step each unless `exact`.
pub(super) fn edges(sorted: &[f32], max_bin: usize, exact: bool) -> Edges {
    let runs = runs(sorted);
    let bins = closing(&runs, max_bin);
    let (steps, ends) = if exact {
        steps(&runs, &bins)
    } else {
        (bins, Vec::new())
    };
    let cuts = steps
        .iter()
        .filter(|&&last| last + 1 < runs.len())
        .map(|&last| between(runs[last].value, runs[last + 1].value))
        .collect();
    let ends = if ends.is_empty() {
        (0..steps.len().max(1) as u32).collect()
    } else {
        ends
    };
    Edges { cuts, ends }
}

/// The places of the runs that end a step, and the last step of each bin.
fn steps(runs: &[Run], bins: &[usize]) -> (Vec<usize>, Vec<u32>) {
    let most = if runs.len() <= MOST_STEPS {
        runs.len()
    } else {
        MOST_STEPS / bins.len()
    };
    let mut steps = Vec::new();
    let mut ends = Vec::with_capacity(bins.len());
    let mut begin = 0;
    for &last in bins {
        let within = closing(&runs[begin..=last], most);
        steps.extend(within.into_iter().map(|place| begin + place));
        ends.push(steps.len() as u32 - 1);
        begin = last + 1;
    }
    (steps, ends)
}

/// The distinct values, ascending.
fn runs(sorted: &[f32]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for &value in sorted {
        match runs.last_mut() {
            Some(run) if run.value == value => run.count += 1,
            _ => runs.push(Run { value, count: 1 }),
        }
    }
    runs
}

/// Places of the runs that end a bin: at most `max_bin`, the last run's among them.
fn closing(runs: &[Run], max_bin: usize) -> Vec<usize> {
    if runs.len() <= max_bin {
        return (0..runs.len()).collect();
    }
    let rows = runs.iter().map(|run| run.count).sum::<usize>();
    let fair = rows as f64 / max_bin as f64;
    let is_large = |run: &Run| run.count as f64 >= fair;
    let large = runs.iter().filter(|run| is_large(run));
    let mut rest_bins = max_bin - large.clone().count().min(max_bin - 1);
    let mut rest_rows = rows - large.map(|run| run.count).sum::<usize>();
    let mut share = rest_rows as f64 / rest_bins as f64;
    let mut closing = Vec::with_capacity(max_bin);
    let mut filled = 0;
    for (place, run) in runs.iter().enumerate() {
        if !is_large(run) {
            rest_rows -= run.count;
        }
        filled += run.count;
        let is_last = place + 1 == runs.len();
        let next_is_large = !is_last && is_large(&runs[place + 1]);
        let is_full = is_large(run)
            || filled as f64 >= share
            || (next_is_large && filled as f64 >= share / 2.0);
        if is_last || (is_full && closing.len() + 1 < max_bin) {
            closing.push(place);
            filled = 0;
            if !is_large(run) && rest_bins > 1 {
                rest_bins -= 1;
                share = rest_rows as f64 / rest_bins as f64;
            }
        }
    }
    closing
}

/// The threshold in the middle of two neighbours, `left < threshold <= right`.
pub(crate) fn between(left: f32, right: f32) -> f32 {
    let middle = ((f64::from(left) + f64::from(right)) / 2.0) as f32;
    if middle > left { middle } else { right }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cuts(sorted: &[f32], max_bin: usize) -> Vec<f32> {
        let edges = edges(sorted, max_bin, false);
        assert_eq!(edges.ends.len(), edges.cuts.len() + 1);
        edges.cuts
    }

    #[test]
    fn few_values_have_a_bin_each() {
        assert_eq!(cuts(&[1.0, 1.0, 2.0, 4.0], 255), [1.5, 3.0]);
        assert!(cuts(&[1.0, 1.0], 255).is_empty());
        assert!(cuts(&[], 255).is_empty());
    }

    #[test]
    fn a_threshold_is_above_its_left_neighbour_however_close() {
        let left = 1.0_f32;
        let right = left.next_up();
        assert_eq!(between(left, right), right);
        assert_eq!(between(-f32::MAX, f32::MAX), 0.0);
        assert_eq!(between(0.0, f32::from_bits(1)), f32::from_bits(1));
    }

    #[test]
    fn many_values_share_bins_evenly() {
        let sorted: Vec<f32> = (0..1000).map(|i| i as f32).collect();
        let cuts = cuts(&sorted, 10);
        assert_eq!(cuts.len(), 9);
        for (number, cut) in cuts.iter().enumerate() {
            assert_eq!(*cut, (number + 1) as f32 * 100.0 - 0.5);
        }
    }

    #[test]
    fn a_frequent_value_has_a_bin_of_its_own() {
        let mut sorted: Vec<f32> = (0..500).map(|i| i as f32).collect();
        sorted.extend([250.0; 500]);
        sorted.sort_unstable_by(f32::total_cmp);
        let cuts = cuts(&sorted, 5);
        assert!(cuts.len() <= 4);
        assert!(cuts.contains(&249.5) && cuts.contains(&250.5), "{cuts:?}");
    }

    #[test]
    fn bins_are_made_of_whole_steps() {
        let sorted: Vec<f32> = (0..200_000).map(|i| i as f32).collect();
        for rows in [1000, 200_000] {
            let bins = cuts(&sorted[..rows], 10);
            let exact = edges(&sorted[..rows], 10, true);
            assert!(exact.cuts.len() < MOST_STEPS);
            assert!(exact.cuts.len() + 1 == rows || exact.cuts.len() + 10 >= MOST_STEPS);
            let ends: Vec<f32> = exact.ends[..9]
                .iter()
                .map(|&end| exact.cuts[end as usize])
                .collect();
            assert_eq!(ends, bins);
            assert_eq!(exact.ends[9] as usize, exact.cuts.len());
        }
        assert_eq!(edges(&[], 255, true), edges(&[], 255, false));
    }
}
