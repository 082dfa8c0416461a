//! Encrypted connections: verified, or none.

use std::fs;
use std::process::Command;
use std::time::Duration;

use understudy_engine::service::parts::postgres::link::{Failure, Link};

use crate::server::{Folder, Server};
use crate::support::QUICK;

/// Names the server's address to this test, started again with other trusted certificates.
const ADDRESS: &str = "UNDERSTUDY_TEST_ADDRESS";
const PASSWORD_FILE: &str = "UNDERSTUDY_TEST_PASSWORD_FILE";

#[expect(
    clippy::disallowed_methods,
    reason = "this test starts itself again, with an environment of its own"
)]
fn told(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Which certificates are trusted is read from the environment once, so the half that trusts the server's own runs in a
/// process of its own.
#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_connection_is_verified_and_nothing_falls_back_to_a_plain_one() {
    if let (Some(address), Some(password_file)) = (told(ADDRESS), told(PASSWORD_FILE)) {
        let encrypted = ask(&address, &password_file).await;
        assert_eq!(encrypted.unwrap(), [[Some("t".to_owned())]]);
        // Trusted, but for another name.
        let elsewhere = address.replace("localhost", "127.0.0.1");
        let failure = ask(&elsewhere, &password_file).await.unwrap_err();
        assert!(failure.to_string().contains("certificate"), "{failure}");
        return;
    }
    let folder = Folder::new("tls").unwrap();
    let mut server = Server::create(&folder, "home", QUICK).unwrap();
    server.start().unwrap();
    let address = server.url().replace("127.0.0.1", "localhost") + "?sslmode=require";
    let password_file = server.password_file().display().to_string();
    // A server that speaks no TLS.
    let failure = ask(&address, &password_file).await.unwrap_err();
    assert!(matches!(failure, Failure::Unreachable { .. }), "{failure}");

    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let trusted = folder.path().join("trusted.pem");
    fs::write(&trusted, made.cert.pem()).unwrap();
    server
        .encrypt(&made.cert.pem(), &made.signing_key.serialize_pem())
        .unwrap();
    // Nobody trusts its certificate.
    let failure = ask(&address, &password_file).await.unwrap_err();
    assert!(failure.to_string().contains("certificate"), "{failure}");
    let name = "tls::an_encrypted_connection_is_verified_and_nothing_falls_back_to_a_plain_one";
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name])
        .env("SSL_CERT_FILE", &trusted)
        .env(ADDRESS, &address)
        .env(PASSWORD_FILE, &password_file)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && said.contains("1 passed"), "{said}");
    // Without `sslmode` nothing is encrypted, whatever the server offers.
    let plain = ask(&server.url(), &password_file).await;
    assert_eq!(plain.unwrap(), [[Some("f".to_owned())]]);
}

async fn ask(address: &str, password_file: &str) -> Result<Vec<Vec<Option<String>>>, Failure> {
    let link = Link::new(
        "home",
        address,
        Some(password_file.parse().unwrap()),
        Duration::from_secs(10),
    )
    .unwrap();
    link.rows("select ssl from pg_stat_ssl where pid = pg_backend_pid()")
        .await
}
