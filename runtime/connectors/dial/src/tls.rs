//! TLS to data sources.
//!
//! Invariant: a certificate that is not verified is so by the user's explicit choice (`require`), as PostgreSQL and MySQL
//! clients name it; the handshake's signature is checked in every mode.

use millrace_connector::{ConnectivityFailure as Failure, Unreachable};
use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use std::{
    collections::BTreeMap,
    str::FromStr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{net::TcpStream, time::timeout_at};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// How long a handshake may take.
const HANDSHAKE_MAX: Duration = Duration::from_secs(5);

/// Whether a connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TlsMode {
    /// It is not.
    #[default]
    Disable,
    /// It is; who the server is stays unproven.
    Require,
    /// It is, and the server proves its name.
    Verify,
}

impl FromStr for TlsMode {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "disable" => Ok(Self::Disable),
            "require" => Ok(Self::Require),
            "verify" => Ok(Self::Verify),
            _ => Err(()),
        }
    }
}

/// TLS of a data source.
#[derive(Debug, Clone, Default)]
pub struct TlsSettings {
    /// Whether and how.
    pub mode: TlsMode,
    /// Certificates (PEM) of the authorities to believe; the usual public ones if absent.
    pub ca_pem: Option<String>,
}

impl TlsSettings {
    /// From the properties `tls` and `tls.ca.pem`.
    pub fn of(properties: &BTreeMap<String, String>, default: TlsMode) -> Self {
        let mode = properties.get("tls").and_then(|text| text.parse().ok()).unwrap_or(default);
        Self { mode, ca_pem: properties.get("tls.ca.pem").filter(|pem| !pem.trim().is_empty()).cloned() }
    }

    fn config(&self) -> Result<ClientConfig, String> {
        let provider = Arc::new(ring::default_provider());
        let builder =
            ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().map_err(|e| e.to_string())?;
        Ok(match self.mode {
            TlsMode::Require => {
                builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyCertificate(provider))).with_no_client_auth()
            }
            TlsMode::Disable | TlsMode::Verify => builder.with_root_certificates(self.roots()?).with_no_client_auth(),
        })
    }

    fn roots(&self) -> Result<RootCertStore, String> {
        let Some(pem) = &self.ca_pem else { return Ok(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }) };
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            let certificate = certificate.map_err(|_| "`tls.ca.pem` is not a certificate in PEM form".to_owned())?;
            roots.add(certificate).map_err(|e| format!("`tls.ca.pem`: {e}"))?;
        }
        if roots.is_empty() { Err("`tls.ca.pem` holds no certificate in PEM form".into()) } else { Ok(roots) }
    }
}

pub(crate) async fn handshake(
    stream: TcpStream,
    place: &str,
    host: &str,
    settings: &TlsSettings,
    until: Instant,
) -> Result<TlsStream<TcpStream>, Unreachable> {
    let configuration = |message: String| Unreachable::new(Failure::Configuration, message);
    let config = settings.config().map_err(configuration)?;
    let name = ServerName::try_from(host.to_owned()).map_err(|_| configuration(format!("`{host}` is not a name that TLS can prove")))?;
    // A server that speaks something else mostly waits for more: soon enough it is clear that this will not be TLS.
    let until = until.min(Instant::now() + HANDSHAKE_MAX);
    match timeout_at(until.into(), TlsConnector::from(Arc::new(config)).connect(name, stream)).await {
        Ok(Ok(secured)) => Ok(secured),
        Ok(Err(error)) => Err(Unreachable::new(Failure::Tls, format!("{place}: TLS failed: {}", explained(&error)))),
        Err(_) => Err(Unreachable::new(Failure::Tls, format!("{place}: TLS failed: the handshake did not end in time; is it a TLS port?"))),
    }
}

fn explained(error: &std::io::Error) -> String {
    let inner = error.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(reason)) => {
            format!("the server's certificate is not accepted ({reason}); give its authority in `tls.ca.pem`, or set `tls` to `require`")
        }
        Some(rustls::Error::InvalidMessage(_)) => {
            "the server does not speak TLS on this port; check the port, or set `tls` to `disable`".into()
        }
        Some(other) => other.to_string(),
        None => "the server ended the handshake; does it speak TLS on this port?".into(),
    }
}

/// Takes every certificate, but only from who has its key.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
