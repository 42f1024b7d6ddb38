//! A server between hpipe and a real one, with which something goes wrong at requests that it has not seen before.
//!
//! A client that begins again until nothing goes wrong any more has then met the trouble at every request there is.

use std::collections::HashSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, ExitStatus};
use std::sync::{Arc, Mutex};

use rustix::process::{Pid, Signal, kill_process};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Nothing.
    Nothing,
    /// The client is killed before the request is passed on.
    KilledBefore,
    /// The client is killed after it, before it hears the answer.
    KilledAfter,
    /// The request is not passed on, and answered with 503.
    Busy,
    /// The answer ends in its middle.
    CutAnswer,
    /// Of five requests one is never answered.
    Silence,
}

/// A server that passes on what it is asked.
#[derive(Debug)]
pub(crate) struct Meddler {
    /// Where it listens.
    pub(crate) url: String,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    host: String,
    trouble: Trouble,
    seen: Mutex<HashSet<Vec<u8>>>,
    /// Whom to kill; held while he is started.
    client: Mutex<Option<Pid>>,
    /// Those who wait for ever.
    unanswered: Mutex<Vec<TcpStream>>,
}

impl Meddler {
    /// Begins to pass on to the server at `url`.
    pub(crate) fn before(url: &str, trouble: Trouble) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(State {
            host: url.trim_start_matches("http://").to_owned(),
            trouble,
            seen: Mutex::default(),
            client: Mutex::default(),
            unanswered: Mutex::default(),
        });
        let shared = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let state = shared.clone();
                std::thread::spawn(move || state.meet(stream));
            }
        });
        Self {
            url: format!("http://{address}"),
            state,
        }
    }

    /// How many different requests there were.
    pub(crate) fn requests(&self) -> usize {
        self.state.seen.lock().expect("no panic").len()
    }

    /// Runs a client to its end, which may come early.
    pub(crate) fn run(&self, command: &mut Command) -> ExitStatus {
        let mut client = self.state.client.lock().expect("no panic");
        let mut child = command.spawn().expect("hpipe starts");
        *client = Some(Pid::from_child(&child));
        drop(client);
        child.wait().expect("it ends")
    }
}

impl State {
    /// Answers one request; the client may have gone meanwhile.
    fn meet(&self, mut stream: TcpStream) {
        let Some(request) = read(&stream, &self.host) else {
            return;
        };
        let number = {
            let mut seen = self.seen.lock().expect("no panic");
            seen.insert(request.clone()).then_some(seen.len())
        };
        let answer = match (number, self.trouble) {
            (Some(_), Trouble::KilledBefore) => return self.kill(),
            (Some(_), Trouble::KilledAfter) => {
                self.pass_on(&request);
                return self.kill();
            }
            (Some(_), Trouble::Busy) => {
                b"HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbusy".to_vec()
            }
            (Some(_), Trouble::CutAnswer) => {
                let mut answer = self.pass_on(&request);
                answer.truncate(answer.len() - 1);
                answer
            }
            (Some(number), Trouble::Silence) if number % 5 == 0 => {
                self.unanswered.lock().expect("no panic").push(stream);
                return;
            }
            _ => self.pass_on(&request),
        };
        let _ = stream.write_all(&answer); // whoever asked may have been killed
    }

    fn kill(&self) {
        if let Some(client) = *self.client.lock().expect("no panic") {
            kill_process(client, Signal::KILL).expect("it is still ours to end");
        }
    }

    fn pass_on(&self, request: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(&self.host).expect("the server listens");
        stream.write_all(request).expect("sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("answered");
        answer
    }
}

/// A whole request, as it is passed on; none if it ends early.
fn read(stream: &TcpStream, host: &str) -> Option<Vec<u8>> {
    let mut reader = BufReader::new(stream);
    let mut line = || -> Option<String> {
        let mut line = String::new();
        (reader.read_line(&mut line).ok()? > 0).then(|| line.trim_end().to_owned())
    };
    let mut head = format!("{}\r\nHost: {host}\r\nConnection: close\r\n", line()?);
    let (mut length, mut is_chunked) = (0, false);
    loop {
        let header = line()?;
        let Some((name, value)) = header.split_once(':') else {
            break;
        };
        match name.to_lowercase().as_str() {
            "content-length" => length = value.trim().parse().expect("a number"),
            "transfer-encoding" => is_chunked = true,
            "content-type" => {
                head.push_str(&header);
                head.push_str("\r\n");
            }
            _ => {}
        }
    }
    let mut body = Vec::new();
    if is_chunked {
        loop {
            let mut size = String::new();
            reader.read_line(&mut size).ok()?;
            let size = u64::from_str_radix(size.trim(), 16).expect("a size");
            reader.by_ref().take(size).read_to_end(&mut body).ok()?;
            reader.read_line(&mut String::new()).ok()?;
            if size == 0 {
                break;
            }
        }
    } else {
        reader.take(length).read_to_end(&mut body).ok()?;
    }
    let head = format!("{head}Content-Length: {}\r\n\r\n", body.len());
    Some([head.into_bytes(), body].concat())
}
