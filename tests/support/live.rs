//! A process of ours that is still at work, and fifos through which a stage and a test wait for each other.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{WATCHDOG, parse_event};

/// A started hpipe that writes events; killed when the test drops it.
#[derive(Debug)]
pub(crate) struct Live {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<Value>,
}

impl Live {
    /// Starts `command`, which must write events on stdout.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("hpipe starts");
        let stdout = child.stdout.take().expect("a pipe");
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            lines,
            seen: Vec::new(),
        }
    }

    /// The next event; none when the process closed its stdout.
    pub(crate) fn next(&mut self) -> Option<Value> {
        match self.lines.recv_timeout(WATCHDOG) {
            Ok(line) => {
                let event = parse_event(&line);
                self.seen.push(event.clone());
                Some(event)
            }
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => {
                panic!("nothing happened for {WATCHDOG:?} after {:#?}", self.seen)
            }
        }
    }

    /// Reads up to and with the next event of a kind; returns what came before it, and it.
    #[track_caller]
    pub(crate) fn until(&mut self, kind: &str) -> (Vec<Value>, Value) {
        let mut before = Vec::new();
        while let Some(event) = self.next() {
            if event["event"] == kind {
                return (before, event);
            }
            before.push(event);
        }
        panic!(
            "hpipe ended without an event `{kind}`; it wrote {:#?}",
            self.seen
        );
    }

    /// Sends a signal to hpipe alone, not to its children.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("hpipe still runs");
    }

    /// Ends hpipe, and nobody else, as a power cut would.
    pub(crate) fn kill(mut self) {
        self.child
            .kill()
            .and_then(|()| self.child.wait())
            .expect("hpipe still runs");
    }

    /// Reads the remaining events and waits for the end.
    pub(crate) fn finish(mut self) -> (ExitStatus, Vec<Value>) {
        while self.next().is_some() {}
        let status = self.child.wait().expect("hpipe can be waited for");
        (status, std::mem::take(&mut self.seen))
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Makes a fifo.
pub(crate) fn make_fifo(path: &Path) {
    let made = Command::new("mkfifo")
        .arg(path)
        .status()
        .expect("mkfifo starts");
    assert!(made.success(), "mkfifo {}", path.display());
}

/// The lines others write into a fifo.
#[derive(Debug)]
pub(crate) struct FifoLines(Receiver<String>);

impl FifoLines {
    /// Makes a fifo and listens to it.
    pub(crate) fn listen(path: &Path) -> Self {
        make_fifo(path);
        let path = path.to_owned();
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            let fifo = BufReader::new(File::open(path).expect("open the fifo"));
            for line in fifo.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self(lines)
    }

    /// The next line; none when everybody who held the fifo open has ended.
    pub(crate) fn next(&self) -> Option<String> {
        match self.0.recv_timeout(WATCHDOG) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => {
                panic!("no line came through the fifo for {WATCHDOG:?}")
            }
        }
    }
}

/// Waits until somebody reads from a fifo, and gives him a line.
pub(crate) fn release(path: &Path) {
    let (fifo, shown) = (path.to_owned(), path.display());
    let (sender, done) = channel();
    std::thread::spawn(move || {
        let fifo = OpenOptions::new().write(true).open(fifo);
        fifo.and_then(|mut fifo| fifo.write_all(b"go\n"))
            .expect("write the fifo");
        sender.send(())
    });
    done.recv_timeout(WATCHDOG)
        .unwrap_or_else(|_| panic!("nobody read from {shown} for {WATCHDOG:?}"));
}
