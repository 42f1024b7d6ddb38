//! Writes a new stage into a pipeline file: after the last one, laid out as the others are.

use std::ops::Range;

use hpipe_core::{Code, Diagnostic, Mapping, ProjectPath, Value};

use super::block::Layout;
use super::params::json;
use super::written::{Refusal, Written, set_at};
use crate::node::{Data, Entry, Node};

/// The section that holds stages.
const STAGES: &str = "stages";

/// A stage to be written; paths as they shall stand in the file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewStage {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub desc: Option<String>,
    /// Its command; several are written as a list.
    pub cmd: Vec<String>,
    /// Where its command runs.
    pub wdir: Option<String>,
    /// What it reads.
    pub deps: Vec<String>,
    /// The params it reads, by file.
    pub params: Vec<NewParams>,
    /// What it makes.
    pub outs: Vec<NewOut>,
    /// The metrics it makes.
    pub metrics: Vec<NewOut>,
    /// The plots it makes.
    pub plots: Vec<NewOut>,
    /// Whether it executes each time.
    pub always_changed: bool,
}

/// An out to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct NewOut {
    /// What is made.
    pub path: String,
    /// Whether it is kept in the cache.
    pub cache: bool,
    /// Whether it is left in place before the stage executes.
    pub persist: bool,
}

/// Params of one file.
#[derive(Debug, Clone, PartialEq)]
pub struct NewParams {
    /// The file; none for the default one.
    pub file: Option<String>,
    /// Dotted names; none for the whole file.
    pub keys: Vec<String>,
}

/// The text of the pipeline file `path` with a new stage; with `replace`, one of that name makes room for it. An empty
/// text makes a new file.
///
/// # Errors
/// Every fault of a text that is no YAML; [`Code::Usage`] when the name is taken; [`Code::UnfitForEdit`] where the text
/// would come to mean something else besides.
pub fn add_stage(
    path: &ProjectPath,
    text: &str,
    stage: &NewStage,
    replace: bool,
) -> Result<String, Box<crate::ParamFileError>> {
    let written = Written::read(path, text)?;
    let old = written.stage(&stage.name);
    if let (Some(old), false) = (old, replace) {
        return Err(taken(&written, old));
    }
    let value = stage.to_value();
    let keys = [STAGES, stage.name.as_str()];
    let expected = set_at(&written.root.to_value(), &keys, Some(&value));
    let edits = match old {
        Some(old) => replaced(&written, old, &value),
        None => added(&written, &stage.name, &value),
    };
    let edits = edits.into_iter().map(|text| (text, expected.clone()));
    match written.proven(edits) {
        Some(edited) => Ok(edited),
        None => Err(written.unfit(
            &stage.name,
            old.or(written.stages()).map(|entry| entry.key.span),
        )),
    }
}

fn taken(written: &Written<'_>, old: &Entry) -> Refusal {
    let message = format!("`{}` has a stage `{}` already", written.path, old.key.text);
    let fault = Diagnostic::error(Code::Usage, message).at(old.key.span, "here");
    written.refusal(fault.help("take another name, or replace it with `--force`"))
}

impl NewStage {
    /// The section of the stage, its keys in the order DVC writes them.
    pub(super) fn to_value(&self) -> Value {
        let mut map = Mapping::new();
        let mut set = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                map.insert(key, value);
            }
        };
        let text = |text: &Option<String>| text.as_deref().map(Value::from);
        let some = |items: Vec<Value>| (!items.is_empty()).then_some(Value::List(items));
        let outs = |outs: &[NewOut]| some(outs.iter().map(NewOut::to_value).collect());
        set("desc", text(&self.desc));
        set("cmd", Some(self.cmd_value()));
        set("wdir", text(&self.wdir));
        set("deps", some(texts(&self.deps)));
        set(
            "params",
            some(self.params.iter().flat_map(NewParams::to_values).collect()),
        );
        set("outs", outs(&self.outs));
        set("metrics", outs(&self.metrics));
        set("plots", outs(&self.plots));
        set(
            "always_changed",
            self.always_changed.then_some(Value::Bool(true)),
        );
        Value::Map(map)
    }

    fn cmd_value(&self) -> Value {
        match self.cmd.as_slice() {
            [one] => one.as_str().into(),
            several => Value::List(texts(several)),
        }
    }
}

