//! Which keys a pipeline file may have, and which go together.
//!
//! Looks at templates, before interpolation, so that a typo in a `foreach` is told once. Knows nothing of what the keys
//! mean beyond that.

use hpipe_core::{Code, Diagnostic, Span};

use crate::faults::Faults;
use crate::node::{Data, Entry, Key, Node};
use crate::shape::{self, find};

const TOP_LEVEL: &[&str] = &[
    "stages",
    "vars",
    "params",
    "metrics",
    "plots",
    "artifacts",
    "datasets",
    "pools",
];

/// Keys of a stage, `foreach` and `do` left out.
const STAGE: &[&str] = &[
    "cmd",
    "uses",
    "with",
    "wdir",
    "deps",
    "params",
    "outs",
    "metrics",
    "plots",
    "vars",
    "env",
    "frozen",
    "always_changed",
    "resources",
    "mutex",
    "pool",
    "timeout",
    "retry",
    "shell",
    "sandbox",
    "executor",
    "track",
    "when",
    "desc",
    "meta",
    "matrix",
];

/// Flags of an out.
pub(crate) const OUT_FLAGS: &[&str] = &[
    "cache",
    "persist",
    "push",
    "remote",
    "desc",
    "type",
    "labels",
    "checkpoint",
    "meta",
];

/// Flags of a plot beyond those of an out.
pub(crate) const PLOT_FLAGS: &[&str] = &[
    "x", "y", "title", "x_label", "y_label", "header", "template",
];

/// Checks the sections of a file, and the shape of those that nobody reads yet.
pub(crate) fn check_top_level(sections: &[Entry], faults: &mut Faults) {
    for Entry { key, value } in sections {
        let expected = match key.text.as_str() {
            "stages" | "vars" => continue,
            "params" | "metrics" | "datasets" => "a list",
            "artifacts" | "pools" => "a mapping",
            "plots" => "a list or a mapping",
            _ => {
                faults.unknown_key(&key.text, key.span, "a pipeline file", TOP_LEVEL);
                continue;
            }
        };
        if !has_shape(value, expected) {
            faults.wrong_type(value, format_args!("`{}`", key.text), expected);
        }
    }
}

fn has_shape(node: &Node, expected: &str) -> bool {
    match &node.data {
        Data::Null => true,
        Data::List(_) => expected.contains("list"),
        Data::Map(_) => expected.contains("mapping"),
        _ => false,
    }
}

/// Checks the keys of a stage without `foreach`.
pub(crate) fn check_stage(what: &str, span: Span, entries: &[Entry], faults: &mut Faults) {
    for Entry { key, .. } in entries {
        match key.text.as_str() {
            "do" => faults.push(do_without_foreach(what, key)),
            _ => check_key(what, key, faults),
        }
    }
    check_action(what, span, entries, faults);
}

/// Checks what stands beside `foreach` and `do`.
pub(crate) fn check_foreach(
    what: &str,
    span: Span,
    beside: &[Entry],
    has_body: bool,
    faults: &mut Faults,
) {
    if !has_body {
        let fault = Diagnostic::error(
            Code::Incomplete,
            format!("{what} has `foreach` but no `do`"),
        );
        faults.push(
            fault
                .at(span, "")
                .help("write the stage's keys under `do:`"),
        );
    }
    for Entry { key, .. } in beside {
        match key.text.as_str() {
            "matrix" => faults.push(foreach_and_matrix(what, key)),
            "do" => {}
            name if STAGE.contains(&name) => faults.push(beside_foreach(what, key)),
            _ => check_key(what, key, faults),
        }
    }
}

/// Checks the keys under `do`.
pub(crate) fn check_body(what: &str, span: Span, entries: &[Entry], faults: &mut Faults) {
    for Entry { key, .. } in entries {
        match key.text.as_str() {
            "matrix" => faults.push(foreach_and_matrix(what, key)),
            _ => check_key(what, key, faults),
        }
    }
    check_action(what, span, entries, faults);
}

