//! What a trial reports on its way: values at steps.

/// Values at rising steps: a metric after so many epochs, trees or folds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Series(Vec<(u64, f64)>);

impl Series {
    /// Adds the value at a step; a second value at the same step replaces the first. Steps may come in any order.
    pub fn push(&mut self, step: u64, value: f64) {
        match self.0.binary_search_by_key(&step, |(step, _)| *step) {
            Ok(place) => self.0[place].1 = value,
            Err(place) => self.0.insert(place, (step, value)),
        }
    }

    /// The last step and its value.
    pub fn last(&self) -> Option<(u64, f64)> {
        self.0.last().copied()
    }

    /// The value at a step.
    pub fn at(&self, step: u64) -> Option<f64> {
        let place = self.0.binary_search_by_key(&step, |(step, _)| *step).ok()?;
        Some(self.0[place].1)
    }

    /// Steps and values, the lowest step first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (u64, f64)> {
        self.0.iter().copied()
    }

    /// The first step of at least `step`, and its value.
    pub(crate) fn from(&self, step: u64) -> Option<(u64, f64)> {
        self.0
            .get(self.0.partition_point(|(at, _)| *at < step))
            .copied()
    }
}

impl FromIterator<(u64, f64)> for Series {
    fn from_iter<T: IntoIterator<Item = (u64, f64)>>(values: T) -> Self {
        let mut series = Self::default();
        values
            .into_iter()
            .for_each(|(step, value)| series.push(step, value));
        series
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_kept_in_order() {
        let series: Series = [(3, 0.3), (1, 0.1), (3, 0.4)].into_iter().collect();
        assert_eq!(series.iter().collect::<Vec<_>>(), [(1, 0.1), (3, 0.4)]);
        assert_eq!(series.last(), Some((3, 0.4)));
        assert_eq!((series.at(1), series.at(2)), (Some(0.1), None));
        assert_eq!((series.from(2), series.from(4)), (Some((3, 0.4)), None));
    }
}
