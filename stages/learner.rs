//! The learners that `train`, `tune` and `stack` know, by kind: their hyperparameters, checked, and how they are fitted.
//!
//! The learners themselves are in `hpipe_learn`, where they know matrices only; here are their names, their options as
//! users write them, and the features by name. An option that is left out has the default of scikit-learn or XGBoost.

mod decision_tree;
mod gradient_boosting;
mod linear;
mod random_forest;
mod sample;
mod trees;
mod xgboost;

pub(crate) use self::trees::limit;

pub(crate) use sample::Sample;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::ControlFlow;

use hpipe_core::OptionFault;
use hpipe_learn::history::{self, Iteration, Monitor};
use hpipe_learn::learned::Learned;
use hpipe_learn::linear::{Convergence, LinearError, LinearKind, ValidLinear};
use hpipe_learn::tree::Ensemble;
use linfa::ParamGuard;
use linfa::traits::Fit;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use self::decision_tree::DecisionTreeOptions;
use self::gradient_boosting::GradientBoostingOptions;
use self::random_forest::RandomForestOptions;
use self::xgboost::XgboostOptions;
use crate::error::Error;
use crate::model::History;
use crate::names;
use crate::options::{self, Faults};
use crate::schema::{Gaps, MOST_LEVELS, Schema};
use crate::scores::Score;

/// The models that can be trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LearnerKind {
    /// Ordinary least squares.
    Linear,
    /// Least squares with a penalty on squared coefficients.
    Ridge,
    /// Least squares with a penalty on absolute coefficients.
    Lasso,
    /// Least squares with both penalties.
    ElasticNet,
    /// One regression tree.
    DecisionTree,
    /// The mean of many trees, each grown on rows drawn with replacement.
    RandomForest,
    /// First-order boosting.
    GradientBoosting,
    /// Second-order boosting.
    Xgboost,
}

impl LearnerKind {
    /// Every kind, in the order of tables.
    pub(crate) const ALL: [Self; 8] = [
        Self::Linear,
        Self::Ridge,
        Self::Lasso,
        Self::ElasticNet,
        Self::DecisionTree,
        Self::RandomForest,
        Self::GradientBoosting,
        Self::Xgboost,
    ];

    /// The word for it in options and reports.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Ridge => "ridge",
            Self::Lasso => "lasso",
            Self::ElasticNet => "elastic_net",
            Self::DecisionTree => "decision_tree",
            Self::RandomForest => "random_forest",
            Self::GradientBoosting => "gradient_boosting",
            Self::Xgboost => "xgboost",
        }
    }

    const fn linear(self) -> Option<LinearKind> {
        match self {
            Self::Linear => Some(LinearKind::Linear),
            Self::Ridge => Some(LinearKind::Ridge),
            Self::Lasso => Some(LinearKind::Lasso),
            Self::ElasticNet => Some(LinearKind::ElasticNet),
            _ => None,
        }
    }
}

impl fmt::Display for LearnerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A learner with checked hyperparameters.
#[derive(Debug, Clone)]
pub(crate) struct Learner {
    kind: LearnerKind,
    hyperparameters: Hyperparameters,
    seed: u64,
}

#[derive(Debug, Clone, PartialEq)]
enum Hyperparameters {
    Linear(ValidLinear),
    DecisionTree(DecisionTreeOptions),
    RandomForest(RandomForestOptions),
    GradientBoosting(GradientBoostingOptions),
    Xgboost(XgboostOptions),
}

/// What a learner learned, and how that went.
#[derive(Debug)]
pub(crate) struct Fitted {
    pub(crate) learned: Learned,
    /// Places of the features that are combinations of others; of linear models.
    pub(crate) collinear: Vec<usize>,
    /// How the iterations of a linear model ended.
    pub(crate) convergence: Option<Convergence>,
    /// The metric of every iteration of a booster.
    pub(crate) history: Option<History>,
    /// R² of a forest on the rows that each tree was not grown on.
    pub(crate) out_of_bag: Option<f64>,
}

impl Fitted {
    fn of(learned: Learned) -> Self {
        Self {
            learned,
            collinear: Vec::new(),
            convergence: None,
            history: None,
            out_of_bag: None,
        }
    }
}

/// Called after every tree; `Break` ends the fit with the trees so far.
pub(crate) type Observer<'a> = &'a mut dyn FnMut(&Iteration) -> ControlFlow<()>;

