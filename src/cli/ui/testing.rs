//! A [`Ui`] whose output tests can read.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use indicatif::{MultiProgress, ProgressDrawTarget, TermLike};

use super::{Channel, ChannelState, Ui, Verbosity};

/// What was printed, without ANSI sequences.
#[derive(Clone, Default)]
pub(crate) struct Captured {
    stdout: Buffer,
    stderr: Buffer,
}

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Captured {
    /// A ui that prints into memory.
    pub(crate) fn ui(verbosity: Verbosity) -> (Arc<Ui>, Self) {
        Self::ui_with_status(verbosity, ProgressDrawTarget::hidden())
    }

    /// A ui that prints into memory and draws its status on `target`.
    pub(crate) fn ui_with_status(
        verbosity: Verbosity,
        target: ProgressDrawTarget,
    ) -> (Arc<Ui>, Self) {
        let captured = Self::default();
        let ui = Ui {
            verbosity,
            stdout: channel(captured.stdout.clone()),
            stderr: channel(captured.stderr.clone()),
            status: MultiProgress::with_draw_target(target),
        };
        (Arc::new(ui), captured)
    }

    /// What went to stdout so far.
    pub(crate) fn stdout(&self) -> String {
        self.stdout.text()
    }

    /// What went to stderr so far.
    pub(crate) fn stderr(&self) -> String {
        self.stderr.text()
    }
}

impl Buffer {
    fn text(&self) -> String {
        let bytes = self.0.lock().map(|bytes| bytes.clone()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no writer panics").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A stream that cannot be written.
pub(crate) struct Broken(io::ErrorKind);

impl Broken {
    /// A ui whose streams fail with `kind`.
    pub(crate) fn ui(kind: io::ErrorKind) -> Ui {
        Ui {
            verbosity: Verbosity::Normal,
            stdout: channel(Self(kind)),
            stderr: channel(Self(kind)),
            status: MultiProgress::with_draw_target(ProgressDrawTarget::hidden()),
        }
    }
}

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn channel(writer: impl Write + Send + 'static) -> Channel {
    Channel {
        is_terminal: false,
        color: false,
        columns: None,
        state: ChannelState::new(writer),
    }
}

/// A terminal of 100 columns that remembers what it shows.
#[derive(Clone, Default, Debug)]
pub(crate) struct Screen(Arc<Mutex<Cursor>>);

#[derive(Default, Debug)]
struct Cursor {
    lines: Vec<String>,
    row: usize,
}

impl Screen {
    /// The lines that are not empty, without ANSI sequences.
    pub(crate) fn shown(&self) -> String {
        let cursor = self.0.lock().expect("no writer panics");
        let lines = cursor.lines.iter().map(|line| line.trim_end());
        let lines: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
        anstream::adapter::strip_str(&lines.join("\n")).to_string()
    }

    fn change(&self, change: impl FnOnce(&mut Cursor)) -> io::Result<()> {
        let mut cursor = self.0.lock().expect("no writer panics");
        change(&mut cursor);
        let row = cursor.row;
        if cursor.lines.len() <= row {
            cursor.lines.resize(row + 1, String::new());
        }
        Ok(())
    }
}

impl TermLike for Screen {
    fn width(&self) -> u16 {
        100
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.change(|cursor| cursor.row = cursor.row.saturating_sub(n))
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.change(|cursor| cursor.row += n)
    }

    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write_str(text)?;
        self.change(|cursor| cursor.row += 1)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.change(|_| {})?;
        for (nth, part) in text.split('\n').enumerate() {
            self.change(|cursor| cursor.row += usize::from(nth > 0))?;
            self.change(|cursor| cursor.lines[cursor.row].push_str(part.trim_start_matches('\r')))?;
        }
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        self.change(|_| {})?;
        self.change(|cursor| cursor.lines[cursor.row].clear())
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}
