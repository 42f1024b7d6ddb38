//! The learners of hpipe: matrices in, models out.
//!
//! A room of its own below `stages/`, so that learners are built, tested and measured without polars, and used without a
//! pipeline. It knows ndarray and linfa's traits; it does not know tables, files, stages, the clock or the environment.
//!
//! | module | holds |
//! |---|---|
//! | [`interchange`] | models of XGBoost and LightGBM, and ONNX |
//! | [`learned`] | any fitted model: linear, trees, a stack of models |
//! | [`model_file`] | the bytes of a fitted model, and back |
//! | [`linear`] | least squares, ridge, lasso and elastic net |
//! | [`decision_tree`], [`random_forest`] | trees that predict the mean of their leaves' rows |
//! | [`gradient_boosting`], [`xgboost`] | trees fitted to what those before left over: first and second order |
//! | [`binned`] | a matrix as 8-bit codes, which many fits may share |
//! | [`history`] | who watches a fit, and what it was like |
//! | [`neighbours`] | what the nearest training rows say of a point |
//! | [`predictor`] | trees laid out for speed |
//! | [`explain`] | Shapley values, permutation and gain importance |
//! | [`tree`] | what a fitted tree and a sum of trees are, and how they predict |
//!
//! Records are `n_rows × n_features` of `f64`; a missing value is NaN. Equal seeds give equal bytes, whatever the number
//! of threads.

pub mod binned;
mod boost;
pub mod decision_tree;
pub mod error;
pub mod explain;
pub mod gradient_boosting;
mod grow;
pub mod history;
pub mod interchange;
pub mod learned;
pub mod linear;
mod linfa_traits;
mod loss;
pub mod max_features;
pub mod model_file;
pub mod neighbours;
pub mod predictor;
mod random;
pub mod random_forest;
pub mod ready;
pub mod stacking;
pub mod tree;
pub mod xgboost;