impl Learner {
    /// Reads and checks the hyperparameters of a model of `kind`.
    ///
    /// # Errors
    /// Every fault, with its path below the hyperparameters.
    pub(crate) fn new(
        kind: LearnerKind,
        written: Json,
        seed: u64,
    ) -> Result<Self, Vec<OptionFault>> {
        let hyperparameters = match (kind, kind.linear()) {
            (LearnerKind::DecisionTree, _) => {
                Hyperparameters::DecisionTree(options::section(written)?)
            }
            (LearnerKind::RandomForest, _) => {
                Hyperparameters::RandomForest(options::section(written)?)
            }
            (LearnerKind::GradientBoosting, _) => {
                Hyperparameters::GradientBoosting(options::section(written)?)
            }
            (_, Some(linear)) => {
                let written: linear::Hyperparameters = options::section(written)?;
                let mut faults = Faults::default();
                let checked = written.check(linear, &mut faults);
                Hyperparameters::Linear(faults.into_result(checked)?)
            }
            (_, None) => Hyperparameters::Xgboost(options::section(written)?),
        };
        let learner = Self {
            kind,
            hyperparameters,
            seed,
        };
        learner
            .check()
            .map(|()| learner)
            .map_err(|fault| vec![fault])
    }

    /// Asks the tree learners whether they take their hyperparameters.
    fn check(&self) -> Result<(), OptionFault> {
        let checked = match &self.hyperparameters {
            Hyperparameters::Linear(_) => Ok(()),
            Hyperparameters::DecisionTree(options) => options.params(&[], 0).check().map(drop),
            Hyperparameters::RandomForest(options) => options.params(&[], 0).check().map(drop),
            Hyperparameters::GradientBoosting(options) => options.params(&[], 0).check().map(drop),
            Hyperparameters::Xgboost(options) => {
                let directions = options.monotone_constraints.values().copied().collect();
                options.params(&[], directions, 0).check().map(drop)
            }
        };
        checked.map_err(|error| match error {
            hpipe_learn::error::Error::Hyperparameter {
                name,
                value,
                expect,
            } => OptionFault {
                path: name.to_owned(),
                message: format!("must be {expect}, not {value}"),
                help: None,
            },
            other => OptionFault {
                path: String::new(),
                message: other.to_string(),
                help: None,
            },
        })
    }

    /// Which model it makes.
    pub(crate) const fn kind(&self) -> LearnerKind {
        self.kind
    }

    /// The hyperparameters it takes, complete with defaults.
    ///
    /// # Errors
    /// [`Error::Numerical`]: never of hyperparameters that were checked.
    pub(crate) fn hyperparameters(&self) -> Result<Json, Error> {
        let json = match &self.hyperparameters {
            Hyperparameters::Linear(valid) => serde_json::to_value(linear::hyperparameters(valid)),
            Hyperparameters::DecisionTree(options) => serde_json::to_value(options),
            Hyperparameters::RandomForest(options) => serde_json::to_value(options),
            Hyperparameters::GradientBoosting(options) => serde_json::to_value(options),
            Hyperparameters::Xgboost(options) => serde_json::to_value(options),
        };
        json.map_err(|error| Error::Numerical(error.to_string()))
    }

    /// What a booster measures after every tree, as `score` of the rows it measures on, whose targets have `variance`;
    /// none where its loss does not tell the score.
    pub(crate) fn reported(&self, measured: f64, score: Score, variance: f64) -> Option<f64> {
        let measures = match &self.hyperparameters {
            Hyperparameters::Xgboost(_) => "rmse",
            Hyperparameters::GradientBoosting(options) => options.metric(),
            _ => return None,
        };
        let of_square = |square: f64| match score {
            Score::Rmse => Some(square.sqrt()),
            Score::R2 => (variance > 0.0).then(|| 1.0 - square / variance),
            _ => None,
        };
        match measures {
            "rmse" => of_square(measured * measured),
            "mean_squared_error" => of_square(measured),
            "mean_absolute_error" => (score == Score::Mae).then_some(measured),
            _ => None,
        }
    }

