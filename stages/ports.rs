//! Short ways to declare the ports of a stage.

use hpipe_core::{Arity, Direction, Port, PortPath};

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

/// The name of a port's file without extension, which names what is in it.
pub(crate) fn stem(port: &PortPath) -> String {
    let name = port.declared.file_name();
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    stem.to_owned()
}
