//! The learners of hpipe: matrices in, models out.
//!
//! A room of its own below `stages/`, so that learners are built, tested and measured without polars, and used without a
//! pipeline. It knows ndarray and linfa's traits; it does not know tables, files, stages, the clock or the environment.
//!
//! | module | holds |
//! |---|---|
//! | [`learned`] | any fitted model: linear, trees, a stack of models |
//! | [`model_file`] | the bytes of a fitted model, and back |
//! | [`tree`] | what a fitted tree and a sum of trees are, and how they predict |
//!
//! Records are `n_rows × n_features` of `f64`; a missing value is NaN. Equal seeds give equal bytes, whatever the number
//! of threads.

pub mod learned;
pub mod model_file;
pub mod tree;
