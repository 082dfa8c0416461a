//! The HTTP clients: one that keeps connections, and one that does not.

use std::time::Duration;

/// How long a connection may take. Whoever does not answer a SYN in this time is treated as not answering at all; the
/// caller's own time-out is usually shorter.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Connections that are idle for longer are closed: the far end may be gone, and a half-open one would eat a probe.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// A client without redirects, proxies or retries: what is asked is what is sent.
///
/// # Errors
/// When the machine's TLS cannot be set up.
pub fn client() -> Result<reqwest::Client, reqwest::Error> {
    builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .build()
}

/// A client like [`client`] that opens a connection for each request and keeps none: for probes, and for what peers tell
/// each other. A kept connection may be half open, and then eats the request; the caller's own time-out is the only one.
///
/// # Errors
/// When the machine's TLS cannot be set up.
pub fn fresh_client() -> Result<reqwest::Client, reqwest::Error> {
    builder().pool_max_idle_per_host(0).build()
}

/// A client like [`client`] for a command: whatever takes longer than `patience`, its way there included, is given up.
///
/// # Errors
/// When the machine's TLS cannot be set up.
pub fn impatient_client(patience: Duration) -> Result<reqwest::Client, reqwest::Error> {
    builder().timeout(patience).build()
}

/// Without the feature `tls`, `https` addresses cannot be asked at all: no request goes out in the clear instead.
fn builder() -> reqwest::ClientBuilder {
    let builder = reqwest::Client::builder();
    #[cfg(feature = "tls")]
    let builder = builder.tls_backend_preconfigured(crate::service::tls::verifying());
    builder
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .user_agent(concat!("understudy/", env!("CARGO_PKG_VERSION")))
}
