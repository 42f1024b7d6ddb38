//! The hyperparameters of linear models as the options write them and the model file records them.
//!
//! Which ranges they have is known to `hpipe_learn::linear`.

use hpipe_learn::linear::{LinearKind, LinearParams, ValidLinear};
use linfa::ParamGuard;
use serde::{Deserialize, Serialize};

use crate::options::Faults;

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

impl Hyperparameters {
    /// Checks the hyperparameters of a model of `kind`; faults go below `path`, and defaults stand in for what has any.
    pub(crate) fn check(&self, kind: LinearKind, path: &str, faults: &mut Faults) -> ValidLinear {
        self.check_names(kind, path, faults);
        let params = self.params(kind);
        for fault in params.faults() {
            faults.require(
                false,
                format!("{path}.{}", fault.name),
                format!("must be {}, not {}", fault.expect, fault.found),
            );
        }
        let valid = params.check().or_else(|_| LinearParams::new(kind).check());
        valid.expect("bug: defaults out of range")
    }

    /// Finds hyperparameters that the model does not have.
    fn check_names(&self, kind: LinearKind, path: &str, faults: &mut Faults) {
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
    }

    fn params(&self, kind: LinearKind) -> LinearParams {
        let mut params = LinearParams::new(kind);
        if let Some(alpha) = self.alpha {
            params = params.alpha(alpha);
        }
        if let Some(l1_ratio) = self.l1_ratio {
            params = params.l1_ratio(l1_ratio);
        }
        if let Some(tol) = self.tol {
            params = params.tol(tol);
        }
        if let Some(max_iter) = self.max_iter {
            params = params.max_iter(max_iter);
        }
        params.fit_intercept(self.fit_intercept.unwrap_or(true))
    }
}

/// The hyperparameters that the model of `params` takes, complete with defaults.
pub(crate) fn hyperparameters(params: &ValidLinear) -> Hyperparameters {
    let takes = |name| params.kind().takes().contains(&name);
    Hyperparameters {
        alpha: takes("alpha").then_some(params.alpha()),
        l1_ratio: takes("l1_ratio").then_some(params.l1_ratio()),
        tol: takes("tol").then_some(params.tol()),
        max_iter: takes("max_iter").then_some(params.max_iter()),
        fit_intercept: Some(params.fit_intercept()),
    }
}
