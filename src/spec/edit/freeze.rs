//! Freezes and unfreezes a stage: one line comes or goes, or one word changes.

use hpipe_core::{Code, Diagnostic, ProjectPath, Value};

use super::written::{Refusal, Written, set_at};
use crate::node::{self, Data, Entry, Node};

/// The key.
const FROZEN: &str = "frozen";

/// The text of the pipeline file `path` with the stage or group `name` frozen, or no longer; none if it is so already.
///
/// A group of `foreach` or `matrix` is frozen as a whole, for its instances are written once.
///
/// # Errors
/// Every fault of a text that is no YAML; [`Code::UnknownTarget`]; [`Code::UnfitForEdit`] for one instance of a group,
/// and where the change would mean something else besides.
pub fn set_frozen(
    path: &ProjectPath,
    text: &str,
    name: &str,
    frozen: bool,
) -> Result<Option<String>, Box<crate::ParamFileError>> {
    let written = Written::read(path, text)?;
    let Some(stage) = written.stage(name) else {
        return Err(absent(&written, name, frozen));
    };
    let (body, keys) = body(stage);
    let current = node::find(body.value.entries(), FROZEN).map(|entry| &entry.value.data);
    match current {
        Some(Data::Bool(now)) if *now == frozen => return Ok(None),
        None if !frozen => return Ok(None),
        _ => {}
    }
    let path: Vec<_> = ["stages", name]
        .into_iter()
        .chain(keys)
        .chain([FROZEN])
        .collect();
    let before = written.root.to_value();
    let expect = |value: Option<bool>| set_at(&before, &path, value.map(Value::Bool).as_ref());
    let edits = edits(&written, body, frozen).into_iter();
    let edited = written.proven(edits.map(|(text, value)| (text, expect(value))));
    match edited {
        Some(edited) => Ok(Some(edited)),
        None => Err(written.unfit(name, Some(stage.key.span))),
    }
}

/// The section that holds a stage's own keys, and the keys that lead there from the stage.
fn body(stage: &Entry) -> (&Entry, Option<&'static str>) {
    let entries = stage.value.entries();
    match (node::find(entries, "foreach"), node::find(entries, "do")) {
        (Some(_), Some(body)) => (body, Some("do")),
        _ => (stage, None),
    }
}

/// Why there is no such stage: it may be one of a group.
fn absent(written: &Written<'_>, name: &str, frozen: bool) -> Refusal {
    let group = name.split_once('@').map(|(group, _)| group);
    let Some(group) = group.and_then(|group| written.stage(group)) else {
        return written.unknown(name);
    };
    let (verb, done) = match frozen {
        true => ("freeze", "frozen"),
        false => ("unfreeze", "unfrozen"),
    };
    let group_name = &group.key.text;
    let message =
        format!("`{name}` is an instance of `{group_name}`, which can only be {done} as a whole");
    let fault = Diagnostic::error(Code::UnfitForEdit, message).at(group.key.span, "the group");
    let help = format!(
        "`hpipe {verb} {group_name}` does that; to {verb} one instance, write it as a stage of its own"
    );
    written.refusal(fault.help(help))
}

/// The texts that may be meant, the best first, each with the value that it should have.
fn edits(written: &Written<'_>, body: &Entry, frozen: bool) -> Vec<(String, Option<bool>)> {
    if !Written::is_own(body) {
        return Vec::new();
    }
    let own = Written::own_entries(&body.value);
    let word = if frozen { "true" } else { "false" };
    let Some(entry) = own.iter().find(|entry| entry.key.text == FROZEN) else {
        let inserted = inserted(written, &body.value, own.first().copied(), word);
        return inserted
            .into_iter()
            .map(|text| (text, Some(frozen)))
            .collect();
    };
    let removed = match frozen {
        true => None,
        false => removed(written, &body.value, &own, entry),
    };
    let range = super::params::range(&entry.value, written.text);
    let space = if range.is_empty() { " " } else { "" };
    let replaced = written.with(range, &format!("{space}{word}"));
    let removed = removed.into_iter().map(|text| (text, None));
    removed.chain([(replaced, Some(frozen))]).collect()
}

/// The text with the key before the first of the section.
fn inserted(
    written: &Written<'_>,
    body: &Node,
    first: Option<&Entry>,
    word: &str,
) -> Option<String> {
    let start = body.span.start as usize;
    if written.is_flow(body) {
        return Some(inserted_in_flow(written, start, word));
    }
    let key = first.map_or(start, |first| first.key.span.start as usize);
    let indent = written.indent(key)?;
    let line = format!("{:indent$}{FROZEN}: {word}{}", "", written.line_end());
    let at = above_comments(written, written.line_start(key));
    Some(written.with(at..at, &line))
}

fn inserted_in_flow(written: &Written<'_>, start: usize, word: &str) -> String {
    let inside = &written.text[start + 1..];
    let content = inside.trim_start();
    let quote = if content.starts_with('"') { "\"" } else { "" };
    let entry = format!("{quote}{FROZEN}{quote}: {word},");
    let spaces = inside.len() - inside.trim_start_matches(' ').len();
    let at = start + 1 + spaces;
    match written.text[at..].starts_with(['\n', '\r', '#', '\t']) {
        true => written.with(start + 1..start + 1, &entry),
        false => written.with(at..at, &format!("{entry} ")),
    }
}

/// The start of the first of the comments and empty lines that stand right above the line that starts at `at`.
fn above_comments(written: &Written<'_>, mut at: usize) -> usize {
    while at > 0 {
        let above = written.line_start(at - 1);
        let line = written.line(above);
        if above == at || !(line.is_empty() || line.starts_with('#')) {
            break;
        }
        at = above;
    }
    at
}

/// The text without the key; none where its line says something else as well, as a comment.
fn removed(written: &Written<'_>, body: &Node, own: &[&Entry], entry: &Entry) -> Option<String> {
    let (start, end) = (entry.key.span.start as usize, Written::end(entry));
    if written.is_flow(body) {
        return removed_from_flow(written, own, entry);
    }
    written.indent(start)?;
    let next = written.next_line(end);
    let (line, rest) = (written.line_start(start), &written.text[end..next]);
    (rest.trim().is_empty() && !written.text[start..end].contains('\n'))
        .then(|| written.with(line..next, ""))
}

fn removed_from_flow(written: &Written<'_>, own: &[&Entry], entry: &Entry) -> Option<String> {
    let (start, end) = (entry.key.span.start as usize, Written::end(entry));
    let place = own.iter().position(|own| own.key.span == entry.key.span)?;
    let range = match own.get(place + 1) {
        Some(next)
            if written.line_start(next.key.span.start as usize) == written.line_start(start) =>
        {
            start..next.key.span.start as usize
        }
        Some(_) => {
            let comma = end + written.text[end..].find(',')? + 1;
            let next = written.next_line(comma);
            let alone =
                written.indent(start).is_some() && written.text[comma..next].trim().is_empty();
            match alone {
                true => written.line_start(start)..next,
                false => start..comma,
            }
        }
        None => Written::end(own.get(place.checked_sub(1)?)?)..end,
    };
    (!written.text[range.clone()].contains('#')).then(|| written.with(range, ""))
}
