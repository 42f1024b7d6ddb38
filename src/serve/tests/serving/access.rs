//! Who may ask, and who else can read it.

use std::io::{BufReader, Write as _};
use std::sync::Arc;

use hpipe_serve::{Limits, Options, Server, Setup, StartError, Tls, Token};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::support::{Served, read, request};

const ROW: &str = r#"{"rooms": 1, "ocean": "INLAND"}"#;
const CERTIFICATE: &[u8] = include_bytes!("tls/certificate.pem");
const KEY: &[u8] = include_bytes!("tls/key.pem");

#[test]
fn whoever_does_not_know_the_token_is_told_nothing() {
    let served = Served::arranged(Options::default(), |setup| {
        setup.token = Token::new("s3cret");
    });
    let ask = |headers: &str| {
        served.raw(&request(
            "/predict",
            "application/json",
            headers,
            ROW.as_bytes(),
        ))
    };
    for headers in [
        "",
        "Authorization: Bearer\r\n",
        "Authorization: Bearer s3cre\r\n",
        "Authorization: Bearer s3crets\r\n",
        "Authorization: Basic s3cret\r\n",
        "Authorization: s3cret\r\n",
    ] {
        let refused = ask(headers);
        assert_eq!(refused.status, 401, "{headers}");
        assert_eq!(refused.headers["www-authenticate"], "Bearer");
        assert_eq!(refused.json()["detail"], "Not authenticated");
    }
    assert_eq!(ask("Authorization: Bearer s3cret\r\n").predictions(), [2.0]);
    assert_eq!(
        ask("Authorization: bearer  s3cret\r\n").predictions(),
        [2.0]
    );
    for path in [
        "/health",
        "/ping",
        "/livez",
        "/readyz",
        "/v2/health/live",
        "/v2/health/ready",
    ] {
        assert_eq!(served.get(path).status, 200, "{path}");
    }
    for path in [
        "/metrics",
        "/models",
        "/version",
        "/docs",
        "/openapi.json",
        "/nowhere",
        "/v2/models/house",
    ] {
        assert_eq!(served.get(path).status, 401, "{path}");
    }
}

fn tls() -> Tls {
    Tls {
        certificates: CERTIFICATE.to_vec(),
        key: KEY.to_vec(),
    }
}

/// A client that trusts our certificate alone.
fn client() -> ClientConnection {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(CERTIFICATE).unwrap())
        .unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap()
}

#[test]
fn connections_are_secret_where_there_is_a_certificate() {
    let limits = Limits {
        idle: std::time::Duration::from_millis(500),
        ..Limits::default()
    };
    let options = Options {
        limits,
        ..Options::default()
    };
    let served = Served::arranged(options, |setup| setup.tls = Some(tls()));
    // who says nothing, and who speaks no TLS, keep nobody out and are let go
    let silent = served.connect();
    let mut plain = served.connect();
    plain
        .write_all(b"GET /health HTTP/1.1\r\nHost: h\r\n\r\n")
        .unwrap();
    let mut stream = BufReader::new(StreamOwned::new(client(), served.connect()));
    let many = vec![ROW; 2000].join(",");
    for body in [ROW.to_owned(), format!("[{many}]"), ROW.to_owned()] {
        let whole = request("/predict", "application/json", "", body.as_bytes());
        stream.get_mut().write_all(&whole).unwrap();
        let predictions = read(&mut stream).predictions();
        assert!(predictions.iter().all(|one| *one == 2.0));
    }
    for mut gone in [silent, plain] {
        let mut rest = Vec::new();
        // an alert, or nothing; but never an answer
        let _ = std::io::Read::read_to_end(&mut gone, &mut rest);
        assert!(!rest.starts_with(b"HTTP"), "{rest:?}");
    }
}

#[test]
fn what_is_no_certificate_is_told() {
    for (certificates, key, expect) in [
        (&b""[..], KEY, "there is no certificate"),
        (
            CERTIFICATE,
            &b"nonsense"[..],
            "the key is no PEM of a private key",
        ),
        (KEY, KEY, "there is no certificate"),
    ] {
        let mut refused = String::new();
        Served::try_arranged(
            |setup: &mut Setup| {
                setup.tls = Some(Tls {
                    certificates: certificates.to_vec(),
                    key: key.to_vec(),
                });
            },
            |bound: Result<Server, StartError>| {
                refused = hpipe_core::with_causes(&bound.err().unwrap());
            },
        );
        assert!(
            refused.starts_with("use the certificate and its key: "),
            "{refused}"
        );
        assert!(refused.contains(expect), "{refused}");
    }
}