fn texts(texts: &[String]) -> Vec<Value> {
    texts.iter().map(|text| text.as_str().into()).collect()
}

impl NewOut {
    /// A path, or a mapping of it to its flags.
    fn to_value(&self) -> Value {
        let cache = (!self.cache).then_some(("cache", Value::Bool(false)));
        let persist = self.persist.then_some(("persist", Value::Bool(true)));
        let flags: Mapping = [cache, persist]
            .into_iter()
            .flatten()
            .map(|(key, value)| (key.to_owned(), value))
            .collect();
        match flags.is_empty() {
            true => self.path.as_str().into(),
            false => Value::Map(
                [(self.path.clone(), Value::Map(flags))]
                    .into_iter()
                    .collect(),
            ),
        }
    }
}

impl NewParams {
    /// Names of the default file stand for themselves, those of another below it.
    fn to_values(&self) -> Vec<Value> {
        let keys = texts(&self.keys);
        let Some(file) = &self.file else {
            return keys;
        };
        let keys = match keys.is_empty() {
            true => Value::Null,
            false => Value::List(keys),
        };
        vec![Value::Map([(file.clone(), keys)].into_iter().collect())]
    }
}

/// The texts that may be meant by a new stage, the best first.
fn added(written: &Written<'_>, name: &str, value: &Value) -> Vec<String> {
    let Some(stages) = written.stages() else {
        return vec![with_section(written, name, value)];
    };
    if !Written::is_own(stages) {
        return Vec::new();
    }
    match &stages.value.data {
        Data::Null => first_stage(written, stages, name, value),
        Data::Map(_) if written.is_flow(&stages.value) => {
            vec![in_flow(written, &stages.value, name, value)]
        }
        Data::Map(_) => after_the_last(written, &stages.value, name, value),
        _ => Vec::new(),
    }
}

/// At the end of a file without `stages:`.
fn with_section(written: &Written<'_>, name: &str, value: &Value) -> String {
    if !written.root.is_null() && written.is_flow(&written.root) {
        return in_flow(written, &written.root, STAGES, &named(name, value));
    }
    let layout = Layout {
        line_end: written.line_end(),
        ..Layout::NEW
    };
    let section = layout.entry(0, STAGES, &named(name, value));
    let end = written.text.len();
    written.with(
        end..end,
        &format!("{}{section}", missing_line_end(written, end)),
    )
}

fn named(name: &str, value: &Value) -> Value {
    Value::Map([(name.to_owned(), value.clone())].into_iter().collect())
}

