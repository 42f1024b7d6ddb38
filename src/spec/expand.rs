//! `foreach` and `matrix`: one template to many stages.
//!
//! Names are DVC's: a list of scalars names its instances after them (`train@ridge`), a list that holds any list or
//! mapping by position (`train@0`), a mapping by its keys; a matrix joins the values of its axes with `-`, an axis value
//! that is no scalar being called by axis and position (`train@ridge-grid1`). An item that comes again makes no second
//! stage. Knows nothing of what a stage says.

use std::borrow::Cow;
use std::collections::HashMap;

use hpipe_core::{Code, Diagnostic, Span, StageName};

use crate::budget::{Budget, weight};
use crate::faults::Faults;
use crate::node::{Data, Entry, Key, Node};
use crate::scalar::inserted;
use crate::scope::Instance;

/// Most instances of one matrix: a guard against ten axes of ten values.
const MATRIX_LIMIT: usize = 1_000_000;

/// One instance to be.
#[derive(Debug)]
pub(crate) struct Expanded {
    /// `group@item`.
    pub(crate) name: StageName,
    /// What it adds to the scope.
    pub(crate) instance: Instance,
}

/// An instance with the text after `@` and the place it comes from.
struct Candidate {
    suffix: String,
    span: Span,
    instance: Instance,
}

/// The instances over `data`, the interpolated value of `foreach:`.
pub(crate) fn foreach(group: &StageName, data: &Node, faults: &mut Faults) -> Vec<Expanded> {
    let candidates = match &data.data {
        Data::List(items) => over_list(items),
        Data::Map(entries) => entries.iter().map(over_entry).collect(),
        _ => {
            let what = format!("`foreach` of stage `{group}`");
            faults.wrong_type(data, what, "a list or a mapping");
            return Vec::new();
        }
    };
    named(group, candidates, faults)
}

fn over_list(items: &[Node]) -> Vec<Candidate> {
    let by_position = items.iter().any(Node::is_collection);
    let candidate = |(index, item): (usize, &Node)| Candidate {
        suffix: match inserted(&item.to_value()) {
            Some(text) if !by_position => text,
            _ => index.to_string(),
        },
        span: item.span,
        instance: Instance {
            item: item.clone(),
            key: None,
        },
    };
    items.iter().enumerate().map(candidate).collect()
}

fn over_entry(entry: &Entry) -> Candidate {
    let key = &entry.key;
    Candidate {
        suffix: key.text.clone(),
        span: key.span,
        instance: Instance {
            item: placed(&entry.value, entry.place()),
            key: Some(Node::new(Data::Text(key.text.clone()), key.span)),
        },
    }
}

/// A value that comes from `place`.
fn placed(value: &Node, place: Span) -> Node {
    Node {
        origin: Some(place),
        ..value.clone()
    }
}

/// The instances over `data`, the interpolated value of `matrix:`; the last axis changes fastest.
pub(crate) fn matrix(
    group: &StageName,
    data: &Node,
    budget: &Budget,
    faults: &mut Faults,
) -> Vec<Expanded> {
    let what = format!("`matrix` of stage `{group}`");
    let Data::Map(entries) = &data.data else {
        faults.wrong_type(data, what, "a mapping of axes to lists");
        return Vec::new();
    };
    let axes: Vec<Axis<'_>> = entries
        .iter()
        .filter_map(|entry| axis(entry, faults))
        .collect();
    if axes.len() < entries.len() {
        return Vec::new();
    }
    let values = axes.iter().flat_map(|axis| &axis.values);
    let widest = values
        .map(|(_, value)| weight(value))
        .max()
        .unwrap_or_default();
    let combinations = combinations(&axes).and_then(|count| {
        let bytes = count.saturating_mul(axes.len()).saturating_mul(widest);
        let fits = budget.take(bytes);
        fits.then_some(count)
            .ok_or_else(|| format!("has {count} combinations, which take more than a gibibyte"))
    });
    match combinations {
        Ok(count) => {
            let candidates = (0..count).map(|index| combination(&axes, index, data.span));
            named(group, candidates.collect(), faults)
        }
        Err(fault) => {
            let fault = Diagnostic::error(Code::WrongType, format!("{what} {fault}"));
            faults.push(fault.at(data.span, ""));
            Vec::new()
        }
    }
}

