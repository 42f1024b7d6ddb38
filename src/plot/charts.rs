//! The charts that stages and commands show, each one function from plain columns to a [`Figure`](crate::Figure).

mod comparison;
mod importance;
mod learning;
mod regions;
mod regression;
mod shap;
mod study;
mod template;
mod template_marks;

pub use comparison::{ModelScores, compared_models};
pub use importance::{Importance, importance};
pub use learning::{Curve, learning_curve};
pub use regions::{Region, regions};
pub use regression::{
    predicted_against_actual, residual_histogram, residual_quantiles, residuals_against_predicted,
};
pub use shap::{Explained, shap_dependence, shap_summary, shap_waterfall};
pub use study::{
    Parameter, ParameterScale, Study, Trial, TrialState, study_history, study_parallel,
    study_slices,
};
pub use template::{Column, Series, Table, Template, TemplateOptions, draw_template};
