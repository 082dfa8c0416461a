//! Encrypted connections, for databases that are reached over a network that others share.

use tokio::task::AbortHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, NoTls};

/// Opens a connection, and drives it on a task of its own: dropped with the handle's abort, its socket is closed.
pub(super) async fn open(config: &Config) -> Result<(Client, AbortHandle), tokio_postgres::Error> {
    #[cfg(feature = "tls")]
    if config.get_ssl_mode() == SslMode::Require {
        let (client, connection) = config.connect(verifying()).await?;
        return Ok((client, tokio::spawn(drive(connection)).abort_handle()));
    }
    let (client, connection) = config.connect(NoTls).await?;
    Ok((client, tokio::spawn(drive(connection)).abort_handle()))
}

/// Without an `sslmode` in the address, nothing is encrypted: half of a promise ("prefer") is none.
pub(super) fn decided(mode: SslMode) -> SslMode {
    match mode {
        SslMode::Prefer => SslMode::Disable,
        other => other,
    }
}

async fn drive<T>(connection: T)
where
    T: Future<Output = Result<(), tokio_postgres::Error>>,
{
    // Whoever asks something next is told.
    let _ = connection.await;
}

/// Certificates are verified against those that the machine trusts (`SSL_CERT_FILE` names others).
#[cfg(feature = "tls")]
fn verifying() -> tokio_postgres_rustls::MakeRustlsConnect {
    use rustls::{ClientConfig, RootCertStore};

    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    // The provider is ring's own, and knows these versions.
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring speaks TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    tokio_postgres_rustls::MakeRustlsConnect::new(config)
}
