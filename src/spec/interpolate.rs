//! `${…}`: finds expressions in texts and puts values in their place.
//!
//! The syntax is DVC's: a name, dotted, with `[i]` for list items; `\${` is a literal `${`, and so is a `${` that is not
//! closed on its line. Beyond DVC an expression may hold others, innermost first: `${models.${item}.alpha}`. A text that is
//! one expression takes the value with its type; in a longer text numbers, booleans and texts are inserted, in a command
//! mappings too, as options. Knows nothing of stages.

use std::ops::Range;

use hpipe_core::{Code, Diagnostic, Sources, Span, Value};

use crate::faults::Faults;
use crate::node::{Data, Entry, Key, Node};
use crate::scalar::inserted;
use crate::scope::Scope;
use crate::unpack::Unpacking;
use crate::yaml::duplicate_key;

const OPEN: &str = "${";

/// What stands for it where it shall not open an expression.
const ESCAPED: &str = "\\${";

/// How deep expressions may hold others: a guard for the stack.
const DEPTH_LIMIT: usize = 8;

/// Whether a text has an expression or an escape, so that interpolating would change it.
pub(crate) fn is_template(text: &str) -> bool {
    text.contains(OPEN)
}

/// Whether a text has an expression, not only what looks like one.
pub(crate) fn has_expression(text: &str) -> bool {
    !matches!(pieces(text).as_deref(), Ok([] | [Piece::Text(_)]))
}

