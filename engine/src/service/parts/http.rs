//! One HTTP client for everything that speaks HTTP.

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
    reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .user_agent(concat!("understudy/", env!("CARGO_PKG_VERSION")))
        .build()
}
