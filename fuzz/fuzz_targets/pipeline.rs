//! Any text as a pipeline file beside any params file: parsing never panics, and what it reports can be drawn.
//!
//! The text before the first NUL is the pipeline, the next one `params.yaml`, the next `v.json`.

#![no_main]

use hpipe_core::ProjectPath;
use hpipe_spec::{Files, parse};
use libfuzzer_sys::fuzz_target;

struct Beside<'t>(Option<&'t str>, Option<&'t str>);

impl Files for Beside<'_> {
    fn read(&self, path: &ProjectPath) -> Result<Option<String>, String> {
        Ok(match path.as_str() {
            "params.yaml" => self.0.map(str::to_owned),
            "v.json" => self.1.map(str::to_owned),
            _ => None,
        })
    }
}

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let mut texts = text.split('\0');
    let pipeline = texts.next().unwrap_or_default();
    let files = Beside(texts.next(), texts.next());
    let parsed = parse(&ProjectPath::new("pipeline.yaml"), pipeline, &files);
    let has_error = parsed.diagnostics.iter().any(|fault| fault.is_error());
    assert_eq!(parsed.pipeline.is_none(), has_error);
    for label in parsed.diagnostics.iter().flat_map(|fault| &fault.labels) {
        let text = parsed.sources.text(label.span.source);
        let range = label.span.start as usize..label.span.end as usize;
        assert!(
            text.get(range).is_some(),
            "{:?} is no part of its text",
            label.span
        );
    }
});
