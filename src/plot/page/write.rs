//! Writes a page as HTML.

use std::collections::HashSet;
use std::fmt::Write;

use crate::escape::{escape, escape_into};
use crate::number::format_number;
use crate::page::base64;
use crate::page::{Block, KeyFigure, Outcome, Page, PageImage, PageTable, TableCell, Verdict};
use crate::theme::{both_sheets, page_colours};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("sort.js");
/// SHA-256 of [`SCRIPT`] in base64: the one script that the browser may run. A test says the new one after a change.
const SCRIPT_DIGEST: &str = "L2ijdbqVSLD4tDlPLgcAHkBo+AzfmRxjJ/Hq5aqpFxs=";

/// Pictures wider than this have a row of their own.
const HALF: f64 = 640.0;

/// The whole file.
pub(super) fn write(page: &Page) -> String {
    let anchors = anchors(page);
    let mut out = String::with_capacity(64 * 1024);
    head(&mut out, page);
    out.push_str("<body><div class=\"page\">\n<header><h1>");
    escape_into(&mut out, &page.title);
    out.push_str("</h1>");
    paragraph(&mut out, "subtitle", &page.subtitle);
    out.push_str("</header>\n");
    contents(&mut out, &anchors);
    out.push_str("<main>\n");
    let mut sections = anchors.iter();
    for block in &page.blocks {
        match block {
            Block::Section(heading) => section(
                &mut out,
                heading,
                sections.next().map_or("", |anchor| &anchor.0),
            ),
            block => write_block(&mut out, block),
        }
        out.push('\n');
    }
    out.push_str("</main>\n");
    if !page.footer.is_empty() {
        let _ = write!(out, "<footer>{}</footer>", escape(&page.footer));
    }
    let _ = write!(out, "</div><script>{SCRIPT}</script></body></html>");
    out.push('\n');
    out
}

fn head(out: &mut String, page: &Page) {
    let has_images = page
        .blocks
        .iter()
        .any(|block| matches!(block, Block::Images(_)));
    let images = if has_images { " img-src data:;" } else { "" };
    let policy = format!(
        "default-src 'none';{images} style-src 'unsafe-inline'; script-src 'sha256-{SCRIPT_DIGEST}'; base-uri 'none'; form-action 'none'"
    );
    let _ = write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\"><head><meta charset=\"utf-8\"/>\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{}\"/>\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"/><title>{}</title>\
         <style>{}{STYLE}{}</style></head>",
        escape(&policy),
        escape(&page.title),
        page_colours(),
        both_sheets()
    );
    out.push('\n');
}

/// `(anchor, heading)` of each section, in order; anchors are distinct.
fn anchors(page: &Page) -> Vec<(String, String)> {
    let mut taken = HashSet::new();
    let headings = page.blocks.iter().filter_map(|block| match block {
        Block::Section(heading) => Some(heading),
        _ => None,
    });
    let distinct = |heading: &String| {
        let base = slug(heading);
        let further = (2..).map(|number| format!("{base}-{number}"));
        let anchor = std::iter::once(base.clone())
            .chain(further)
            .find(|anchor| taken.insert(anchor.clone()));
        (anchor.unwrap_or_default(), heading.clone())
    };
    headings.map(distinct).collect()
}

/// Letters and digits of ASCII, everything else a dash: safe as an attribute and in an address.
fn slug(heading: &str) -> String {
    let mut out = String::new();
    for character in heading.chars() {
        match character.is_ascii_alphanumeric() {
            true => out.push(character.to_ascii_lowercase()),
            false if !out.ends_with('-') && !out.is_empty() => out.push('-'),
            false => {}
        }
    }
    let out = out.trim_end_matches('-');
    if out.is_empty() {
        "section".to_owned()
    } else {
        out.to_owned()
    }
}

fn contents(out: &mut String, anchors: &[(String, String)]) {
    if anchors.len() < 2 {
        return;
    }
    out.push_str("<nav aria-label=\"Contents\"><ul>");
    for (anchor, heading) in anchors {
        let _ = write!(
            out,
            "<li><a href=\"#{anchor}\">{}</a></li>",
            escape(heading)
        );
    }
    out.push_str("</ul></nav>\n");
}

fn write_images(out: &mut String, images: &[PageImage]) {
    out.push_str("<div class=\"pictures\">");
    for image in images {
        let caption = escape(&image.caption);
        let media_type = image.kind.media_type();
        let _ = write!(
            out,
            "<figure><img alt=\"{caption}\" src=\"data:{media_type};base64,"
        );
        base64::encode_into(out, &image.bytes);
        let _ = write!(out, "\"/><figcaption>{caption}</figcaption></figure>");
    }
    out.push_str("</div>");
}

fn section(out: &mut String, heading: &str, anchor: &str) {
    let _ = write!(
        out,
        "<h2 id=\"{anchor}\"><a href=\"#{anchor}\">{}</a></h2>",
        escape(heading)
    );
}

