//! Hyperparameter search as pure computation: what to try next, what to give up, what mattered.
//!
//! A [`Definition`] says what is searched and how: a [`Space`] of parameters, a [`Sampler`], a [`Pruner`], a direction, a
//! seed and a number of trials. A [`Study`] is the state machine that a driver asks for trials and tells their results;
//! the driver may run one trial at a time or many in parallel. [`importance`] says afterwards which parameters mattered.
//!
//! **The lag rule.** The proposal for trial `n` is a function of the definition and of the results of the trials up to
//! `n - concurrency` alone; those between are taken as still running, whether they are or not. Pruning looks no further
//! either. So neither the number of threads nor who finishes first changes a study: equal definitions and equal results
//! give equal trials, a study can be resumed by replaying it, and raising its number of trials keeps those it had.
//!
//! ```
//! # use hpipe_core::Value;
//! # fn map(entries: Vec<(&str, Value)>) -> Value {
//! #     Value::Map(entries.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
//! # }
//! use hpipe_tune::{Definition, Outcome, Series, Study};
//!
//! let float = |low, high| map(vec![("float", Value::List(vec![Value::Float(low), Value::Float(high)]))]);
//! let definition = Definition::parse(&map(vec![
//!     ("space", map(vec![("x", float(-5.0, 5.0)), ("y", float(-5.0, 5.0))])),
//!     ("trials", Value::Int(30)),
//! ]))
//! .expect("a definition without faults");
//! let mut study = Study::new(definition);
//! while let Some(ask) = study.ask() {
//!     let number = |name| match ask.params.get(name) {
//!         Some(Value::Float(x)) => *x,
//!         _ => f64::NAN, // an inactive parameter
//!     };
//!     let (x, y) = (number("x"), number("y"));
//!     study.tell(ask.number, Outcome::Complete(x * x + y * y), Series::default())?;
//! }
//! assert!(study.is_finished());
//! assert!(study.best().expect("a complete trial").value < 10.0);
//! # Ok::<(), hpipe_tune::TellError>(())
//! ```
//!
//! Deliberately knows no disk, thread, clock or terminal and no stage; what a trial does and where its result is kept is
//! its caller's business. Logarithms and the like come from `libm`, so proposals have the same bits on every platform.
//! For users: `docs/tuning.md`.

mod definition;
mod domain;
mod faults;
mod generator;
mod importance;
mod normal;
mod pruner;
mod sampler;
mod section;
mod series;
mod space;
mod study;
mod trial;

pub use definition::{Definition, Direction};
pub use domain::{Domain, Range};
pub use importance::{Importance, ImportanceOptions, importance};
pub use pruner::{HalvingOptions, MedianOptions, Pruner};
pub use sampler::{QmcOptions, SOBOL_DIMENSIONS, Sampler, TpeOptions};
pub use series::Series;
pub use space::{Condition, Param, Space};
pub use study::{Ask, Study, TellError};
pub use trial::{Best, Outcome, State, Trial};
