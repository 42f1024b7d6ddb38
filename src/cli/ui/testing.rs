//! A [`Ui`] whose output tests can read.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use indicatif::{MultiProgress, ProgressDrawTarget};

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
