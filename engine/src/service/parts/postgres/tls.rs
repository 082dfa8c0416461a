//! Encrypted connections, for databases that are reached over a network that others share.

use tokio::task::AbortHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, NoTls};
#[cfg(feature = "tls")]
use tokio_postgres_rustls::MakeRustlsConnect;

#[cfg(feature = "tls")]
use crate::service::tls::verifying;

/// Opens a connection, and drives it on a task of its own: dropped with the handle's abort, its socket is closed.
pub(super) async fn open(config: &Config) -> Result<(Client, AbortHandle), tokio_postgres::Error> {
    #[cfg(feature = "tls")]
    if config.get_ssl_mode() == SslMode::Require {
        let (client, connection) = config.connect(MakeRustlsConnect::new(verifying())).await?;
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
