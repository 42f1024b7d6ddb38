//! MLflow's REST API from the client's side: JSON calls, and bytes of artifacts.

use std::fs::File;
use std::time::Duration;

use serde_json::Value;
use ureq::http::{Method, Request, Response};
use ureq::{Agent, AsSendBody, Body};

use crate::{Destination, Error, Result};

/// How long to wait for somebody to listen at all.
const CONNECT: Duration = Duration::from_secs(5);

/// Bytes of an answer that is read.
const LARGEST_ANSWER: u64 = 64 << 20;

/// Where calls are, and where artifacts are.
const CALLS: &str = "/api/2.0/mlflow";
const ARTIFACTS: &str = "/api/2.0/mlflow-artifacts/artifacts/";

/// What follows this in a URI is a path of the server's own artifacts.
const PROXIED: &str = "mlflow-artifacts:/";

/// A server of MLflow.
#[derive(Debug)]
pub(crate) struct Remote {
    agent: Agent,
    server: String,
    token: Option<String>,
}

impl Remote {
    /// The server at the address that things are noted by; it is not asked yet.
    pub(crate) fn new(server: &str, to: &Destination<'_>) -> Result<Self> {
        check_address(server)?;
        Ok(Self {
            agent: agent(to.patience),
            server: server.to_owned(),
            token: to.token.map(str::to_owned),
        })
    }

    /// The address.
    pub(crate) fn server(&self) -> &str {
        &self.server
    }

    /// Posts JSON.
    pub(crate) fn post(&self, call: &str, body: &Value) -> Result<Value> {
        self.call(Method::POST, call, body)
    }

    /// Calls with JSON in the body.
    pub(crate) fn call(&self, method: Method, call: &str, body: &Value) -> Result<Value> {
        let url = format!("{}{CALLS}{call}", self.server);
        let answer = self.request(method, &url, body.to_string().as_bytes())?;
        self.read(call, answer)
    }

    /// Asks for what a query names.
    pub(crate) fn get(&self, call: &str, query: &[(&str, &str)]) -> Result<Value> {
        let pairs = query.iter();
        let pairs = pairs.map(|(key, value)| format!("{key}={}", encoded(value, "")));
        let query = pairs.collect::<Vec<_>>().join("&");
        let url = format!("{}{CALLS}{call}?{query}", self.server);
        let answer = self.request(Method::GET, &url, ())?;
        self.read(call, answer)
    }

    /// As [`post`](Self::post), of what need not be done: none if the server says one of `words`.
    pub(crate) fn unless(&self, words: &[&str], asked: Result<Value>) -> Result<Option<Value>> {
        match asked {
            Err(Error::Refused {
                word: Some(word), ..
            }) if words.contains(&word.as_str()) => Ok(None),
            other => other.map(Some),
        }
    }

    /// Whether files below a URI go through the server.
    pub(crate) fn takes(uri: &str) -> bool {
        uri.starts_with(PROXIED)
    }

    /// Puts a file below a URI of the server's own artifacts; of other places the server says nothing we could write to.
    pub(crate) fn put(&self, uri: &str, path: &str, file: File) -> Result<()> {
        self.put_body(uri, path, file)
    }

    /// As [`put`](Self::put), of bytes.
    pub(crate) fn put_bytes(&self, uri: &str, path: &str, bytes: &[u8]) -> Result<()> {
        self.put_body(uri, path, bytes)
    }

    fn put_body(&self, uri: &str, path: &str, body: impl AsSendBody) -> Result<()> {
        let Some(folder) = uri.strip_prefix(PROXIED) else {
            return Err(Error::Elsewhere {
                server: self.server.clone(),
                uri: uri.to_owned(),
            });
        };
        let folder = folder.trim_matches('/');
        let whole = encoded(&format!("{folder}/{path}"), "/");
        let url = format!("{}{ARTIFACTS}{whole}", self.server);
        let answer = self.request(Method::PUT, &url, body)?;
        self.read(&format!("PUT {path}"), answer).map(drop)
    }

    fn request(&self, method: Method, url: &str, body: impl AsSendBody) -> Result<Response<Body>> {
        let mut request = Request::builder().method(method).uri(url);
        if !url.contains(ARTIFACTS) {
            request = request.header("Content-Type", "application/json");
        }
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let request = request.body(body).map_err(|error| Error::BadAddress {
            server: self.server.clone(),
            reason: error.to_string(),
        })?;
        self.agent
            .run(request)
            .map_err(|error| self.unreachable(error))
    }

    fn unreachable(&self, error: ureq::Error) -> Error {
        Error::Unreachable {
            server: self.server.clone(),
            source: Box::new(error),
        }
    }

    fn read(&self, call: &str, mut answer: Response<Body>) -> Result<Value> {
        let status = answer.status().as_u16();
        let body = answer.body_mut().with_config().limit(LARGEST_ANSWER);
        let text = body
            .read_to_string()
            .map_err(|error| self.unreachable(error))?;
        let said: Option<Value> = serde_json::from_str(&text).ok();
        let of = |key: &str| Some(said.as_ref()?.get(key)?.as_str()?.to_owned());
        match (status, &said) {
            (200..=299, Some(value)) => Ok(value.clone()),
            (200..=299, None) if text.trim().is_empty() => Ok(Value::Null),
            _ => Err(Error::Refused {
                server: self.server.clone(),
                call: call.to_owned(),
                status,
                word: of("error_code"),
                message: of("message").unwrap_or_else(|| text.chars().take(200).collect()),
            }),
        }
    }

    /// That an answer lacks what it must have.
    pub(crate) fn lacks(&self, call: &str, what: &str) -> Error {
        Error::Refused {
            server: self.server.clone(),
            call: call.to_owned(),
            status: 200,
            word: None,
            message: format!("the answer has no {what}"),
        }
    }
}

/// Who asks, and waits so long for an answer to begin, and for some bytes to move in either direction: a large file may take its
/// time, a server that has stopped listening may not.
pub(crate) fn agent(patience: Duration) -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(Some(CONNECT.min(patience)))
        .timeout_recv_response(Some(patience))
        .timeout_per_read(Some(patience))
        .timeout_per_write(Some(patience));
    config.build().into()
}

/// Refuses what is no address of HTTP.
pub(crate) fn check_address(server: &str) -> Result<()> {
    let of_http = ["http://", "https://"]
        .iter()
        .find_map(|scheme| server.strip_prefix(scheme));
    match of_http.is_some_and(|host| !host.is_empty()) {
        true => Ok(()),
        false => Err(Error::BadAddress {
            server: server.to_owned(),
            reason: "an address is `http://HOST:PORT`".to_owned(),
        }),
    }
}

/// A text as a part of an address; what stands in `plain` stays as it is.
fn encoded(text: &str, plain: &str) -> String {
    let parts = text.bytes().map(|byte| {
        let c = char::from(byte);
        match byte.is_ascii_alphanumeric() || "-._~".contains(c) || plain.contains(c) {
            true => c.to_string(),
            false => format!("%{byte:02X}"),
        }
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_hold_any_text() {
        assert_eq!(encoded("a b/c", ""), "a%20b%2Fc");
        assert_eq!(encoded("größe/100%?", "/"), "gr%C3%B6%C3%9Fe/100%25%3F");
    }

    #[test]
    fn an_address_is_one_of_http() {
        assert!(check_address("ftp://x").is_err());
        assert!(check_address("http://x:1").is_ok());
    }
}
