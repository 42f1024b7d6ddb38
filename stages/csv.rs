//! Lines of CSV for small tables that people read, too; large ones go through `frame.rs`.

/// A line; fields are quoted where they must be.
pub(crate) fn line(fields: impl Iterator<Item = String>) -> String {
    let quote = |field: String| {
        if field.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", field.replace('"', "\"\""))
        } else {
            field
        }
    };
    let fields: Vec<String> = fields.map(quote).collect();
    format!("{}\n", fields.join(","))
}
