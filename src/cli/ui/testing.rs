//! A [`Ui`] whose output tests can read.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use indicatif::{MultiProgress, ProgressDrawTarget};

use super::status_area::StatusArea;
use super::{Channel, ChannelState, Ui, Verbosity};

/// What was printed, without ANSI sequences.
#[derive(Clone, Default)]
pub(crate) struct Captured {
    stdout: Buffer,
    stderr: Buffer,
}

#[derive(Clone, Default, Debug)]
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

/// A terminal that remembers what it was sent.
#[derive(Clone, Debug)]
pub(crate) struct Screen {
    columns: usize,
    sent: Buffer,
}

impl Screen {
    /// A terminal of so many columns, and more lines than anybody writes.
    pub(crate) fn new(columns: usize) -> Self {
        Self {
            columns,
            sent: Buffer::default(),
        }
    }

    /// Where a status can be drawn on it.
    pub(crate) fn status_area(&self, color: bool) -> ProgressDrawTarget {
        let size = |screen: &Self| (u16::try_from(screen.columns).unwrap_or(u16::MAX), 1000);
        ProgressDrawTarget::term_like(Box::new(StatusArea::new(self.clone(), color, size)))
    }

    /// Shows what somebody types, as a terminal does.
    pub(crate) fn echo(&mut self, typed: &str) {
        self.write_all(typed.as_bytes())
            .expect("memory takes everything");
    }

    /// What it was sent, ANSI sequences included.
    pub(crate) fn sent(&self) -> String {
        self.sent.text()
    }

    /// The lines that are not empty.
    pub(crate) fn shown(&self) -> String {
        let sent = self.sent();
        let (mut cursor, mut rest) = (Cursor::default(), sent.chars());
        while let Some(c) = rest.next() {
            match c {
                '\r' => cursor.column = 0,
                '\n' => cursor.row += 1,
                '\u{1b}' => {
                    let all = rest.as_str();
                    let end = all.find(|c: char| c.is_ascii_alphabetic());
                    let (sequence, after) = all.split_at(end.map_or(all.len(), |end| end + 1));
                    cursor.obey(sequence);
                    rest = after.chars();
                }
                c => cursor.put(c, self.columns),
            }
        }
        let lines = cursor.lines.iter().map(|line| line.trim_end());
        let lines: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
        lines.join("\n")
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.sent.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where a terminal writes next.
#[derive(Default)]
struct Cursor {
    lines: Vec<String>,
    row: usize,
    /// May be one behind the last: the line is broken by what comes next.
    column: usize,
}

impl Cursor {
    fn put(&mut self, c: char, columns: usize) {
        if self.column == columns {
            (self.row, self.column) = (self.row + 1, 0);
        }
        let line = self.line();
        let mut cells: Vec<char> = line.chars().collect();
        cells.resize(columns, ' ');
        cells[self.column] = c;
        *self.line() = cells.into_iter().collect();
        self.column += 1;
    }

    /// Obeys the ANSI sequence, without its escape character.
    fn obey(&mut self, sequence: &str) {
        let (numbers, letter) = sequence.split_at(sequence.len() - 1);
        let n = numbers.trim_start_matches('[').parse().unwrap_or(1);
        match letter {
            "A" => self.row = self.row.saturating_sub(n),
            "B" => self.row += n,
            "K" => self.line().clear(),
            "m" => {}
            _ => panic!("bug: the tests' terminal does not know `{sequence}`"),
        }
    }

    fn line(&mut self) -> &mut String {
        let row = self.row;
        if self.lines.len() <= row {
            self.lines.resize(row + 1, String::new());
        }
        &mut self.lines[row]
    }
}