fn write_block(out: &mut String, block: &Block) {
    match block {
        Block::Section(_) => {}
        Block::Heading(text) => {
            let _ = write!(out, "<h3>{}</h3>", escape(text));
        }
        Block::Paragraph(text) => paragraph(out, "", text),
        Block::Note(text) => paragraph(out, "note", text),
        Block::List(items) => list(out, items),
        Block::KeyFigures(figures) => key_figures(out, figures),
        Block::Verdict(verdict, about) => {
            let _ = write!(
                out,
                "<div class=\"verdict\">{}<span>{}</span></div>",
                badge(verdict),
                escape(about)
            );
        }
        Block::Table(table) => write_table(out, table),
        Block::Pictures(pictures) => {
            out.push_str("<div class=\"pictures\">");
            for picture in pictures {
                let width = picture.size().0;
                let class = if width > HALF { " class=\"wide\"" } else { "" };
                let _ = write!(
                    out,
                    "<figure{class} style=\"max-width:{width:.0}px\">{}</figure>",
                    picture.to_inline_svg()
                );
            }
            out.push_str("</div>");
        }
        Block::Images(images) => write_images(out, images),
        Block::Details(summary, text) => {
            let _ = write!(
                out,
                "<details><summary>{}</summary><pre>{}</pre></details>",
                escape(summary),
                escape(text)
            );
        }
    }
}

fn paragraph(out: &mut String, class: &str, text: &str) {
    match (text.is_empty(), class.is_empty()) {
        (true, _) => {}
        (false, true) => {
            let _ = write!(out, "<p>{}</p>", escape(text));
        }
        (false, false) => {
            let _ = write!(out, "<p class=\"{class}\">{}</p>", escape(text));
        }
    }
}

fn list(out: &mut String, items: &[String]) {
    out.push_str("<ul class=\"plain\">");
    for item in items {
        let _ = write!(out, "<li>{}</li>", escape(item));
    }
    out.push_str("</ul>");
}

fn key_figures(out: &mut String, figures: &[KeyFigure]) {
    out.push_str("<dl class=\"figures\">");
    for figure in figures {
        let _ = write!(
            out,
            "<div><dt>{}</dt><dd class=\"value\">{}</dd><dd class=\"detail\">{}</dd></div>",
            escape(&figure.label),
            escape(&figure.value),
            escape(&figure.detail)
        );
    }
    out.push_str("</dl>");
}

fn badge(verdict: &Verdict) -> String {
    let (class, sign) = match verdict.outcome {
        Outcome::Pass => ("pass", "✓ "),
        Outcome::Fail => ("fail", "✗ "),
        Outcome::Warning => ("warning", "! "),
        Outcome::Neutral => ("neutral", ""),
    };
    format!(
        "<span class=\"badge {class}\">{sign}{}</span>",
        escape(&verdict.words)
    )
}

fn write_table(out: &mut String, table: &PageTable) {
    out.push_str("<div class=\"scroll\"><table class=\"sortable\">");
    if !table.caption.is_empty() {
        let _ = write!(out, "<caption>{}</caption>", escape(&table.caption));
    }
    out.push_str("<thead><tr>");
    for (place, column) in table.columns.iter().enumerate() {
        let is_number = table
            .rows
            .iter()
            .any(|row| matches!(row.get(place), Some(TableCell::Number(..))));
        let class = if is_number { " class=\"number\"" } else { "" };
        let _ = write!(
            out,
            "<th scope=\"col\"{class}><button type=\"button\">{}</button></th>",
            escape(column)
        );
    }
    out.push_str("</tr></thead><tbody>");
    for (place, row) in table.rows.iter().enumerate() {
        out.push_str(if table.strong == Some(place) {
            "<tr class=\"strong\">"
        } else {
            "<tr>"
        });
        for column in 0..table.columns.len() {
            write_cell(out, row.get(column));
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table></div>");
}

fn write_cell(out: &mut String, cell: Option<&TableCell>) {
    let _ = match cell {
        None => write!(out, "<td></td>"),
        Some(TableCell::Text(text)) => write!(out, "<td>{}</td>", escape(text)),
        Some(TableCell::Verdict(verdict)) => write!(out, "<td>{}</td>", badge(verdict)),
        Some(TableCell::Number(value, digits)) => {
            let text = format_number(*value, *digits);
            write!(
                out,
                "<td class=\"number\" data-value=\"{value}\">{text}</td>"
            )
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchors_are_plain_and_distinct() {
        let page = Page::new("r")
            .section("Models & more")
            .section("models   more")
            .section("</script>")
            .section("数");
        let anchors: Vec<_> = anchors(&page)
            .into_iter()
            .map(|(anchor, _)| anchor)
            .collect();
        assert_eq!(
            anchors,
            ["models-more", "models-more-2", "script", "section"]
        );
    }

    #[test]
    fn the_policy_names_our_script() {
        use sha2::Digest;
        let mut digest = String::new();
        base64::encode_into(&mut digest, &sha2::Sha256::digest(SCRIPT.as_bytes()));
        assert_eq!(SCRIPT_DIGEST, digest);
    }
}
