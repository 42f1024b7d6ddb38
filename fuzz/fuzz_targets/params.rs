//! Any text as a params file: reading never panics, and setting a value gives a file that says it, or is refused.
//!
//! The first byte picks the format.

#![no_main]

use hpipe_core::{ProjectPath, Value};
use hpipe_spec::{ParamFile, edit_params, read_document};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((format, rest)) = data.split_first() else {
        return;
    };
    let extension = ["yaml", "json", "toml", "py"][usize::from(*format) % 4];
    let path = ProjectPath::new(&format!("p.{extension}"));
    let text = String::from_utf8_lossy(rest);
    let _ = read_document(&path, &text);
    let Ok(file) = ParamFile::parse(&path, &text) else {
        return;
    };
    let Some((name, _)) = file.value().leaves().into_iter().next() else {
        return;
    };
    for value in [
        Value::Int(7),
        Value::Text("x: y".to_owned()),
        Value::Float(1e-7),
    ] {
        if let Ok(edited) = edit_params(&path, &text, &[(name.clone(), value.clone())]) {
            let after = ParamFile::parse(&path, &edited).expect("what was edited can be read");
            assert_eq!(after.get(&name), Some(&value));
        }
    }
});
