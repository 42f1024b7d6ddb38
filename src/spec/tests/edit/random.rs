//! Random files in every layout: an edit says what it should, and every other line stays byte for byte.

use hpipe_core::{Mapping, ProjectPath, Value};
use hpipe_spec::{Document, NewOut, NewStage, add_stage, set_frozen};
use proptest::prelude::*;

/// Sections of a stage called `NAME`, with and without `frozen`; comments, quotes, tabs, texts over several lines.
const BODIES: &[&str] = &[
    ":\n    cmd: echo NAME\n",
    ": # why\n    # before\n    cmd: 'echo \"NAME: # no comment\"'\n    # after\n",
    ":\n\n    deps:\n    - a b\n    -   c # d\n    cmd: |\n      if true; then\n      \techo NAME\n      fi\n",
    ":\n    cmd: >-\n      echo\n      NAME\n\n    outs: [NAME.txt]\n",
    ":\n    frozen: true\n    cmd: echo NAME\n",
    ":\n    cmd: echo NAME\n    frozen: false # because\n",
    ":\n    cmd: echo NAME\n    'frozen': true   # because\n    deps: [x]\n",
    ":\n    foreach: [1, 2]\n    do:\n      cmd: echo NAME ${item}\n",
    ":\n    foreach:\n      - 1\n    do:\n      # here\n      frozen: true\n      cmd: echo NAME ${item}\n",
    ":\n    matrix: {k: [1, 2]}\n    cmd: echo NAME ${item.k}\n",
    ": {cmd: echo NAME}\n",
    ": {cmd: echo NAME, frozen: true}\n",
    ": { \"frozen\": true, \"cmd\": \"echo NAME\" } # json\n",
    ": {\n    cmd: echo NAME, # one\n    deps: [a,\n      b]\n    }\n",
    ": &NAME\n    cmd: echo NAME\n",
    ":\n    cmd: |+\n      echo NAME\n\n\n",
    ":\n    cmd: 'echo\n\n      NAME'\n    desc: \"a\\tb\"\n",
];

const BETWEEN: &[&str] = &[
    "",
    "",
    "\n",
    "  # between\n",
    "# at the margin\n",
    "\n\n  # a\n\n",
];

const BEFORE: &[&str] = &[
    "stages:\n",
    "# head\n\nvars: [{a: 1}]\nstages:  # all\n",
    "params:\n- m\nstages:\n\n",
];

const AFTER: &[&str] = &[
    "",
    "\n\n",
    "# end",
    "metrics: [m]\n",
    "\n# end\nplots:\n  - p: {x: a}",
];

#[derive(Debug, Clone)]
struct File {
    text: String,
    names: Vec<String>,
}

fn file() -> impl Strategy<Value = File> {
    let part = |of: &'static [&'static str]| proptest::sample::select(of);
    let stage = (part(BODIES), part(BETWEEN), any::<bool>());
    let stages = proptest::collection::vec(stage, 1..6);
    let layout = (
        part(BEFORE),
        part(AFTER),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    );
    (stages, layout).prop_map(|(stages, (before, after, crlf, mark, cut))| {
        let names: Vec<_> = (0..stages.len()).map(|i| format!("s{i}")).collect();
        let mut text = before.to_owned();
        for (name, (body, between, quoted)) in names.iter().zip(&stages) {
            let quote = if *quoted { "\"" } else { "" };
            let body = body.replace("NAME", name);
            text.extend(["  ", quote, name, quote, &body, between]);
        }
        text += after;
        if cut {
            text = text.trim_end().to_owned();
        }
        if crlf {
            text = text.replace('\n', "\r\n");
        }
        if mark {
            text.insert(0, '\u{feff}');
        }
        File { text, names }
    })
}

fn path() -> ProjectPath {
    ProjectPath::new("pipeline.yaml")
}

fn read(text: &str) -> Value {
    Document::read("pipeline.yaml", text)
        .expect("it reads")
        .value
}

