//! A started `hpipe server`.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// A server on a port of its own; killed when the test drops it.
#[derive(Debug)]
pub(crate) struct Serving {
    child: Child,
    /// `http://127.0.0.1:PORT`.
    pub(crate) url: String,
}

impl Serving {
    /// Starts a server of the project at `root`, and waits until it says where it listens.
    pub(crate) fn start(root: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_hpipe"))
            .args(["server", "--port", "0", "--json"])
            .current_dir(root)
            .stdout(Stdio::piped())
            .spawn()
            .expect("hpipe starts");
        let stdout = child.stdout.take().expect("a pipe");
        let mut line = String::new();
        let read = BufReader::new(stdout).read_line(&mut line);
        read.expect("a line");
        let said: Value = serde_json::from_str(&line).expect("JSON");
        let url = said["url"].as_str().expect("an address").to_owned();
        Self { child, url }
    }

    /// Ends it as Ctrl-C would, and says how it ended.
    pub(crate) fn stop(mut self) -> ExitStatus {
        self.signal(Signal::INT);
        self.child.wait().expect("it ends")
    }

    /// Ends it as a lost power supply would.
    pub(crate) fn kill(mut self) {
        self.signal(Signal::KILL);
        self.child.wait().expect("it ends");
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
    }

    /// Sends a request, and says status and body; none when the server is gone before it has answered.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &str) -> Option<(u16, String)> {
        ask(&self.url, method, path, body)
    }

    /// Calls MLflow's REST API with JSON; none when the server is gone before it has answered.
    pub(crate) fn call(&self, path: &str, body: &Value) -> Option<Value> {
        let path = format!("/api/2.0/mlflow{path}");
        let (status, answer) = self.ask("POST", &path, &body.to_string())?;
        assert_eq!(status, 200, "{path}: {answer}");
        Some(serde_json::from_str(&answer).expect("JSON"))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One request on a connection of its own.
pub(crate) fn ask(url: &str, method: &str, path: &str, body: &str) -> Option<(u16, String)> {
    let host = url.strip_prefix("http://").expect("an address");
    let mut stream = TcpStream::connect(host).ok()?;
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}