/// Number of combinations; the error says why they cannot be expanded.
fn combinations(axes: &[Axis<'_>]) -> Result<usize, String> {
    let sizes = axes.iter().map(|axis| axis.values.len());
    match sizes.into_iter().try_fold(1_usize, usize::checked_mul) {
        _ if axes.is_empty() => Err("has no axis".to_owned()),
        Some(count) if count <= MATRIX_LIMIT => Ok(count),
        _ => Err(format!("has more than {MATRIX_LIMIT} combinations")),
    }
}

/// An axis of a matrix, each value with its part of the instance's name.
struct Axis<'n> {
    key: &'n Key,
    values: Vec<(String, Cow<'n, Node>)>,
}

fn axis<'n>(entry: &'n Entry, faults: &mut Faults) -> Option<Axis<'n>> {
    let name = entry.key.text.as_str();
    let items: Vec<Cow<'_, Node>> = match &entry.value.data {
        Data::List(items) => items.iter().map(Cow::Borrowed).collect(),
        Data::Map(entries) => entries.iter().map(|e| Cow::Owned(key_of(e))).collect(),
        _ => {
            let expected = "a list, or a mapping whose keys are meant";
            faults.wrong_type(&entry.value, format!("the axis `{name}`"), expected);
            return None;
        }
    };
    let fragment = |(index, item): (usize, Cow<'n, Node>)| {
        let fragment = inserted(&item.to_value()).unwrap_or_else(|| format!("{name}{index}"));
        (fragment, item)
    };
    let values = items.into_iter().enumerate().map(fragment).collect();
    let key = &entry.key;
    Some(Axis { key, values })
}

/// The key of an entry as a value.
fn key_of(entry: &Entry) -> Node {
    let text = Data::Text(entry.key.text.clone());
    placed(&Node::new(text, entry.key.span), entry.place())
}

/// The combination of number `index`, counted as in a number whose digits are the axes.
fn combination(axes: &[Axis<'_>], mut index: usize, span: Span) -> Candidate {
    let mut chosen = Vec::with_capacity(axes.len());
    for axis in axes.iter().rev() {
        chosen.push((axis.key, &axis.values[index % axis.values.len()]));
        index /= axis.values.len();
    }
    chosen.reverse();
    let fragments: Vec<&str> = chosen
        .iter()
        .map(|(_, (fragment, _))| fragment.as_str())
        .collect();
    let suffix = fragments.join("-");
    let item = chosen.iter().map(|(key, (_, value))| Entry {
        key: (*key).clone(),
        value: placed(value, value.place()),
    });
    let item = Data::Map(item.collect());
    Candidate {
        span,
        instance: Instance {
            item: Node::new(item, span),
            key: Some(Node::new(Data::Text(suffix.clone()), span)),
        },
        suffix,
    }
}

/// Gives each candidate its name; those that have none, or another's, are told and left out.
fn named(group: &StageName, candidates: Vec<Candidate>, faults: &mut Faults) -> Vec<Expanded> {
    let mut taken: HashMap<StageName, (usize, Span)> = HashMap::with_capacity(candidates.len());
    let mut expanded: Vec<Expanded> = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        let name = group.instance(&candidate.suffix);
        if candidate.suffix.is_empty() || candidate.suffix.contains(char::is_control) {
            faults.push(unnameable(group, &candidate));
        } else if let Some((index, first)) = taken.get(&name) {
            let known: &Expanded = &expanded[*index];
            if known.instance.item.to_value() != candidate.instance.item.to_value() {
                faults.push(same_name(&name, *first, candidate.span));
            }
        } else {
            taken.insert(name.clone(), (expanded.len(), candidate.span));
            let instance = candidate.instance;
            expanded.push(Expanded { name, instance });
        }
    }
    expanded
}

fn unnameable(group: &StageName, candidate: &Candidate) -> Diagnostic {
    let message = format!(
        "an instance of stage `{group}` cannot be named after {:?}",
        candidate.suffix
    );
    Diagnostic::error(Code::BadName, message)
        .at(candidate.span, "")
        .help("use `foreach` over a mapping, whose keys become the names: `foreach: {NAME: …}`")
}

fn same_name(name: &StageName, first: Span, again: Span) -> Diagnostic {
    let message = format!("two stages are called `{name}`");
    let fault = Diagnostic::error(Code::BadName, message).at(again, "again here");
    let fault = match first == again {
        true => fault,
        false => fault.at(first, "first here"),
    };
    fault.help("remove one, or use `foreach` over a mapping, whose keys become the names")
}
