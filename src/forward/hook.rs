//! Messages to whoever wants to be told: JSON posted to an address, tried a few times.

use std::time::Duration;

use ureq::http::Request;

use crate::remote::{agent, check_address};
use crate::{Error, Result};

/// How long to wait for an answer.
const ANSWER: Duration = Duration::from_secs(10);

/// What is waited for before each further try.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(3)];

/// An address that messages are posted to.
#[derive(Debug, Clone)]
pub struct Hook {
    address: String,
}

impl Hook {
    /// The address, which is not asked yet.
    ///
    /// # Errors
    /// It is none of HTTP.
    pub fn new(address: &str) -> Result<Self> {
        check_address(address)?;
        Ok(Self {
            address: address.to_owned(),
        })
    }

    /// The address, with what is secret in it.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Posts a message; again where nobody answers, or the server says that it cannot now (429 and from 500 on).
    ///
    /// # Errors
    /// The last failure. It names the host alone: what follows is a secret with many services.
    pub fn post(&self, json: &str) -> Result<()> {
        for pause in PAUSES {
            match self.post_once(json) {
                Err(error) if may_pass(&error) => std::thread::sleep(pause),
                done => return done,
            }
        }
        self.post_once(json)
    }

    fn post_once(&self, json: &str) -> Result<()> {
        let request = Request::post(&self.address).header("Content-Type", "application/json");
        let request = request.body(json).map_err(|error| Error::BadAddress {
            server: self.host(),
            reason: error.to_string(),
        })?;
        let answer = agent(ANSWER).run(request);
        let answer = answer.map_err(|error| Error::Unreachable {
            server: self.host(),
            source: Box::new(error),
        })?;
        match answer.status().as_u16() {
            200..=299 => Ok(()),
            status => Err(Error::Refused {
                server: self.host(),
                call: "the message".to_owned(),
                status,
                word: None,
                message: answer
                    .status()
                    .canonical_reason()
                    .unwrap_or_default()
                    .to_owned(),
            }),
        }
    }

    /// Scheme, host and port.
    fn host(&self) -> String {
        let after = self.address.find("://").map_or(0, |at| at + 3);
        let end = self.address[after..]
            .find(['/', '?', '#'])
            .map_or(self.address.len(), |at| after + at);
        let whole = &self.address[after..end];
        let host = whole.rsplit_once('@').map_or(whole, |(_, host)| host);
        format!("{}{host}", &self.address[..after])
    }
}

const fn may_pass(error: &Error) -> bool {
    match error {
        Error::Unreachable { .. } => true,
        Error::Refused { status, .. } => *status == 429 || *status >= 500,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpListener;

    use super::*;

    /// Answers one request after the other with these statuses; returns their bodies.
    fn answering(statuses: &'static [u16]) -> (String, std::thread::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!(
            "http://{}/secret?token=1",
            listener.local_addr().expect("an address")
        );
        let bodies = std::thread::spawn(move || {
            let answer = |status: &u16| {
                let (mut stream, _) = listener.accept().expect("a client");
                let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
                let mut length = 0;
                loop {
                    let mut line = String::new();
                    reader.read_line(&mut line).expect("a line");
                    let line = line.trim().to_lowercase();
                    if let Some(value) = line.strip_prefix("content-length:") {
                        length = value.trim().parse().expect("a number");
                    }
                    if line.is_empty() {
                        break;
                    }
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).expect("a body");
                write!(
                    stream,
                    "HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                )
                .expect("answered");
                String::from_utf8(body).expect("a text")
            };
            statuses.iter().map(answer).collect()
        });
        (address, bodies)
    }

    #[test]
    fn a_server_that_cannot_now_is_asked_again() {
        let (address, bodies) = answering(&[503, 200]);
        Hook::new(&address)
            .expect("an address")
            .post("{}")
            .expect("posted");
        assert_eq!(bodies.join().expect("no panic"), ["{}", "{}"]);
    }

    #[test]
    fn one_that_does_not_want_it_is_not_and_no_secret_is_told() {
        let (address, bodies) = answering(&[404]);
        let told = Hook::new(&address)
            .expect("an address")
            .post("{}")
            .expect_err("refused");
        assert!(
            told.to_string().contains("answered with 404") && !told.to_string().contains("secret"),
            "{told}"
        );
        bodies.join().expect("no panic");
        Hook::new("house").expect_err("no address");
        Hook::new("http://").expect_err("no host");
        let host = Hook::new("https://ada:x@a.b:1/c")
            .expect("an address")
            .host();
        assert_eq!(host, "https://a.b:1");
    }
}
