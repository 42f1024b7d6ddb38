//! `${…}`: finds expressions in texts and puts values in their place.
//!
//! The syntax is DVC's: a name, dotted, with `[i]` for list items; `\${` is a literal `${`, and so is a `${` that is not
//! closed on its line. Beyond DVC an expression may hold others, innermost first: `${models.${item}.alpha}`. A text that is
//! one expression takes the value with its type; in a longer text numbers, booleans and texts are inserted, in a command
//! mappings too, as options. Knows nothing of stages.

use std::collections::HashMap;
use std::ops::Range;

use hpipe_core::{Code, Diagnostic, Sources, Span, Value};

use crate::budget::Budget;
use crate::faults::Faults;
use crate::node::{Data, Entry, Key, Node};
use crate::pieces::{DEPTH_LIMIT, ESCAPED, OPEN, Piece, dotted, is_template, pieces};
use crate::scalar::inserted;
use crate::scope::Scope;
use crate::unpack::Unpacking;
use crate::yaml::duplicate_key;

/// Most bytes of a text that values are inserted into.
const LONGEST_TEXT: usize = 16 << 20;

/// Replaces expressions by what a scope says.
pub(crate) struct Interpolator<'a> {
    /// What expressions can see.
    pub(crate) scope: &'a Scope,
    /// The texts that places point into, to find an expression's own place.
    pub(crate) sources: &'a Sources,
    /// How a mapping becomes options; none where it cannot be inserted.
    pub(crate) unpacking: Option<&'a Unpacking<'a>>,
    /// How much may be inserted.
    pub(crate) budget: &'a Budget,
    /// Where unknown names and the like are told.
    pub(crate) faults: &'a mut Faults,
}

impl Interpolator<'_> {
    /// Interpolates every text in a tree, keys included.
    pub(crate) fn tree(&mut self, node: &mut Node) {
        match &mut node.data {
            Data::Text(text) if is_template(text) => {
                let text = std::mem::take(text);
                *node = self.text(&text, node.span);
            }
            Data::List(items) => items.iter_mut().for_each(|item| self.tree(item)),
            Data::Map(entries) => self.entries(entries),
            _ => {}
        }
    }

    fn entries(&mut self, entries: &mut [Entry]) {
        let mut any_key = false;
        for entry in entries.iter_mut() {
            if is_template(&entry.key.text) {
                self.key(&mut entry.key);
                any_key = true;
            }
            self.tree(&mut entry.value);
        }
        if any_key {
            self.check_duplicates(entries);
        }
    }

    fn key(&mut self, key: &mut Key) {
        let node = self.text(&key.text, key.span);
        match inserted(&node.to_value()) {
            _ if matches!(node.data, Data::Unresolved) => {}
            Some(text) => key.text = text,
            None => self.faults.wrong_type(&node, "a key", "a text"),
        }
    }

    /// Interpolation may have made two keys equal.
    fn check_duplicates(&mut self, entries: &[Entry]) {
        let mut known: HashMap<&str, &Key> = HashMap::with_capacity(entries.len());
        for Entry { key, .. } in entries {
            if let Some(first) = known.insert(&key.text, key) {
                self.faults.push(duplicate_key(first, key));
            }
        }
    }

    /// The value of a text that stands at `span`; none if it has none, which is told.
    pub(crate) fn value(&mut self, text: &str, span: Span) -> Option<Value> {
        let node = self.text(text, span);
        (!matches!(node.data, Data::Unresolved)).then(|| node.to_value())
    }

    /// Interpolates one text; what it becomes stands at `span`.
    fn text(&mut self, text: &str, span: Span) -> Node {
        let names = Names {
            scope: self.scope,
            unpacking: self.unpacking,
            budget: self.budget,
        };
        match names.evaluate(text, 0) {
            Ok(Evaluated::Value(value, place)) if self.budget.take_copy(value) => {
                value.put(place, span)
            }
            Ok(Evaluated::Value(..)) => {
                self.tell(too_much(0..text.len()), text, span);
                Node::new(Data::Unresolved, span)
            }
            Ok(Evaluated::Text(text)) => Node::new(Data::Text(text), span),
            Err(faults) => {
                for fault in faults {
                    self.tell(fault, text, span);
                }
                Node::new(Data::Unresolved, span)
            }
        }
    }

    fn tell(&mut self, fault: Unresolved, text: &str, span: Span) {
        let place = match self.faults.are_few() {
            true => locate(self.sources, text, fault.place, span),
            false => span,
        };
        let diagnostic = Diagnostic::error(Code::Interpolation, fault.message);
        self.faults
            .push(diagnostic.at(place, fault.label).help(fault.help));
    }
}

