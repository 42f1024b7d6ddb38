//! What a chart's axis says; where its ticks are is decided in `chart.rs`, when the size is known.

use crate::scale::Spread;

/// An axis: what it measures, and how values are spread over it.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    pub(crate) label: String,
    pub(crate) spread: Spread,
    pub(crate) fixed: (Option<f64>, Option<f64>),
    pub(crate) include: Vec<f64>,
    pub(crate) has_grid: bool,
    pub(crate) has_labels: bool,
}

impl Axis {
    /// An axis with values evenly spread. `label` says quantity and unit: `residual (100,000 $)`.
    pub fn linear(label: impl Into<String>) -> Self {
        Self::with(label.into(), Spread::Linear)
    }

    /// A logarithmic axis; values that are not positive are left out, and the caption says how many.
    pub fn log(label: impl Into<String>) -> Self {
        Self::with(label.into(), Spread::Log)
    }

    /// An axis with one place a name: marks stand at 0, 1, 2, …; upright axes begin at the top.
    pub fn category<T: Into<String>>(
        label: impl Into<String>,
        names: impl IntoIterator<Item = T>,
    ) -> Self {
        let names = names.into_iter().map(Into::into).collect();
        Self {
            has_grid: false,
            ..Self::with(label.into(), Spread::Category(names))
        }
    }

    const fn with(label: String, spread: Spread) -> Self {
        Self {
            label,
            spread,
            fixed: (None, None),
            include: Vec::new(),
            has_grid: true,
            has_labels: true,
        }
    }

    /// Begins the axis at `low`; marks below are left out, and the caption says how many.
    #[must_use]
    pub fn from(mut self, low: f64) -> Self {
        self.fixed.0 = Some(low);
        self
    }

    /// Ends the axis at `high`; marks above are left out, and the caption says how many.
    #[must_use]
    pub fn to(mut self, high: f64) -> Self {
        self.fixed.1 = Some(high);
        self
    }

    /// Makes the axis long enough to show `value`.
    #[must_use]
    pub fn including(mut self, value: f64) -> Self {
        self.include.push(value);
        self
    }

    /// Leaves out the grid lines.
    #[must_use]
    pub const fn without_grid(mut self) -> Self {
        self.has_grid = false;
        self
    }

    /// Leaves out the tick labels, as for panels that share an axis.
    #[must_use]
    pub const fn without_labels(mut self) -> Self {
        self.has_labels = false;
        self
    }
}