    /// The hyperparameter by which it stops when the validation rows are predicted no better; none when it never does.
    pub(crate) fn stops_early(&self) -> Option<&'static str> {
        match &self.hyperparameters {
            Hyperparameters::Xgboost(options) => options
                .early_stopping_rounds
                .map(|_| "early_stopping_rounds"),
            Hyperparameters::GradientBoosting(options) => {
                options.n_iter_no_change.map(|_| "n_iter_no_change")
            }
            _ => None,
        }
    }

    /// Whether trees on the way tell the score `score`, so that a search can give a trial up early.
    pub(crate) fn reports(&self, score: Score) -> bool {
        self.reported(1.0, score, 1.0).is_some()
    }

    /// What it does with rows that lack a value.
    pub(crate) const fn gaps(&self) -> Gaps {
        match self.hyperparameters {
            Hyperparameters::Linear(_) => Gaps::Refused,
            _ => Gaps::Allowed,
        }
    }

    /// Fits to `train`; boosters measure every iteration on `validation`, if it is given, and tell `observer`.
    ///
    /// # Errors
    /// [`Error::NothingToFit`] without rows or features; [`Error::Fit`] and [`Error::Numerical`] say what the learner
    /// refuses; [`Error::MissingColumn`] for a constraint on a feature that is not there.
    pub(crate) fn fit(
        &self,
        train: &Sample,
        validation: Option<&Sample>,
        observer: Observer<'_>,
    ) -> Result<Fitted, Error> {
        if train.targets.is_empty() {
            return Err(Error::NothingToFit("rows"));
        }
        if train.schema.features().is_empty() {
            return Err(Error::NothingToFit("features"));
        }
        if let Some(feature) = train.schema.with_too_many_levels() {
            return Err(Error::TooManyCategories {
                column: feature.name.clone(),
                most: MOST_LEVELS,
            });
        }
        let categorical = train.schema.categorical();
        let monitor = Monitor {
            validation: validation.map(Sample::as_validation),
            observe: Some(observer),
        };
        let targets = train.targets.view();
        match &self.hyperparameters {
            Hyperparameters::Linear(valid) => fit_linear(valid, train),
            Hyperparameters::DecisionTree(options) => {
                let dataset = linfa::DatasetBase::new(train.records.view(), targets);
                let tree = options
                    .params(&categorical, self.seed)
                    .check()?
                    .fit(&dataset)?;
                Ok(Fitted::of(Learned::Trees(tree.ensemble)))
            }
            Hyperparameters::RandomForest(options) => {
                let params = options.params(&categorical, self.seed).check()?;
                let matrix = train.binned(params.binning())?;
                let forest = params.fit_binned(&matrix, targets, None, monitor)?;
                let out_of_bag = forest.out_of_bag.map(|rows| rows.score);
                Ok(Fitted {
                    out_of_bag,
                    ..Fitted::of(Learned::Trees(forest.ensemble))
                })
            }
            Hyperparameters::GradientBoosting(options) => {
                let params = options.params(&categorical, self.seed).check()?;
                let matrix = train.binned(params.binning())?;
                let booster = params.fit_binned(&matrix, targets, None, monitor)?;
                Ok(boosted(booster.ensemble, booster.history, options.metric()))
            }
            Hyperparameters::Xgboost(options) => {
                let monotone = monotone(&options.monotone_constraints, &train.schema)?;
                let params = options.params(&categorical, monotone, self.seed).check()?;
                let matrix = train.binned(params.binning())?;
                let booster = params.fit_binned(&matrix, targets, None, monitor)?;
                Ok(boosted(booster.ensemble, booster.history, "rmse"))
            }
        }
    }
}

fn fit_linear(valid: &ValidLinear, train: &Sample) -> Result<Fitted, Error> {
    let dataset = linfa::DatasetBase::new(train.records.view(), train.targets.view());
    let fitted = valid.fit(&dataset).map_err(|error| match error {
        LinearError::NoRows => Error::NothingToFit("rows"),
        other => Error::Numerical(other.to_string()),
    })?;
    Ok(Fitted {
        collinear: fitted.collinear,
        convergence: fitted.convergence,
        ..Fitted::of(Learned::Linear {
            intercept: fitted.model.intercept,
            coefficients: fitted.model.coefficients,
        })
    })
}

fn boosted(ensemble: Ensemble, history: history::History, metric: &'static str) -> Fitted {
    Fitted {
        history: Some(History {
            metric: metric.to_owned(),
            train: history.train,
            validation: history.validation,
            best_iteration: history.best_iteration,
        }),
        ..Fitted::of(Learned::Trees(ensemble))
    }
}

/// A direction a feature, in the order of the schema.
fn monotone(constraints: &BTreeMap<String, i8>, schema: &Schema) -> Result<Vec<i8>, Error> {
    if constraints.is_empty() {
        return Ok(Vec::new());
    }
    let names = schema.names();
    if let Some(name) = constraints.keys().find(|name| !names.contains(name)) {
        return Err(Error::MissingColumn {
            column: name.clone(),
            help: names::suggest("features", name, names.iter().map(String::as_str)),
        });
    }
    let direction = |name: &String| constraints.get(name).copied().unwrap_or(0);
    // Codes have no order that a direction could be of.
    let mut coded = schema.categorical().into_iter().map(|place| &names[place]);
    match coded.find(|name| direction(name) != 0) {
        Some(name) => Err(Error::WrongType {
            column: name.clone(),
            expected: "numbers, for a monotone constraint,",
            found: "categories",
        }),
        None => Ok(names.iter().map(direction).collect()),
    }
}
