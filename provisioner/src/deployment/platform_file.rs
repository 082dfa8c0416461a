//! The platform file of the sidecars that run in ECS: where everything is, as the engine reads it.

use std::fmt::Write as _;

use understudy_policies::Policy;

use super::sidecar_secret::SidecarSecret;
use super::{Deployment, Domain};

/// Sidecars of each region.
pub const SIDECARS: usize = 2;
/// Where they listen for peers.
pub const PEER_PORT: u16 = 7443;
/// Where they listen for operators.
pub const OPERATORS_PORT: u16 = 7070;
/// The database's user of the sidecars, as `engine/sql/sidecar.sql` expects it.
pub const DATABASE_USER: &str = "understudy";

/// What AWS has chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// The hosted zone's id.
    pub zone: String,
    /// The host that each region's cluster writes at, home and away.
    pub databases: [String; 2],
}

/// The file. `healthy` is what a healthy answer holds.
#[must_use]
pub fn platform_file(
    policy: &Policy,
    deployment: &Deployment,
    domain: &Domain,
    chosen: &Chosen,
    [health_path, healthy]: [&str; 2],
) -> String {
    let names = deployment.names(policy);
    let regions = [&policy.regions.primary, &policy.regions.standby];
    let witness = &policy.regions.witness;
    let china = if witness.as_str().starts_with("cn-") { ".cn" } else { "" };
    // Outside both regions. Its answer is a few bytes, and it is asked without credentials.
    let reference = format!("https://dynamodb.{witness}.amazonaws.com{china}/ping");
    let mut text = format!(
        "# Written by understudy-provisioner from the policy and the deployment file: the next `apply` writes it again.\n\
         version = 1\nenvironment = {}\nhealthy-answer = {}\nreferences = [{}]\n",
        quoted(names.environment()),
        quoted(healthy),
        quoted(&reference),
    );
    for ((table, region), database) in ["primary", "standby"].into_iter().zip(regions).zip(&chosen.databases) {
        let health = format!("https://{}{health_path}", domain.regional_name(region.as_str()));
        let database = format!(
            "postgresql://{DATABASE_USER}@{database}:5432/{}?sslmode=require",
            deployment.database.name
        );
        let sidecars = (1..=SIDECARS).map(|number| {
            let host = names.sidecar_host(region, number);
            quoted(&format!("http://{host}:{PEER_PORT}"))
        });
        let sidecars: Vec<String> = sidecars.collect();
        let password = format!("env:{}", SidecarSecret::Database.variable());
        let _ = write!(
            text,
            "\n[{table}]\nhealth = {}\ndatabase = {}\ndatabase-password-file = {}\nsidecars = [{}]\n",
            quoted(&health),
            quoted(&database),
            quoted(&password),
            sidecars.join(", "),
        );
    }
    let _ = write!(
        text,
        "\n[aws]\naccount = {}\nzone = {}\npublic-name = {}\n",
        quoted(names.account()),
        quoted(&chosen.zone),
        quoted(&domain.public_name),
    );
    text
}

/// A text in TOML: JSON's form of it is one of TOML's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use understudy_engine::decode::Environment;
    use understudy_engine::service::given::Given;
    use understudy_engine::service::platform;
    use understudy_policies::shipped;
    use understudy_policies::source::Source;

    use super::*;

    #[test]
    fn the_engine_reads_what_is_written() {
        let policy = shipped::trading();
        let deployment = Deployment::example(&policy, &Environment::new("dev1").unwrap()).unwrap();
        let chosen = Chosen {
            zone: "Z0123456789ABC".to_owned(),
            databases: ["home.cluster.example.com", "away.cluster.example.com"].map(str::to_owned),
        };
        let domain = deployment.domain.as_ref().unwrap();
        let text = platform_file(
            &policy,
            &deployment,
            domain,
            &chosen,
            ["/health", "\"status\":\"healthy\""],
        );
        let read = platform::read(&Source::new("platform.toml", &text)).unwrap();
        assert_eq!(read.environment.to_string(), "dev1");
        assert_eq!(read.healthy_answer.as_deref(), Some("\"status\":\"healthy\""));
        assert_eq!(
            read.references[0].as_str(),
            "https://dynamodb.us-west-2.amazonaws.com/ping"
        );
        let [home, away] = &read.regions;
        assert_eq!(
            home.health.as_ref().unwrap().as_str(),
            "https://us-east-1.orders.example.com/health"
        );
        assert_eq!(
            away.database.as_deref(),
            Some("postgresql://understudy@away.cluster.example.com:5432/orders?sslmode=require")
        );
        assert_eq!(
            away.database_password_file,
            Some(Given::Variable("UNDERSTUDY_DATABASE_PASSWORD".to_owned()))
        );
        let sidecars: Vec<&str> = away.sidecars.iter().map(reqwest::Url::as_str).collect();
        assert_eq!(
            sidecars,
            [
                "http://sidecar-1.understudy-dev1-us-east-2-sidecars.internal:7443/",
                "http://sidecar-2.understudy-dev1-us-east-2-sidecars.internal:7443/",
            ]
        );
        let public = read.aws.unwrap().public.unwrap();
        assert_eq!(
            (public.zone.as_str(), public.name.as_str()),
            ("Z0123456789ABC", "orders.example.com")
        );
    }
}
