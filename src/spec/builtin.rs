//! Checks a stage against the built-in it uses: its name, roles and options.
//!
//! Apart from parsing, because the registry is only known to the whole program. Messages do not name the stage, so that
//! one fault in a `foreach` template gives equal diagnostics for all its instances and [`check_builtins`] tells it once.

use hpipe_core::{
    Arity, Code, Diagnostic, Direction, OptionFault, Port, Registry, Span, Stage, Value,
};

use crate::faults::{Faults, listed};
use crate::pipeline::{Action, Pipeline, Role, StageSpec};
use hpipe_core::nearest;

/// Finds every fault in how the stages of a pipeline use built-in stages.
pub fn check_builtins(pipeline: &Pipeline, registry: &Registry) -> Vec<Diagnostic> {
    let mut faults = Faults::default();
    for stage in &pipeline.stages {
        faults.extend(check_builtin(stage, registry));
    }
    faults.into_vec()
}

/// Finds every fault in how one stage uses its built-in: an unknown name, unknown, missing or overfull roles, options
/// that it does not accept. Nothing for a command.
pub fn check_builtin(stage: &StageSpec, registry: &Registry) -> Vec<Diagnostic> {
    let Action::Builtin {
        name,
        span,
        with,
        with_spans,
        with_uses,
    } = &stage.action
    else {
        return Vec::new();
    };
    let Some(builtin) = registry.get(name) else {
        return vec![unknown_builtin(name, *span, registry)];
    };
    let mut faults = check_roles(stage, builtin, *span);
    let options = Value::Map(with.clone());
    let given: Vec<&str> = given_deps(stage)
        .map(|dep| dep.role.name.as_str())
        .collect();
    // Of roles that are at fault already, nothing more is to be said.
    let given = Some(given).filter(|_| faults.is_empty());
    let fit = |()| given.map_or(Ok(()), |given| builtin.check_deps(&options, &given));
    if let Err(refused) = builtin.check(&options).and_then(fit) {
        faults.extend(
            refused
                .into_iter()
                .map(|fault| bad_option(builtin, fault, with_spans, with_uses, *span)),
        );
    }
    faults
}

fn unknown_builtin(name: &str, span: Span, registry: &Registry) -> Diagnostic {
    let names: Vec<&str> = registry.iter().map(Stage::name).collect();
    let help = match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.is_empty() => {
            "this hpipe was built without its built-in stages; build it with the feature `ml`"
                .into()
        }
        None => format!("built-in stages are {}", listed(names.into_iter())),
    };
    let message = format!("there is no built-in stage `{name}`");
    Diagnostic::error(Code::UnknownBuiltin, message)
        .at(span, "")
        .help(help)
}

fn bad_option(
    builtin: &dyn Stage,
    fault: OptionFault,
    spans: &[(String, Span)],
    interpolated: &[(String, Span)],
    uses: Span,
) -> Diagnostic {
    let written = option_place(&fault.path, spans);
    let place = written.map_or(uses, |(_, span)| *span);
    let used = written.and_then(|(path, _)| interpolated.iter().find(|(known, _)| known == path));
    let message = match fault.path.as_str() {
        "" => format!("options of `{}`: {}", builtin.name(), fault.message),
        path => format!("option `{path}` of `{}`: {}", builtin.name(), fault.message),
    };
    let mut diagnostic = Diagnostic::error(Code::BadOption, message).at(place, "");
    if let Some((_, span)) = used {
        diagnostic = diagnostic.at(*span, "used here");
    }
    match fault.help {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    }
}

/// Where an option is written; for one that is not, the nearest section that would hold it.
fn option_place<'s>(path: &str, spans: &'s [(String, Span)]) -> Option<&'s (String, Span)> {
    let written = spans.iter().find(|(known, _)| known == path);
    match (written, path.rsplit_once('.')) {
        (Some(written), _) => Some(written),
        (None, Some((section, _))) => option_place(section, spans),
        (None, None) if path.is_empty() => None,
        (None, None) => option_place("", spans),
    }
}

/// A role given to a stage, with how it is used.
struct Given<'s> {
    role: &'s Role,
    direction: Direction,
    section: &'static str,
    path: Span,
}

fn check_roles(stage: &StageSpec, builtin: &dyn Stage, uses: Span) -> Vec<Diagnostic> {
    let given: Vec<Given<'_>> = given_deps(stage).chain(given_outs(stage)).collect();
    let mut faults = Vec::new();
    for one in &given {
        faults.extend(unknown_role(one, builtin));
    }
    for port in builtin.ports() {
        let fills =
            |one: &&Given<'_>| one.role.name == port.role && one.direction == port.direction;
        let filled: Vec<&Given<'_>> = given.iter().filter(fills).collect();
        faults.extend(wrong_count(port, &filled, builtin, uses));
    }
    faults
}

fn given_deps(stage: &StageSpec) -> impl Iterator<Item = Given<'_>> {
    stage.deps.iter().filter_map(|dep| {
        Some(Given {
            role: dep.role.as_ref()?,
            direction: Direction::Dep,
            section: "deps",
            path: dep.span,
        })
    })
}

fn given_outs(stage: &StageSpec) -> impl Iterator<Item = Given<'_>> {
    stage.outs.iter().filter_map(|out| {
        Some(Given {
            role: out.role.as_ref()?,
            direction: Direction::Out,
            section: out.kind.section(),
            path: out.span,
        })
    })
}

fn unknown_role(given: &Given<'_>, builtin: &dyn Stage) -> Option<Diagnostic> {
    let role = given.role.name.as_str();
    let ports = builtin.ports();
    if ports
        .iter()
        .any(|port| port.role == role && port.direction == given.direction)
    {
        return None;
    }
    let misplaced = ports.iter().find(|port| port.role == role);
    let known = || {
        ports
            .iter()
            .filter(|port| port.direction == given.direction)
            .map(|port| port.role)
    };
    let help = match (misplaced, nearest(role, known())) {
        (Some(port), _) => format!("`{role}` belongs under {}", sections(port.direction)),
        (None, Some(near)) => format!("did you mean `{near}`?"),
        (None, None) if known().next().is_none() => format!("it has no `{}`", given.section),
        (None, None) => format!("roles there are {}", listed(known())),
    };
    let message = format!(
        "`{}` has no role `{role}` in its `{}`",
        builtin.name(),
        given.section
    );
    Some(
        Diagnostic::error(Code::BadPort, message)
            .at(given.role.span, "")
            .help(help),
    )
}

const fn sections(direction: Direction) -> &'static str {
    match direction {
        Direction::Dep => "`deps`",
        Direction::Out => "`outs`, `metrics` or `plots`",
    }
}

fn wrong_count(
    port: &Port,
    filled: &[&Given<'_>],
    builtin: &dyn Stage,
    uses: Span,
) -> Option<Diagnostic> {
    let name = builtin.name();
    let message = match (port.arity, filled.len()) {
        (Arity::One | Arity::Many, 0) => {
            format!("`{name}` needs the role `{}`: {}", port.role, port.doc)
        }
        (Arity::One | Arity::Optional, 2..) => {
            format!("the role `{}` of `{name}` takes one path", port.role)
        }
        _ => return None,
    };
    let fault = Diagnostic::error(Code::BadPort, message);
    Some(match filled.get(1) {
        Some(second) => fault.at(second.path, "one too many").help("keep one path"),
        None => {
            let section = sections(port.direction);
            fault
                .at(uses, "")
                .help(format!("add `{}: PATH` under {section}", port.role))
        }
    })
}