fn check_key(what: &str, key: &Key, faults: &mut Faults) {
    let name = key.text.as_str();
    let misplaced = match name {
        "foreach" => "one `foreach` cannot hold another; `matrix` goes through several lists",
        "do" => "`do` belongs to a `foreach` beside it",
        _ => "",
    };
    if !misplaced.is_empty() {
        let message = format!("`{name}` cannot stand here in {what}");
        let fault = Diagnostic::error(Code::UnknownKey, message).at(key.span, "");
        faults.push(fault.help(misplaced));
    } else if !STAGE.contains(&name) {
        let known: Vec<&str> = STAGE.iter().chain(&["foreach", "do"]).copied().collect();
        faults.unknown_key(name, key.span, what, &known);
    }
}

/// Exactly one of `cmd` and `uses`; `with` beside `uses` only.
fn check_action(what: &str, span: Span, entries: &[Entry], faults: &mut Faults) {
    match (find(entries, "cmd"), find(entries, "uses")) {
        (Some(cmd), Some(uses)) => faults.push(cmd_and_uses(what, &cmd.key, &uses.key)),
        (None, None) => faults.push(no_action(what, span)),
        _ => {}
    }
    if let (Some(shell), Some(_)) = (find(entries, "shell"), find(entries, "uses")) {
        let fault = Diagnostic::error(Code::Incomplete, format!("{what} has `shell` but no `cmd`"));
        let help = "`shell` executes commands; a built-in stage needs none, so remove it";
        faults.push(fault.at(shell.key.span, "").help(help));
    }
    if let (Some(with), None) = (find(entries, "with"), find(entries, "uses")) {
        let fault = Diagnostic::error(Code::Incomplete, format!("{what} has `with` but no `uses`"));
        let help = "`with` holds the options of a built-in stage; a command takes its options as arguments";
        faults.push(fault.at(with.key.span, "").help(help));
    }
}

fn cmd_and_uses(what: &str, cmd: &Key, uses: &Key) -> Diagnostic {
    let message = format!("{what} has both `cmd` and `uses`");
    Diagnostic::error(Code::Incomplete, message)
        .at(uses.span, "a built-in stage")
        .at(cmd.span, "a command")
        .help("keep the one to execute, or make two stages")
}

fn no_action(what: &str, span: Span) -> Diagnostic {
    let message = format!("{what} has neither `cmd` nor `uses`");
    Diagnostic::error(Code::Incomplete, message)
        .at(span, "")
        .help("say what to execute: `cmd: COMMAND`, or `uses: NAME` for a built-in stage")
}

fn do_without_foreach(what: &str, key: &Key) -> Diagnostic {
    let message = format!("{what} has `do` but no `foreach`");
    Diagnostic::error(Code::Incomplete, message)
        .at(key.span, "")
        .help("say what to iterate over: `foreach: LIST`; or write the keys under `do` directly")
}

fn foreach_and_matrix(what: &str, key: &Key) -> Diagnostic {
    let message = format!("{what} has both `foreach` and `matrix`");
    Diagnostic::error(Code::Incomplete, message)
        .at(key.span, "")
        .help("keep one; a matrix of one axis does what a `foreach` does")
}

fn beside_foreach(what: &str, key: &Key) -> Diagnostic {
    let message = format!("`{}` of {what} stands beside `foreach`", key.text);
    Diagnostic::error(Code::Incomplete, message)
        .at(key.span, "")
        .help("move it under `do`")
}

/// Checks the flags of an out, and their types.
pub(crate) fn check_flags(what: &str, flags: &[Entry], known: &[&[&str]], faults: &mut Faults) {
    let known: Vec<&str> = known.concat();
    for Entry { key, value } in flags.iter().filter(|flag| !flag.value.is_null()) {
        let name = key.text.as_str();
        let described = format_args!("`{name}` of {what}");
        match name {
            _ if !known.contains(&name) => faults.unknown_key(name, key.span, what, &known),
            "cache" | "persist" | "push" | "checkpoint" | "header" => {
                shape::flag(value, described, faults);
            }
            "labels" => {
                shape::list(value, described, "a list", faults);
            }
            "y" if matches!(value.data, Data::List(_)) => {
                for column in shape::list(value, described, "a list of columns", faults) {
                    shape::text(column, described, faults);
                }
            }
            "meta" => {}
            _ => {
                shape::text(value, described, faults);
            }
        }
    }
}
