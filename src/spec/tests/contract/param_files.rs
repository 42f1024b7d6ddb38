//! Params files in their three formats.

use hpipe_core::{ProjectPath, Value};
use hpipe_spec::ParamFile;
use insta::assert_snapshot;

use crate::support::render;

fn read(path: &str, text: &str) -> String {
    match ParamFile::parse(&ProjectPath::new(path), text) {
        Ok(file) => file.value().to_string(),
        Err(error) => render(&error.diagnostics, &error.sources),
    }
}

#[test]
fn three_formats_say_the_same() {
    let expect = "{seed: 7, lr: 0.1, on: true, net: {layers: [64, 32], name: a b}}";
    assert_eq!(
        read(
            "params.yaml",
            "seed: 7\nlr: 0.1\non: true\nnet:\n  layers: [64, 32]\n  name: a b\n"
        ),
        expect
    );
    assert_eq!(
        read(
            "p.json",
            "\u{feff}{\"seed\": 7, \"lr\": 0.1, \"on\": true, \"net\": {\"layers\": [64, 32], \"name\": \"a b\"}}"
        ),
        expect
    );
    assert_eq!(
        read(
            "p.toml",
            "\u{feff}seed = 7\r\nlr = 0.1\r\non = true\r\n[net]\r\nlayers = [64, 32]\r\nname = 'a b'\r\n"
        ),
        expect
    );
    assert_eq!(read("params", "seed: 7"), "{seed: 7}");
}

#[test]
fn numbers_and_times_of_toml() {
    assert_eq!(
        read(
            "p.toml",
            "a = 0xff\nb = 1_000\nc = -inf\nd = 1_0.5e1\ne = 2026-11-22T10:00:00Z\nf.g = +1\n"
        ),
        "{a: 255, b: 1000, c: -.inf, d: 105.0, e: 2026-11-22T10:00:00Z, f: {g: 1}}"
    );
}

#[test]
fn an_empty_file_is_an_empty_mapping() {
    for path in ["p.yaml", "p.toml"] {
        assert_eq!(read(path, ""), "{}", "{path}");
    }
}

#[test]
fn e008_bad_param_file() {
    assert_snapshot!(read("p.yaml", "a: 1\na: 2\n"), @r"
    E008: the key `a` stands twice in one mapping
      p.yaml:2:1 `a` again here
      p.yaml:1:1 `a` first here
      help: keep one of the two
    ");
    assert_snapshot!(read("p.yaml", "just text\n"), @r"
    E008: `p.yaml` must hold a mapping, not a text
      p.yaml:1:1 ``
      help: write `name: value`, a line a param
    ");
    assert_snapshot!(read("p.json", ""), @r"
    E008: not valid JSON: EOF while parsing a value
      p.json:1:1 ``
    ");
    assert_snapshot!(read("p.toml", "a = \nb = ]\n"), @r"
    E008: not valid TOML: string values must be quoted, expected literal string
      p.toml:1:5 ``
    E008: not valid TOML: missing array opening, expected `[`
      p.toml:2:5 ``
    ");
}

#[test]
fn names_are_looked_up_and_suggested() -> Result<(), String> {
    let text = "train: {alpha: 0.5, layers: [64]}\n";
    let file = ParamFile::parse(&ProjectPath::new("p.yaml"), text).map_err(|_| "it has faults")?;
    assert_eq!(file.get("train.layers.0"), Some(&Value::Int(64)));
    assert_eq!(file.get("train.beta"), None);
    assert_eq!(file.nearest("train.alhpa").as_deref(), Some("train.alpha"));
    assert_eq!(file.nearest("trian").as_deref(), Some("train"));
    assert_eq!(file.nearest("seed"), None);
    Ok(())
}

#[test]
fn nothing_is_suggested_from_a_file_that_has_nothing_alike() -> Result<(), String> {
    for (text, name) in [("", "x"), ("", "alpha"), ("y: 1\n", "x"), ("'': 1\n", "x")] {
        let file = ParamFile::parse(&ProjectPath::new("p.yaml"), text);
        let file = file.map_err(|_| "it has faults")?;
        assert_eq!(file.nearest(name), None, "{name} in {text:?}");
    }
    Ok(())
}
