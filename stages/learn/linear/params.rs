//! The hyperparameters of linear models, with scikit-learn's names, meanings and defaults.
//!
//! linfa's custom: [`LinearParams`] as written, whose `check` gives [`ValidLinear`], the only type that fits.

use std::fmt;

use linfa::ParamGuard;
use serde::{Deserialize, Serialize};

use super::error::LinearError;

/// The linear models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinearKind {
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
    pub const fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Ridge => "ridge",
            Self::Lasso => "lasso",
            Self::ElasticNet => "elastic_net",
        }
    }

    /// The hyperparameters it takes.
    pub const fn takes(self) -> &'static [&'static str] {
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

/// A hyperparameter out of its range.
#[derive(Debug, Clone, PartialEq)]
pub struct ParamFault {
    /// Which hyperparameter.
    pub name: &'static str,
    /// What it must be.
    pub expect: &'static str,
    /// What it is.
    pub found: f64,
}

impl fmt::Display for ParamFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} must be {}, not {}",
            self.name, self.expect, self.found
        )
    }
}

/// Hyperparameters of a linear model as written.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearParams(ValidLinear);

/// Hyperparameters of a linear model, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct ValidLinear {
    kind: LinearKind,
    alpha: f64,
    l1_ratio: f64,
    tol: f64,
    max_iter: u32,
    fit_intercept: bool,
}

impl LinearParams {
    /// The defaults of a model of `kind`: alpha 1, l1_ratio 0.5, tol 1e-4, max_iter 1000, an intercept.
    pub const fn new(kind: LinearKind) -> Self {
        let l1_ratio = match kind {
            LinearKind::Linear | LinearKind::Ridge => 0.0,
            LinearKind::Lasso => 1.0,
            LinearKind::ElasticNet => 0.5,
        };
        Self(ValidLinear {
            kind,
            alpha: if matches!(kind, LinearKind::Linear) {
                0.0
            } else {
                1.0
            },
            l1_ratio,
            tol: 1e-4,
            max_iter: 1000,
            fit_intercept: true,
        })
    }

    /// Sets how strongly coefficients are penalised; least squares has no penalty and ignores it.
    pub fn alpha(mut self, alpha: f64) -> Self {
        if self.0.kind != LinearKind::Linear {
            self.0.alpha = alpha;
        }
        self
    }

    /// Sets how much of the penalty is on absolute values, from 0 to 1; only elastic net has the choice.
    pub fn l1_ratio(mut self, l1_ratio: f64) -> Self {
        if self.0.kind == LinearKind::ElasticNet {
            self.0.l1_ratio = l1_ratio;
        }
        self
    }

    /// Sets when iterations stop: at a largest change of `tol` times the largest coefficient, and a duality gap of
    /// `tol · ‖y‖²` of the centred target.
    pub fn tol(mut self, tol: f64) -> Self {
        self.0.tol = tol;
        self
    }

    /// Sets the most passes over all features.
    pub fn max_iter(mut self, max_iter: u32) -> Self {
        self.0.max_iter = max_iter;
        self
    }

    /// Sets whether the model has an intercept, which is never penalised.
    pub fn fit_intercept(mut self, fit_intercept: bool) -> Self {
        self.0.fit_intercept = fit_intercept;
        self
    }

    /// Every hyperparameter out of its range.
    pub fn faults(&self) -> Vec<ParamFault> {
        let ValidLinear {
            kind,
            alpha,
            l1_ratio,
            tol,
            max_iter,
            ..
        } = self.0;
        let penalised = matches!(kind, LinearKind::Lasso | LinearKind::ElasticNet);
        let alpha_rule = if penalised {
            "more than 0 (at 0, use the model `linear`)"
        } else {
            "0 or more"
        };
        let alpha_holds = alpha.is_finite() && (alpha > 0.0 || alpha == 0.0 && !penalised);
        let rules = [
            ("alpha", alpha, alpha_holds, alpha_rule),
            (
                "l1_ratio",
                l1_ratio,
                (0.0..=1.0).contains(&l1_ratio),
                "from 0 to 1",
            ),
            ("tol", tol, tol.is_finite() && tol > 0.0, "more than 0"),
            ("max_iter", max_iter.into(), max_iter > 0, "at least 1"),
        ];
        let broken = rules.into_iter().filter(|(_, _, holds, _)| !holds);
        broken
            .map(|(name, found, _, expect)| ParamFault {
                name,
                expect,
                found,
            })
            .collect()
    }
}

impl ParamGuard for LinearParams {
    type Checked = ValidLinear;
    type Error = LinearError;

    fn check_ref(&self) -> Result<&ValidLinear, LinearError> {
        let faults = self.faults();
        if faults.is_empty() {
            Ok(&self.0)
        } else {
            Err(LinearError::Params(faults))
        }
    }

    fn check(self) -> Result<ValidLinear, LinearError> {
        self.check_ref()?;
        Ok(self.0)
    }
}

impl ValidLinear {
    /// Checks penalties to be taken in place of its own.
    pub(super) fn check_alphas(&self, alphas: &[f64]) -> Result<(), LinearError> {
        let with = |&alpha: &f64| LinearParams(self.clone()).alpha(alpha).check().map(drop);
        alphas.iter().try_for_each(with)
    }

    /// Which model.
    pub fn kind(&self) -> LinearKind {
        self.kind
    }

    /// How strongly coefficients are penalised; 0 for least squares.
    pub fn alpha(&self) -> f64 {
        self.alpha
    }

    /// How much of the penalty is on absolute values: 0 for least squares and ridge, 1 for lasso.
    pub fn l1_ratio(&self) -> f64 {
        self.l1_ratio
    }

    /// When iterations stop.
    pub fn tol(&self) -> f64 {
        self.tol
    }

    /// The most passes over all features.
    pub fn max_iter(&self) -> u32 {
        self.max_iter
    }

    /// Whether the model has an intercept.
    pub fn fit_intercept(&self) -> bool {
        self.fit_intercept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_told() {
        let faults = |params: LinearParams| match params.check() {
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        };
        assert_eq!(faults(LinearParams::new(LinearKind::Linear)), "");
        assert_eq!(faults(LinearParams::new(LinearKind::Ridge).alpha(0.0)), "");
        assert_eq!(
            faults(LinearParams::new(LinearKind::Ridge).alpha(f64::NAN)),
            "the hyperparameters are not valid: alpha must be 0 or more, not NaN"
        );
        let wrong = LinearParams::new(LinearKind::ElasticNet)
            .alpha(0.0)
            .l1_ratio(1.5)
            .tol(-1.0)
            .max_iter(0);
        assert_eq!(
            faults(wrong),
            "the hyperparameters are not valid: alpha must be more than 0 (at 0, use the model `linear`), not 0; \
             l1_ratio must be from 0 to 1, not 1.5; tol must be more than 0, not -1; max_iter must be at least 1, not 0"
        );
    }

    #[test]
    fn a_hyperparameter_the_model_has_not_is_ignored() {
        let lasso = LinearParams::new(LinearKind::Lasso).l1_ratio(0.3);
        assert_eq!(lasso.check().expect("valid").l1_ratio(), 1.0);
        let linear = LinearParams::new(LinearKind::Linear).alpha(3.0);
        assert_eq!(linear.check().expect("valid").alpha(), 0.0);
    }
}