/// What ends the line before a byte, if nothing does.
fn missing_line_end(written: &Written<'_>, at: usize) -> &'static str {
    let before = written.text[..at].trim_start_matches('\u{feff}');
    match before.is_empty() || before.ends_with('\n') {
        true => "",
        false => written.line_end(),
    }
}

/// Below `stages:` with nothing in it.
fn first_stage(written: &Written<'_>, stages: &Entry, name: &str, value: &Value) -> Vec<String> {
    let key = stages.key.span.start as usize;
    let layout = Layout {
        indent: written.indent(key).unwrap_or(0) + Layout::NEW.step,
        line_end: written.line_end(),
        ..Layout::NEW
    };
    let block = layout.entry(layout.indent, name, value);
    let at = written.next_line(key);
    let below = written.with(at..at, &format!("{}{block}", missing_line_end(written, at)));
    let range = stages.value.span.start as usize..stages.value.span.end as usize;
    vec![below, written.with(range, &json(&named(name, value)))]
}

/// As the last entry of a mapping `{…}`.
fn in_flow(written: &Written<'_>, map: &Node, name: &str, value: &Value) -> String {
    let key = json(&name.into());
    let entry = format!("{key}: {}", json(value));
    let Some(last) = Written::own_entries(map).last().copied() else {
        let at = map.span.start as usize + 1;
        return written.with(at..at, &entry);
    };
    let end = Written::end(last);
    let start = last.key.span.start as usize;
    let space = match written.indent(start) {
        Some(indent) if indent > 0 => format!("{}{:indent$}", written.line_end(), ""),
        _ => " ".to_owned(),
    };
    written.with(end..end, &format!(",{space}{entry}"))
}

/// After the last stage: below the comments that are indented as it is; else below the empty lines, which may be part of
/// its last text.
fn after_the_last(written: &Written<'_>, stages: &Node, name: &str, value: &Value) -> Vec<String> {
    let own = Written::own_entries(stages);
    let Some((layout, last)) = own
        .last()
        .and_then(|last| Some((layout(written, &own)?, last)))
    else {
        return Vec::new();
    };
    let block = layout.entry(layout.indent, name, value);
    let next = written.next_line(Written::end(last));
    let gap = if is_set_apart(written, &own) {
        layout.line_end
    } else {
        ""
    };
    let insert = |at: usize, gap: &str| {
        written.with(
            at..at,
            &format!("{}{gap}{block}", missing_line_end(written, at)),
        )
    };
    vec![
        insert(below_comments(written, next, layout.indent), gap),
        insert(below_empty(written, next), ""),
    ]
}

/// How the stages of a file are laid out; none where their names do not stand on lines of their own.
fn layout(written: &Written<'_>, own: &[&Entry]) -> Option<Layout> {
    let indent = written.indent(own.first()?.key.span.start as usize)?;
    let bodies: Vec<_> = own
        .iter()
        .map(|stage| Written::own_entries(&stage.value))
        .collect();
    let keys = || bodies.iter().flatten();
    let column = |entry: &Entry| written.indent(entry.key.span.start as usize);
    let step = keys().find_map(|key| column(key)?.checked_sub(indent));
    let items = keys().find_map(|key| {
        let Data::List(items) = &key.value.data else {
            return None;
        };
        let item = items.first()?.span.start as usize;
        let before = &written.text[written.line_start(item)..item];
        let dash = before.len() - before.trim_start_matches(' ').len();
        let is_block = before.trim() == "-" && Written::is_own(key);
        is_block.then(|| dash.checked_sub(column(key)?)).flatten()
    });
    let is_bracketed = |key: &&&Entry| {
        let has_items = matches!(&key.value.data, Data::List(items) if !items.is_empty());
        has_items && Written::is_own(key) && written.is_flow(&key.value)
    };
    let in_brackets = items.is_none() && keys().any(|key| is_bracketed(&key));
    let step = step.filter(|step| *step > 0).unwrap_or(Layout::NEW.step);
    Some(Layout {
        indent,
        step,
        items: items.unwrap_or(step),
        in_brackets,
        line_end: written.line_end(),
    })
}

/// Whether the last stage stands apart from the one before it by an empty line.
fn is_set_apart(written: &Written<'_>, own: &[&Entry]) -> bool {
    let [.., before, last] = own else {
        return false;
    };
    let (from, to) = (Written::end(before), last.key.span.start as usize);
    let between = written.text[from..written.line_start(to)].lines().skip(1);
    between.into_iter().any(|line| line.trim().is_empty())
}

/// The byte after the comments that follow, as far as they are indented at least as stages are.
fn below_comments(written: &Written<'_>, from: usize, indent: usize) -> usize {
    let (mut at, mut end) = (from, from);
    while at < written.text.len() {
        let line = written.line(at);
        let column = written.text[at..].len() - written.text[at..].trim_start_matches(' ').len();
        at = written.next_line(at);
        match line.starts_with('#') {
            true if column >= indent => end = at,
            false if line.is_empty() => {}
            _ => break,
        }
    }
    end
}

fn below_empty(written: &Written<'_>, mut at: usize) -> usize {
    while at < written.text.len() && written.line(at).is_empty() {
        at = written.next_line(at);
    }
    at
}

/// The texts that may be meant by another stage in the place of an old one.
fn replaced(written: &Written<'_>, old: &Entry, value: &Value) -> Vec<String> {
    let own = written
        .stages()
        .map(|stages| Written::own_entries(&stages.value));
    let start = old.key.span.start as usize;
    let end = Written::end(old);
    let value_range = |old: &Entry| -> Range<usize> { old.value.span.start as usize..end };
    let in_flow = Written::is_own(old).then(|| written.with(value_range(old), &json(value)));
    let block = own.and_then(|own| {
        let layout = layout(written, &own)?;
        let indent = written.indent(start)?;
        let range = written.line_start(start)..written.next_line(end);
        Some(written.with(range, &layout.entry(indent, &old.key.text, value)))
    });
    block.into_iter().chain(in_flow).collect()
}
