//! TLS for everything that this process opens itself. One way of verifying: the certificates that the machine trusts
//! (`SSL_CERT_FILE` names others), TLS 1.2 or 1.3, with the far end's name in the hello.

use std::sync::{Arc, OnceLock};

use rustls::{ClientConfig, RootCertStore};
use tracing::warn;

/// How far ends are verified. The machine's certificates are read once: probes open several connections a second.
#[must_use]
pub fn verifying() -> ClientConfig {
    static VERIFYING: OnceLock<ClientConfig> = OnceLock::new();
    if let Some(known) = VERIFYING.get() {
        return known.clone();
    }
    let roots = the_machines_certificates();
    // None at all may be a file that is not there yet: the next connection looks again.
    let empty = roots.is_empty();
    let config = with_certificates(roots);
    if empty {
        return config;
    }
    VERIFYING.get_or_init(|| config).clone()
}

fn the_machines_certificates() -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    for wrong in &found.errors {
        warn!(%wrong, "certificates that this machine trusts cannot be read");
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    roots
}

fn with_certificates(roots: RootCertStore) -> ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    // The provider is ring's own, and knows these versions.
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring speaks TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth()
}
