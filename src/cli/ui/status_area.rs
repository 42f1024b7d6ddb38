//! The lines at the bottom of the terminal that [`indicatif`] redraws.
//!
//! Not indicatif's own target, for two reasons. It ends a drawing behind the last column of the last line, so that what
//! the terminal echoes there, the `^C` of Ctrl-C or anything typed, moves the cursor one line down; the next clearing
//! then begins one line too low and leaves the first line standing. Here a drawing ends at the beginning of its last
//! line, where an echo is overwritten by the next one. (After Enter the cursor is a line lower all the same.) And it shows
//! colours wherever there is a terminal; here they are taken out where colour is not wanted.
//!
//! Deliberately does not know what the lines say: see `terminal`.

use std::fmt::Debug;
use std::io::{self, IsTerminal, Stderr, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::{ProgressDrawTarget, TermLike};

/// Drawings a second at most, as indicatif has it.
const DRAWINGS: u8 = 20;

/// Columns and lines of a terminal that does not tell its own.
const USUAL: (u16, u16) = (80, 24);

/// Draws on a terminal.
#[derive(Debug)]
pub(super) struct StatusArea<W> {
    color: bool,
    /// Columns and lines.
    size: fn(&W) -> (u16, u16),
    drawing: Mutex<Drawing<W>>,
}

/// What is drawn, and not written before it is whole.
#[derive(Debug)]
struct Drawing<W> {
    terminal: W,
    text: String,
}

/// The terminal behind stderr; nothing is drawn where there is none, or one that cannot move its cursor.
pub(super) fn on_stderr(color: bool) -> ProgressDrawTarget {
    let stderr = io::stderr();
    let moves = std::env::var_os("TERM").is_some_and(|name| name != "dumb");
    if !stderr.is_terminal() || !moves {
        return ProgressDrawTarget::hidden();
    }
    let area = StatusArea::new(stderr, color, size);
    ProgressDrawTarget::term_like_with_hz(Box::new(area), DRAWINGS)
}

fn size(stderr: &Stderr) -> (u16, u16) {
    terminal_size::terminal_size_of(stderr).map_or(USUAL, |(width, height)| (width.0, height.0))
}

impl<W> StatusArea<W> {
    /// Draws on `terminal`, whose columns and lines `size` asks for.
    pub(super) const fn new(terminal: W, color: bool, size: fn(&W) -> (u16, u16)) -> Self {
        let drawing = Drawing {
            terminal,
            text: String::new(),
        };
        Self {
            color,
            size,
            drawing: Mutex::new(drawing),
        }
    }

    fn size(&self) -> (u16, u16) {
        (self.size)(&self.drawing().terminal)
    }

    fn put(&self, text: &str) -> io::Result<()> {
        self.drawing().text.push_str(text);
        Ok(())
    }

    /// Moves the cursor; `direction` is the last letter of the ANSI sequence.
    fn move_cursor(&self, n: usize, direction: char) -> io::Result<()> {
        match n {
            0 => Ok(()),
            n => self.put(&format!("\u{1b}[{n}{direction}")),
        }
    }

    fn drawing(&self) -> MutexGuard<'_, Drawing<W>> {
        // A thread that panicked while it drew leaves at worst half a line.
        self.drawing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W: Write + Debug + Send> TermLike for StatusArea<W> {
    fn width(&self) -> u16 {
        self.size().0
    }

    fn height(&self) -> u16 {
        self.size().1
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'A')
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'B')
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'C')
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'D')
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write_str(text)?;
        self.put("\n")
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        match self.color {
            true => self.put(text),
            false => self.put(&anstream::adapter::strip_str(text).to_string()),
        }
    }

    fn clear_line(&self) -> io::Result<()> {
        self.put("\r\u{1b}[2K")
    }

    fn flush(&self) -> io::Result<()> {
        let mut drawing = self.drawing();
        let text = std::mem::take(&mut drawing.text);
        if text.is_empty() {
            return Ok(());
        }
        drawing.terminal.write_all(format!("{text}\r").as_bytes())?;
        drawing.terminal.flush()
    }
}
