//! Any text as a command, a condition and an item of a list, with values to insert: interpolation never panics, and what has
//! no value is told.

#![no_main]

use hpipe_core::ProjectPath;
use hpipe_spec::{Files, parse};
use libfuzzer_sys::fuzz_target;

const PARAMS: &str =
    "{a: 1, b: [x, {c: d}], e: {f: {g: true, h: [1, 'x y']}}, i: \"\\\\${j}\", k: b}";

struct Beside;

impl Files for Beside {
    fn read(&self, path: &ProjectPath) -> Result<Option<String>, String> {
        Ok((path.as_str() == "params.yaml").then(|| PARAMS.to_owned()))
    }
}

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let quoted = format!("{text:?}")
        .replace("\\'", "'")
        .replace("\\u{", "\\\\u{");
    let pipeline = format!(
        "stages:\n  a: {{cmd: {quoted}, desc: {quoted}, when: {quoted}}}\n  b: {{foreach: [{quoted}], do: {{cmd: x}}}}\n"
    );
    let parsed = parse(&ProjectPath::new("pipeline.yaml"), &pipeline, &Beside);
    let has_error = parsed.diagnostics.iter().any(|fault| fault.is_error());
    assert_eq!(parsed.pipeline.is_none(), has_error);
});
