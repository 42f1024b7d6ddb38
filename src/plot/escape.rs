//! Text as it may stand in XML and HTML.
//!
//! Everything a user can name (columns, models, files, notes) passes through here on its way into a picture or a page;
//! nothing else writes text there.

/// Appends `text` to `out` with the five special characters as entities.
///
/// What XML 1.0 cannot hold at all (control characters but tab and line breaks, U+FFFE, U+FFFF) becomes U+FFFD, so
/// that a strange name never makes a picture unreadable.
pub(crate) fn escape_into(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' | '\r' => out.push(character),
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(character),
        }
    }
}

/// `text` with the five special characters as entities; see [`escape_into`].
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    escape_into(&mut out, text);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_can_leave_its_element_or_attribute() {
        assert_eq!(
            escape("</script><b onload='x' id=\"y\">&"),
            "&lt;/script&gt;&lt;b onload=&#39;x&#39; id=&quot;y&quot;&gt;&amp;"
        );
    }

    #[test]
    fn what_xml_cannot_hold_is_replaced() {
        assert_eq!(
            escape("a\0b\u{1b}c\u{ffff}\td"),
            "a\u{fffd}b\u{fffd}c\u{fffd}\td"
        );
    }
}
