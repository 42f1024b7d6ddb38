//! What expressions mean, with names that hide each other, and that no text makes them panic.

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
        Rc::new(Node::from_value(vars, span).entries().to_vec().into()),
        false,
    )
}

fn names(scope: &Scope) -> Names<'_> {
    Names {
        scope,
        unpacking: None,
        budget: Box::leak(Box::default()),
    }
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
