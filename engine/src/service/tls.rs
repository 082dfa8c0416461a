//! TLS for everything that this process opens itself. One way of verifying: the certificates that the machine trusts
//! (`SSL_CERT_FILE` names others), TLS 1.2 or 1.3, with the far end's name in the hello.

use std::sync::{Arc, OnceLock};

use rustls::{ClientConfig, RootCertStore};

/// How far ends are verified. The machine's certificates are read once: probes open several connections a second.
#[must_use]
pub fn verifying() -> ClientConfig {
    static VERIFYING: OnceLock<ClientConfig> = OnceLock::new();
    VERIFYING.get_or_init(with_the_machines_certificates).clone()
}

fn with_the_machines_certificates() -> ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    // The provider is ring's own, and knows these versions.
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring speaks TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth()
}
