//! The hyperparameters of linear models, with scikit-learn's names, meanings and defaults.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::options::Faults;

/// The linear models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LinearKind {
    /// Ordinary least squares: `‖y − Xw‖²`.
    Linear,
    /// `‖y − Xw‖² + alpha ‖w‖²`.
    Ridge,
    /// `‖y − Xw‖² / 2n + alpha |w|`.
    Lasso,
    /// `‖y − Xw‖² / 2n + alpha l1_ratio |w| + alpha (1 − l1_ratio) ‖w‖² / 2`.
    ElasticNet,
}

impl LinearKind {
    /// The word for this model in options and reports.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Ridge => "ridge",
            Self::Lasso => "lasso",
            Self::ElasticNet => "elastic_net",
        }
    }

    /// The hyperparameters it takes.
    const fn takes(self) -> &'static [&'static str] {
        match self {
            Self::Linear => &["fit_intercept"],
            Self::Ridge => &["alpha", "fit_intercept"],
            Self::Lasso => &["alpha", "tol", "max_iter", "fit_intercept"],
            Self::ElasticNet => &["alpha", "l1_ratio", "tol", "max_iter", "fit_intercept"],
        }
    }
}

impl fmt::Display for LinearKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Hyperparameters: as written in the options, and, complete with defaults, as recorded in the model.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hyperparameters {
    /// How strongly coefficients are penalised; 1 unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) alpha: Option<f64>,
    /// How much of the penalty is on absolute values, from 0 to 1; 0.5 unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) l1_ratio: Option<f64>,
    /// When iterations stop: at a duality gap of `tol · ‖y‖²`; 1e-4 unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tol: Option<f64>,
    /// The most passes over all features; 1000 unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_iter: Option<u32>,
    /// Whether the model has an intercept; true unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fit_intercept: Option<bool>,
}

/// A linear model with checked hyperparameters.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ValidLinear {
    pub(crate) kind: LinearKind,
    /// 0 for [`LinearKind::Linear`]; positive for lasso and elastic net.
    pub(crate) alpha: f64,
    /// 0 for [`LinearKind::Linear`] and [`LinearKind::Ridge`], 1 for [`LinearKind::Lasso`].
    pub(crate) l1_ratio: f64,
    pub(crate) tol: f64,
    pub(crate) max_iter: u32,
    pub(crate) fit_intercept: bool,
}

impl Hyperparameters {
    /// Checks the hyperparameters of a model of `kind`; faults go below `path`.
    pub(crate) fn check(&self, kind: LinearKind, path: &str, faults: &mut Faults) -> ValidLinear {
        let given = [
            ("alpha", self.alpha.is_some()),
            ("l1_ratio", self.l1_ratio.is_some()),
            ("tol", self.tol.is_some()),
            ("max_iter", self.max_iter.is_some()),
            ("fit_intercept", self.fit_intercept.is_some()),
        ];
        for (name, _) in given.iter().filter(|(_, is_given)| *is_given) {
            if !kind.takes().contains(name) {
                faults.add_with_help(
                    format!("{path}.{name}"),
                    format!("the model `{kind}` has no such hyperparameter"),
                    format!("it takes {}", kind.takes().join(", ")),
                );
            }
        }
        let mut in_range = |name: &str, value: f64, holds: bool, expect: &str| {
            faults.require(
                holds,
                format!("{path}.{name}"),
                format!("must be {expect}, not {value}"),
            );
            value
        };
        let default_l1_ratio = match kind {
            LinearKind::Linear | LinearKind::Ridge => 0.0,
            LinearKind::Lasso => 1.0,
            LinearKind::ElasticNet => 0.5,
        };
        let default_alpha = if kind == LinearKind::Linear { 0.0 } else { 1.0 };
        let alpha = self.alpha.unwrap_or(default_alpha);
        let l1_ratio = self.l1_ratio.unwrap_or(default_l1_ratio);
        let tol = self.tol.unwrap_or(1e-4);
        let max_iter = self.max_iter.unwrap_or(1000);
        match kind {
            LinearKind::Linear => {}
            LinearKind::Ridge => {
                in_range("alpha", alpha, alpha >= 0.0, "0 or more");
            }
            LinearKind::Lasso | LinearKind::ElasticNet => {
                in_range(
                    "alpha",
                    alpha,
                    alpha > 0.0,
                    "more than 0 (at 0, use the model `linear`)",
                );
            }
        }
        ValidLinear {
            kind,
            alpha,
            l1_ratio: in_range(
                "l1_ratio",
                l1_ratio,
                (0.0..=1.0).contains(&l1_ratio),
                "from 0 to 1",
            ),
            tol: in_range("tol", tol, tol > 0.0, "more than 0"),
            max_iter: in_range("max_iter", max_iter.into(), max_iter > 0, "at least 1") as u32,
            fit_intercept: self.fit_intercept.unwrap_or(true),
        }
    }
}

impl ValidLinear {
    /// The hyperparameters the model takes, complete with defaults.
    pub(crate) fn hyperparameters(&self) -> Hyperparameters {
        let takes = |name| self.kind.takes().contains(&name);
        Hyperparameters {
            alpha: takes("alpha").then_some(self.alpha),
            l1_ratio: takes("l1_ratio").then_some(self.l1_ratio),
            tol: takes("tol").then_some(self.tol),
            max_iter: takes("max_iter").then_some(self.max_iter),
            fit_intercept: Some(self.fit_intercept),
        }
    }
}
