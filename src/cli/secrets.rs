//! What a server must not tell: the token that requests show, and the key of its certificate.

use std::path::Path;

use hpipe_serve::{Tls, Token};

use crate::args::Serve;
use crate::error::Error;
use crate::session::Session;

/// The variable that holds the token where no file is named.
const VARIABLE: &str = "HPIPE_SERVE_TOKEN";

/// What whoever asks must show, if something.
pub(crate) fn token(session: &Session, arguments: &Serve) -> Result<Option<Token>, Error> {
    let (text, place) = match &arguments.token_file {
        Some(path) => {
            let text = String::from_utf8_lossy(&read(path)?).into_owned();
            (text, path.display().to_string())
        }
        None => match session.environment().get(VARIABLE) {
            Some(text) => (text.clone(), VARIABLE.to_owned()),
            None => return Ok(None),
        },
    };
    match Token::new(&text) {
        Some(token) => Ok(Some(token)),
        None => Err(Error::Usage {
            message: format!("{place} holds no token"),
            help: "a token is one word of visible ASCII characters; `openssl rand -hex 32` makes a good one".to_owned(),
        }),
    }
}

/// What connections are kept secret with, if they are.
pub(crate) fn tls(arguments: &Serve) -> Result<Option<Tls>, Error> {
    let files = arguments.tls_cert.as_ref().zip(arguments.tls_key.as_ref());
    files
        .map(|(certificates, key)| {
            Ok(Tls {
                certificates: read(certificates)?,
                key: read(key)?,
            })
        })
        .transpose()
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|source| Error::File {
        attempt: "read",
        path: path.to_owned(),
        source,
    })
}
