//! Connections that nobody else can read: TLS 1.2 and 1.3, with a certificate of whoever runs the server.

use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A certificate with those that vouch for it, and its key, in PEM.
#[derive(Clone)]
pub struct Tls {
    /// The server's certificate first.
    pub certificates: Vec<u8>,
    /// The key of the first of them.
    pub key: Vec<u8>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls(…)")
    }
}

impl Tls {
    /// What takes connections.
    ///
    /// # Errors
    /// What is wrong with the files, as a lowercase fragment.
    pub(crate) fn acceptor(&self) -> Result<TlsAcceptor, String> {
        let certificates = CertificateDer::pem_slice_iter(&self.certificates);
        let certificates = certificates
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| format!("the certificate is no PEM: {error}"))?;
        if certificates.is_empty() {
            return Err("there is no certificate in the file of the certificate".to_owned());
        }
        let key = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|error| format!("the key is no PEM of a private key: {error}"))?;
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|config| {
                let config = config.with_no_client_auth();
                config.with_single_cert(certificates, key)
            });
        let mut config = config.map_err(|error| error.to_string())?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}
