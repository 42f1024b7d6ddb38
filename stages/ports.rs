//! Short ways to declare the ports of a stage.

use hpipe_core::{Arity, Direction, Port};

/// A dep.
pub(crate) const fn dep(role: &'static str, arity: Arity, doc: &'static str) -> Port {
    Port {
        role,
        direction: Direction::Dep,
        arity,
        doc,
    }
}

/// An out, metric or plot.
pub(crate) const fn out(role: &'static str, arity: Arity, doc: &'static str) -> Port {
    Port {
        role,
        direction: Direction::Out,
        arity,
        doc,
    }
}
