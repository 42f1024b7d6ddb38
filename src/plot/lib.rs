//! Charts and report pages: values in; SVG text, PNG bytes and HTML text out.
//!
//! A [`Figure`] holds [`Chart`]s, a chart two [`Axis`] and [`Mark`]s between them; [`Figure::draw`] gives a
//! [`Picture`], which is written as a file of its own, as a part of a [`Page`], or as pixels. On top of these stand the
//! charts that our stages and commands show, one function each. docs/plots.md shows them; why they are our own is
//! `docs/decisions/007-plots.md`.
//!
//! Pure: no disk, no clock, no terminal, no chance; the same values give the same bytes. Values that cannot be shown
//! (NaN, infinite, not positive on a logarithmic axis) are left out and counted in the caption; nothing to show gives a
//! picture that says so. Deliberately knows neither stages nor tables of polars: callers hand over plain columns.

mod axis;
mod canvas;
mod chart;
mod charts;
mod colour;
mod draw;
mod error;
mod escape;
mod figure;
mod font;
mod layout;
mod legend;
mod mark;
mod number;
mod page;
mod parallel;
mod picture;
#[cfg(feature = "png")]
mod png;
mod quantity;
mod scale;
mod theme;
mod ticks;

pub use axis::Axis;
pub use canvas::Anchor;
pub use chart::Chart;
pub use charts::{
    Column, Curve, Explained, Importance, ModelScores, Parameter, ParameterScale, Region, Series,
    Study, Table, Template, TemplateOptions, Trial, TrialState, compared_models, draw_template,
    importance, learning_curve, predicted_against_actual, regions, residual_histogram,
    residual_quantiles, residuals_against_predicted, shap_dependence, shap_summary, shap_waterfall,
    study_history, study_parallel, study_slices,
};
pub use colour::{Ramp, RampKind, Tone};
pub use error::Error;
pub use figure::Figure;
pub use mark::{
    Band, Bar, Bars, Cell, Cells, Colours, Dash, ErrorBars, Fill, Line, Mark, Note, Points, Rule,
    RuleAt, Shape, Swarm,
};
pub use number::{format_number, format_short};
pub use page::{ImageKind, KeyFigure, Outcome, Page, PageImage, PageTable, TableCell, Verdict};
pub use picture::Picture;
pub use quantity::Quantity;