/// A mapping, changed.
fn with(value: &Value, change: impl FnOnce(&mut Vec<(String, Value)>)) -> Value {
    let Value::Map(map) = value else {
        panic!("not a mapping: {value:?}");
    };
    let mut entries: Vec<_> = map
        .iter()
        .map(|(key, value)| (key.to_owned(), value.clone()))
        .collect();
    change(&mut entries);
    Value::Map(entries.into_iter().collect::<Mapping>())
}

fn at<'e>(entries: &'e mut [(String, Value)], key: &str) -> Option<&'e mut Value> {
    entries
        .iter_mut()
        .find(|(known, _)| known == key)
        .map(|(_, value)| value)
}

/// The whole file's value with `frozen` of one stage taken out, and what it said.
fn without_frozen(whole: &Value, name: &str) -> (Value, Option<Value>) {
    let mut said = None;
    let mut take = |body: &mut Vec<(String, Value)>| {
        said = at(body, "frozen").cloned();
        body.retain(|(key, _)| key != "frozen");
    };
    let rest = with(whole, |sections| {
        let stages = at(sections, "stages").expect("stages");
        *stages = with(stages, |stages| {
            let stage = at(stages, name).expect("the stage");
            *stage = with(stage, |stage| match at(stage, "do") {
                Some(body) => *body = with(body, &mut take),
                None => take(stage),
            });
        });
    });
    (rest, said)
}

/// Lines that are not in both texts, once what they begin and end with is left out.
fn changed(old: &str, new: &str) -> (Vec<String>, Vec<String>) {
    let lines = |text: &str| {
        text.split_inclusive('\n')
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let (mut old, mut new) = (lines(old), lines(new));
    while old.last().is_some() && old.last() == new.last() {
        old.pop();
        new.pop();
    }
    let same = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    (old.split_off(same), new.split_off(same))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn freezing_changes_one_line(file in file(), pick in any::<prop::sample::Index>(), frozen in any::<bool>()) {
        let name = pick.get(&file.names);
        let (rest, said) = without_frozen(&read(&file.text), name);
        let edited = set_frozen(&path(), &file.text, name, frozen).expect("it can be edited");
        prop_assert_eq!(edited.is_none(), said.unwrap_or(Value::Bool(false)) == Value::Bool(frozen));
        let text = edited.unwrap_or_else(|| file.text.clone());
        let (rest_after, said) = without_frozen(&read(&text), name);
        prop_assert_eq!(rest, rest_after);
        prop_assert_eq!(said.unwrap_or(Value::Bool(false)), Value::Bool(frozen));
        let (old, new) = changed(&file.text, &text);
        prop_assert!(old.len() <= 1 && new.len() <= 1, "{:?} became {:?}", old, new);
        prop_assert_eq!(file.text.contains('\r'), text.contains('\r'));
        prop_assert!(!file.text.contains('\r') || text.matches('\n').count() == text.matches("\r\n").count());
    }

    #[test]
    fn adding_changes_no_line(file in file(), command in "[ -~é表\t]{1,20}", dep in "[ -~]{1,12}", cache in any::<bool>()) {
        let stage = NewStage {
            name: "new".to_owned(),
            cmd: vec![command.clone()],
            deps: vec![dep.clone()],
            outs: vec![NewOut { path: dep, cache, persist: false }],
            ..NewStage::default()
        };
        let edited = add_stage(&path(), &file.text, &stage, false).expect("it can be written");
        let (old, new) = changed(&file.text, &edited);
        // The last line may lack its end.
        let old: Vec<_> = old.iter().map(|line| line.trim_end()).collect();
        let kept = new.iter().filter(|line| old.contains(&line.trim_end())).count();
        prop_assert!(old.len() <= 1 && kept >= old.len(), "{:?} became {:?}", old, new);
        let mut found = None;
        let without = with(&read(&edited), |sections| {
            let stages = at(sections, "stages").expect("stages");
            *stages = with(stages, |stages| {
                found = at(stages, "new").cloned();
                stages.retain(|(name, _)| name != "new");
            });
        });
        prop_assert_eq!(without, read(&file.text));
        let found = found.expect("the stage");
        prop_assert_eq!(found.lookup("cmd"), Some(&Value::from(command.as_str())));
        let again = add_stage(&path(), &edited, &stage, true).expect("it can be replaced");
        prop_assert_eq!(again, edited);
    }
}
