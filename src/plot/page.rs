//! A report: one HTML file that needs nothing else.
//!
//! Style and script are inside, charts are inline SVG, nothing is requested from anywhere; a content security policy
//! says so to the browser, and lets no script run but ours. Without scripts everything is there and readable. All
//! words are escaped, whatever names a table or a model has.

mod base64;
mod write;

use crate::picture::Picture;

/// A report in the making.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    title: String,
    subtitle: String,
    footer: String,
    blocks: Vec<Block>,
}

/// A part of a page.
#[derive(Debug, Clone, PartialEq)]
enum Block {
    Section(String),
    Heading(String),
    Paragraph(String),
    Note(String),
    List(Vec<String>),
    KeyFigures(Vec<KeyFigure>),
    Verdict(Verdict, String),
    Table(PageTable),
    Pictures(Vec<Picture>),
    Images(Vec<PageImage>),
    Details(String, String),
}

/// A number that matters, shown large.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyFigure {
    /// What it is: `test RMSE`.
    pub label: String,
    /// As written: `0.447`.
    pub value: String,
    /// What it is compared with, or its unit.
    pub detail: String,
}

/// How something was judged; a badge always says it in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Which colour and sign it has.
    pub outcome: Outcome,
    /// The words of the badge: `pass`.
    pub words: String,
}

/// The kinds of [`Verdict`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// As required.
    Pass,
    /// Not as required.
    Fail,
    /// To be looked at.
    Warning,
    /// Nothing was required.
    Neutral,
}

/// A table of a page.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PageTable {
    /// What it shows.
    pub caption: String,
    /// `n_columns` names.
    pub columns: Vec<String>,
    /// `n_rows` × `n_columns` cells; missing ones are empty.
    pub rows: Vec<Vec<TableCell>>,
    /// A row that is written bold, as that of the selected model.
    pub strong: Option<usize>,
}

/// An image that others made: the bytes of its file go into the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageImage {
    /// What the bytes are.
    pub kind: ImageKind,
    /// The file's bytes, as they are.
    pub bytes: Vec<u8>,
    /// Words below it.
    pub caption: String,
}

/// The kinds of images that browsers show. An SVG is shown as an image: nothing in it can run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the formats")]
pub enum ImageKind {
    Png,
    Jpeg,
    Gif,
    Svg,
    Webp,
}

impl ImageKind {
    /// The kind that the ending of a file's name tells, whether in small or large letters.
    pub fn of_ending(ending: &str) -> Option<Self> {
        Some(match ending.to_ascii_lowercase().as_str() {
            "png" => Self::Png,
            "jpg" | "jpeg" => Self::Jpeg,
            "gif" => Self::Gif,
            "svg" => Self::Svg,
            "webp" => Self::Webp,
            _ => return None,
        })
    }

    /// Its media type.
    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
            Self::Svg => "image/svg+xml",
            Self::Webp => "image/webp",
        }
    }
}

/// What a cell of a [`PageTable`] holds.
#[derive(Debug, Clone, PartialEq)]
pub enum TableCell {
    /// Words.
    Text(String),
    /// A number with this many significant digits; aligned right, sorted by its value.
    Number(f64, usize),
    /// A badge.
    Verdict(Verdict),
}

impl From<&str> for TableCell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl Page {
    /// An empty page.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            ..Self::default()
        }
    }

    /// A line below the title.
    #[must_use]
    pub fn subtitle(mut self, subtitle: impl Into<String>) -> Self {
        self.subtitle = subtitle.into();
        self
    }

    /// The last line.
    #[must_use]
    pub fn footer(mut self, footer: impl Into<String>) -> Self {
        self.footer = footer.into();
        self
    }

    /// Begins a section, with an anchor and an entry in the table of contents.
    #[must_use]
    pub fn section(self, heading: impl Into<String>) -> Self {
        self.with(Block::Section(heading.into()))
    }

    /// A heading within a section.
    #[must_use]
    pub fn heading(self, heading: impl Into<String>) -> Self {
        self.with(Block::Heading(heading.into()))
    }

    /// A paragraph of words.
    #[must_use]
    pub fn paragraph(self, text: impl Into<String>) -> Self {
        self.with(Block::Paragraph(text.into()))
    }

    /// A remark beside the text.
    #[must_use]
    pub fn note(self, text: impl Into<String>) -> Self {
        self.with(Block::Note(text.into()))
    }

    /// Sentences one below the other.
    #[must_use]
    pub fn list(self, items: Vec<String>) -> Self {
        self.with(Block::List(items))
    }

    /// Numbers that matter, side by side.
    #[must_use]
    pub fn key_figures(self, figures: Vec<KeyFigure>) -> Self {
        self.with(Block::KeyFigures(figures))
    }

    /// A badge with what it is about.
    #[must_use]
    pub fn verdict(self, verdict: Verdict, about: impl Into<String>) -> Self {
        self.with(Block::Verdict(verdict, about.into()))
    }

    /// A table; with scripts a click on a heading sorts it.
    #[must_use]
    pub fn table(self, table: PageTable) -> Self {
        self.with(Block::Table(table))
    }

    /// A picture.
    #[must_use]
    pub fn picture(self, picture: Picture) -> Self {
        self.with(Block::Pictures(vec![picture]))
    }

    /// Pictures side by side where the page is wide enough.
    #[must_use]
    pub fn pictures(self, pictures: Vec<Picture>) -> Self {
        self.with(Block::Pictures(pictures))
    }

    /// Images of others side by side where the page is wide enough.
    #[must_use]
    pub fn images(self, images: Vec<PageImage>) -> Self {
        self.with(Block::Images(images))
    }

    /// Text as it stands, hidden until asked for.
    #[must_use]
    pub fn details(self, summary: impl Into<String>, text: impl Into<String>) -> Self {
        self.with(Block::Details(summary.into(), text.into()))
    }

    fn with(mut self, block: Block) -> Self {
        self.blocks.push(block);
        self
    }

    /// The HTML file; also well-formed XML. The same page gives the same bytes.
    pub fn to_html(&self) -> String {
        write::write(self)
    }
}