/// Replaces expressions by what a scope says.
pub(crate) struct Interpolator<'a> {
    /// What expressions can see.
    pub(crate) scope: &'a Scope,
    /// The texts that places point into, to find an expression's own place.
    pub(crate) sources: &'a Sources,
    /// How a mapping becomes options; none where it cannot be inserted.
    pub(crate) unpacking: Option<&'a Unpacking<'a>>,
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
        for index in 0..entries.len() {
            if is_template(&entries[index].key.text) {
                self.key(&mut entries[index].key);
                self.check_duplicate(entries, index);
            }
            self.tree(&mut entries[index].value);
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

    fn check_duplicate(&mut self, entries: &[Entry], index: usize) {
        let key = &entries[index].key;
        let mut others = entries.iter().enumerate();
        if let Some((_, first)) = others.find(|(i, e)| *i != index && e.key.text == key.text) {
            self.faults.push(duplicate_key(&first.key, key));
        }
    }

    /// Interpolates one text; what it becomes stands at `span`.
    fn text(&mut self, text: &str, span: Span) -> Node {
        let names = Names {
            scope: self.scope,
            unpacking: self.unpacking,
        };
        match names.evaluate(text, 0) {
            Ok(Evaluated::Value(value, place)) => value.put(place, span),
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
        let place = locate(self.sources, text, fault.place, span);
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
                    Ok(inserted) => result.push_str(&inserted),
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
            None => Err(vec![unknown(place, &dotted, self.scope)]),
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

fn too_deep(place: Range<usize>) -> Unresolved {
    let message = format!("a `${{` holds others more than {DEPTH_LIMIT} deep");
    let help = "close it with `}`, or write `\\${` for a literal `${`";
    Unresolved::new(place, message, help)
}

fn unknown(place: Range<usize>, name: &str, scope: &Scope) -> Unresolved {
    let help = match scope.nearest(name) {
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

/// `a.b[0]["c"]` as a dotted path, none if it is no name.
fn dotted(name: &str) -> Option<String> {
    let mut parts = Vec::new();
    for part in name.trim().split('.') {
        let (head, indices) = part.split_once('[').unwrap_or((part, ""));
        parts.push(head.trim());
        if !indices.is_empty() || part.contains('[') {
            parts.extend(indices.strip_suffix(']')?.split("][").map(str::trim));
        }
    }
    let fits = |part: &&str| !part.is_empty() && !part.contains(['[', ']']);
    parts.iter().all(fits).then(|| parts.join("."))
}

/// A part of a text, by its bytes.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(Range<usize>),
    Expression(Range<usize>),
}

/// Cuts a text into pieces, escapes left as they are. The error is the `${` of an expression that is too deep.
fn pieces(text: &str) -> Result<Vec<Piece>, Range<usize>> {
    let mut pieces = Vec::new();
    let (mut start, mut from) = (0, 0);
    while let Some(open) = text[from..].find(OPEN).map(|at| from + at) {
        from = open + OPEN.len();
        if text[..open].ends_with('\\') {
            continue;
        }
        match closing(text, open) {
            Closing::At(end) => {
                pieces.push(Piece::Text(start..open));
                pieces.push(Piece::Expression(open..end));
                (start, from) = (end, end);
            }
            Closing::Nowhere => {}
            Closing::TooDeep => return Err(open..from),
        }
    }
    pieces.push(Piece::Text(start..text.len()));
    pieces.retain(|piece| !matches!(piece, Piece::Text(range) if range.is_empty()));
    Ok(pieces)
}

/// Where an expression ends.
enum Closing {
    /// The byte after its `}`.
    At(usize),
    /// Not on its line: no expression at all, as in DVC, so that `${` may stand in a script.
    Nowhere,
    TooDeep,
}

fn closing(text: &str, open: usize) -> Closing {
    let (mut depth, mut at) = (0, open);
    while let Some(found) = text[at..].find(['$', '}', '\n']) {
        at += found;
        match &text[at..] {
            rest if rest.starts_with('\n') => return Closing::Nowhere,
            rest if rest.starts_with(OPEN) && depth > DEPTH_LIMIT => return Closing::TooDeep,
            rest if rest.starts_with(OPEN) => {
                depth += 1;
                at += 1;
            }
            rest if rest.starts_with('}') => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Closing::At(at);
        }
    }
    Closing::Nowhere
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use hpipe_core::Mapping;
    use proptest::prelude::*;

    use super::*;

    fn scope() -> Scope {
        let text = r#"{
            "name": "ridge", "n": 3, "lr": 1e-5, "on": true, "none": null, "layers": [64, {"units": 32}],
            "models": {"ridge": {"alpha": 0.5}}
        }"#;
        scope_of(&serde_json::from_str(text).unwrap())
    }

    fn scope_of(vars: &Value) -> Scope {
        let span = Sources::default().add("params.yaml", "");
        let span = Span {
            source: span,
            start: 0,
            end: 0,
        };
        Scope::new(
            Rc::new(Node::from_value(vars, span).entries().to_vec()),
            false,
        )
    }

    fn names(scope: &Scope) -> Names<'_> {
        let unpacking = None;
        Names { scope, unpacking }
    }

    fn check(text: &str, expect: &str) {
        match names(&scope()).evaluate(text, 0) {
            Ok(value) => assert_eq!(format!("{:?}", value.into_value()), expect, "{text}"),
            Err(faults) => {
                let told: Vec<_> = faults
                    .iter()
                    .map(|fault| format!("{}: {}", &text[fault.place.clone()], fault.message))
                    .collect();
                assert_eq!(told.join("; "), expect, "{text}");
            }
        }
    }

    #[test]
    fn one_expression_keeps_its_type() {
        check("${n}", "Int(3)");
        check("${ on }", "Bool(true)");
        check("${layers[0]}", "Int(64)");
        check("${layers[1].units}", "Int(32)");
        check("${layers.1[units]}", "Int(32)");
        check("${none}", "Null");
    }

    #[test]
    fn inside_a_text_values_are_inserted() {
        check("--lr ${lr} --n ${n}", r#"Text("--lr 1e-05 --n 3")"#);
        check("${on}!", r#"Text("true!")"#);
        check("$${n}}", r#"Text("$3}")"#);
        check("${name}-${name}", r#"Text("ridge-ridge")"#);
    }

    #[test]
    fn a_backslash_escapes() {
        check(r"\${HOME}", r#"Text("${HOME}")"#);
        check(r"${n}\${HOME}${n}", r#"Text("3${HOME}3")"#);
        check(r"a\b $c {d}", r#"Text("a\\b $c {d}")"#);
    }

    #[test]
    fn inner_expressions_come_first() {
        check("${models.${name}.alpha}", "Float(0.5)");
        check("x ${models.${name}.alpha}", r#"Text("x 0.5")"#);
        check("${models.${nam}.alpha}", "${nam}: `nam` is not defined");
    }

    #[test]
    fn says_what_has_no_value() {
        check(
            "a ${b} ${c}",
            "${b}: `b` is not defined; ${c}: `c` is not defined",
        );
        check("a ${n", r#"Text("a ${n")"#);
        check("a ${n\n}", r#"Text("a ${n\n}")"#);
        check(
            "${${${${${${${${${${n}}}}}}}}}}",
            "${: a `${` holds others more than 8 deep",
        );
        check("${}", "${}: `${}` is not a name");
        check("${a..b}", "${a..b}: `${a..b}` is not a name");
        check("${layers[0}", "${layers[0}: `${layers[0}` is not a name");
        check(
            "x${layers}",
            "${layers}: `${layers}` is a list, which cannot be inserted into a text",
        );
        check(
            "${${models}}",
            "${${models}}: `${${models}}` does not make a name, but a mapping",
        );
    }

    proptest! {
        #[test]
        fn escaping_round_trips(text in r"(\PC|[$\\{}])*") {
            let escaped = text.replace(OPEN, r"\${");
            let scope = scope();
            let value = names(&scope).evaluate(&escaped, 0).map(Evaluated::into_value);
            prop_assert_eq!(value, Ok(Value::Text(text)));
        }

        #[test]
        fn no_text_panics(text in r"(\PC|[$\\{}\[\].]|\$\{|name)*") {
            let _ = names(&scope_of(&Value::Map(Mapping::new()))).evaluate(&text, 0);
        }
    }
}
