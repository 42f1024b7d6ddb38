//! The graph as a page to move about in: the SVG with zoom, pan and a search, in one file that needs no network.

use super::{Graph, to_svg};

/// The page around the picture.
const PAGE: &str = include_str!("html/page.html");

/// Where the picture stands in the page.
const PLACE: &str = "<!-- the graph -->";

/// Draws the graph as a complete HTML page.
pub(crate) fn to_html(graph: &Graph) -> String {
    PAGE.replacen(PLACE, &to_svg(graph), 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dag::example;

    #[test]
    fn the_page_holds_the_picture_and_needs_nothing_else() {
        let graph = example::housing();
        let page = to_html(&graph);
        assert!(page.contains(to_svg(&graph).trim_end()));
        assert!(!page.contains(PLACE));
        for reference in ["src=", "href=", "@import", "url(", "fetch("] {
            assert!(
                !page.contains(reference),
                "the page refers to something: {reference}"
            );
        }
        // What the script looks for is what the picture has.
        assert!(page.contains("viewBox=\"0 0 "));
        assert!(page.matches("<g class=\"").count() >= graph.nodes().len());
        assert!(page.contains("class=\"box\"") && page.contains("<title>"));
    }
}