/// Where a part of a text stands in the source. Quotes, escapes and folding make the text differ from its source, so the
/// part is searched for; the whole text's place if it cannot be found.
fn locate(sources: &Sources, text: &str, part: Range<usize>, span: Span) -> Span {
    let wanted = &text[part.clone()];
    let nth = text[..part.start].matches(wanted).count();
    match sources.excerpt(span).match_indices(wanted).nth(nth) {
        Some((offset, _)) => Span {
            start: span.start + offset as u32,
            end: span.start + (offset + wanted.len()) as u32,
            ..span
        },
        None => span,
    }
}

/// Why an expression has no value.
#[derive(Debug, PartialEq, Eq)]
struct Unresolved {
    /// The expression, as bytes of the text that holds it.
    place: Range<usize>,
    message: String,
    label: &'static str,
    help: String,
}

impl Unresolved {
    fn new(place: Range<usize>, message: String, help: impl Into<String>) -> Self {
        Self {
            place,
            message,
            label: "",
            help: help.into(),
        }
    }
}

/// What a text becomes.
#[derive(Debug)]
enum Evaluated<'s> {
    /// It is one expression: a value of the scope, with the place it comes from.
    Value(&'s Node, Span),
    /// A text with values inserted.
    Text(String),
}

impl Evaluated<'_> {
    fn into_value(self) -> Value {
        match self {
            Self::Value(node, _) => node.to_value(),
            Self::Text(text) => Value::Text(text),
        }
    }
}

/// What expressions mean at one place.
#[derive(Clone, Copy)]
struct Names<'s> {
    scope: &'s Scope,
    unpacking: Option<&'s Unpacking<'s>>,
    budget: &'s Budget,
}

impl<'s> Names<'s> {
    /// The value of a text: of the expression if it is one as a whole, else a text with the values inserted. `base` is
    /// where the text stands in the outermost one. An error without faults is a name that only a file that could not be
    /// read might define.
    fn evaluate(self, text: &str, base: usize) -> Result<Evaluated<'s>, Vec<Unresolved>> {
        let pieces =
            pieces(text).map_err(|open| vec![too_deep(open.start + base..open.end + base)])?;
        if let [Piece::Expression(range)] = &pieces[..] {
            let (value, place) = self.resolve(text, range, base)?;
            let unpacked = self.unpacking.is_some() && matches!(value.data, Data::Map(_));
            if !unpacked {
                return Ok(Evaluated::Value(value, place));
            }
        }
        let mut result = String::with_capacity(text.len());
        let (mut faults, mut resolved) = (Vec::new(), true);
        for piece in &pieces {
            match piece {
                Piece::Text(range) => result.push_str(&text[range.clone()]),
                Piece::Expression(range) => match self.insert(text, range, base) {
                    Ok(inserted) if self.fits(&result, &inserted) => result.push_str(&inserted),
                    Ok(_) => return Err(vec![too_much(base + range.start..base + range.end)]),
                    Err(found) => {
                        resolved = false;
                        faults.extend(found);
                    }
                },
            }
        }
        // After inserting, as in DVC: a value may bring an escape along.
        match resolved {
            true => Ok(Evaluated::Text(result.replace(ESCAPED, OPEN))),
            false => Err(faults),
        }
    }

    /// Whether a value may be inserted into a text: as far as the budget goes, and no shell takes a text of this length.
    fn fits(self, text: &str, inserted: &str) -> bool {
        text.len() + inserted.len() <= LONGEST_TEXT && self.budget.take(inserted.len())
    }

    /// The text that stands for an expression within a longer text.
    fn insert(
        self,
        text: &str,
        range: &Range<usize>,
        base: usize,
    ) -> Result<String, Vec<Unresolved>> {
        let value = self.resolve(text, range, base)?.0.to_value();
        let place = base + range.start..base + range.end;
        let written = &text[range.clone()];
        if let (Value::Map(map), Some(unpacking)) = (&value, self.unpacking) {
            let options = unpacking.options(map);
            return options.map_err(|name| vec![nested_list(place, written, &name)]);
        }
        inserted(&value).ok_or_else(|| vec![not_insertable(place, written, &value)])
    }

    /// The value of the expression at `range`, its inner expressions first.
    fn resolve(
        self,
        text: &str,
        range: &Range<usize>,
        base: usize,
    ) -> Result<(&'s Node, Span), Vec<Unresolved>> {
        let inside = range.start + OPEN.len()..range.end - 1;
        let written = &text[inside.clone()];
        let place = base + range.start..base + range.end;
        let name = match is_template(written) {
            true => self.inner(written, base + inside.start, place.clone())?,
            false => written.to_owned(),
        };
        let Some(dotted) = dotted(&name) else {
            let message = format!("`${{{name}}}` is not a name");
            let help = "write a name such as `${train.alpha}` or `${layers[0]}`; for a shell variable `\\${…}`";
            return Err(vec![Unresolved::new(place, message, help)]);
        };
        match self.scope.lookup(&dotted) {
            Some(found) => Ok(found),
            None if self.scope.may_define(&dotted) => Err(Vec::new()),
            None => Err(vec![unknown(place, &dotted, self.scope, self.budget)]),
        }
    }

    /// The name that an expression with inner expressions makes.
    fn inner(
        self,
        written: &str,
        base: usize,
        place: Range<usize>,
    ) -> Result<String, Vec<Unresolved>> {
        let unpacking = None;
        let value = Self { unpacking, ..self }
            .evaluate(written, base)?
            .into_value();
        inserted(&value).ok_or_else(|| {
            let kind = value.kind();
            let message = format!("`${{{written}}}` does not make a name, but {kind}");
            let help = "an inner expression must be a text or a number";
            vec![Unresolved::new(place, message, help)]
        })
    }
}

fn not_insertable(place: Range<usize>, written: &str, value: &Value) -> Unresolved {
    let kind = value.kind();
    let message = format!("`{written}` is {kind}, which cannot be inserted into a text");
    let help = match value {
        Value::Map(_) => "insert its values one by one; only in `cmd` it becomes options",
        _ => "insert its items one by one: `${name[0]}`; or let the expression be the whole value",
    };
    Unresolved::new(place, message, help)
}

fn nested_list(place: Range<usize>, written: &str, name: &str) -> Unresolved {
    let message = format!("`{name}` in `{written}` is a list that holds lists or mappings");
    let help = "an option takes texts, numbers and booleans; write the others out";
    Unresolved::new(place, message, help)
}

fn too_much(place: Range<usize>) -> Unresolved {
    let message =
        "too much is inserted: more than 16 MiB into a text, or a gibibyte in all".to_owned();
    Unresolved::new(
        place,
        message,
        "insert less, or let the commands read the values from a file",
    )
}

fn too_deep(place: Range<usize>) -> Unresolved {
    let message = format!("a `${{` holds others more than {DEPTH_LIMIT} deep");
    let help = "close it with `}`, or write `\\${` for a literal `${`";
    Unresolved::new(place, message, help)
}

fn unknown(place: Range<usize>, name: &str, scope: &Scope, budget: &Budget) -> Unresolved {
    let near = budget.take_suggestion().then(|| scope.nearest(name));
    let help = match near.flatten() {
        Some(near) => format!("did you mean `${{{near}}}`?"),
        None if name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_') => {
            format!("for the shell variable write `\\${{{name}}}`")
        }
        None => "names come from `params.yaml`, `vars:` and, under `foreach` and `matrix`, `item` and `key`"
            .to_owned(),
    };
    let mut fault = Unresolved::new(place, format!("`{name}` is not defined"), help);
    fault.label = "not found";
    fault
}

#[cfg(test)]
mod tests;
