//! From a text to a typed platform file, with everything that is wrong found at once.

use reqwest::Url;
use understudy_policies::gather;
use understudy_policies::source::{Diagnostics, Reader, Source, Table, Value};

use super::aws::aws;
use super::model::{Platform, Played, RegionParts, Webhooks};
use super::rules;
use crate::decode::Environment;
use crate::service::given::{Given, NotOurs};

/// Sidecars of one region, and references. A choice: nobody needs more, and each is asked every second.
const ADDRESSES_MAX: usize = 16;

/// Words of one command.
const WORDS_MAX: usize = 32;

/// Reads a platform file.
///
/// # Errors
/// With everything that is wrong with it, at once, each at its place and with how to mend it.
pub(super) fn read(source: &Source) -> Result<Platform, Diagnostics> {
    Reader::read(source, rules::code, platform)
}

fn platform(table: &Table<'_>) -> Option<Platform> {
    let regions = table
        .table("primary", region)
        .zip(table.table("standby", region))
        .map(|(home, away)| [home, away]);
    let version = table.integer("version", 1..=1);
    let platform = gather!(Platform {
        environment: table.parsed("environment", |text| {
            Environment::new(text).map_err(|wrong| wrong.to_string())
        }),
        regions: regions,
        healthy_answer: table.optional("healthy-answer", |value| value.text()),
        references: addresses(table, "references"),
        webhooks: table.optional("webhooks", |value| value.table(webhooks)),
        played: table.optional("played", |value| value.table(played)),
        aws: table.optional("aws", |value| value.table(aws)),
    })?;
    version.map(|_: u32| platform)
}

fn region(table: &Table<'_>) -> Option<RegionParts> {
    gather!(RegionParts {
        health: table.optional("health", |value| address(&value)),
        database_health: table.optional("database-health", |value| address(&value)),
        database: table.optional("database", |value| database(&value)),
        database_password_file: table.optional("database-password-file", |value| value.parsed(given)),
        demote_command: command(table, "demote-command"),
        rejoin_command: command(table, "rejoin-command"),
        sidecars: addresses(table, "sidecars"),
    })
}

fn webhooks(table: &Table<'_>) -> Option<Webhooks> {
    gather!(Webhooks {
        venue_reconciliation: table.optional("venue-reconciliation", |value| address(&value)),
        notices: table.optional("notices", |value| address(&value)),
        token_file: table.optional("token-file", |value| value.parsed(given)),
    })
}

fn played(table: &Table<'_>) -> Option<Played> {
    gather!(Played {
        address: table.required("address").and_then(|value| address(&value)),
        parts: table.list("parts", 1..=7, |value| value.name()),
    })
}

fn addresses(table: &Table<'_>, key: &str) -> Option<Vec<Url>> {
    table
        .optional(key, |value| value.list(0..=ADDRESSES_MAX, |value| address(&value)))
        .map(Option::unwrap_or_default)
}

/// A program and its arguments. No shell is between them.
fn command(table: &Table<'_>, key: &str) -> Option<Vec<String>> {
    table
        .optional(key, |value| value.list(1..=WORDS_MAX, |value| value.text()))
        .map(Option::unwrap_or_default)
}

fn given(text: &str) -> Result<Given, String> {
    text.parse().map_err(|wrong: NotOurs| wrong.to_string())
}

pub(super) fn address(value: &Value<'_>) -> Option<Url> {
    let url = value.parsed(|text| {
        let help = |because: &str| format!("`{text}` {because}; write it like `https://api.example.com/health`");
        let url = Url::parse(text).map_err(|_| help("is not an address"))?;
        match url.scheme() {
            "http" | "https" if url.has_host() => Ok(url),
            _ => Err(help("is neither http nor https")),
        }
    })?;
    refuse_secret(value, &url).then_some(url)
}

fn database(value: &Value<'_>) -> Option<String> {
    let url = value.parsed(|text| {
        let help = || format!("`{text}` is not a database; write it like `postgresql://user@host:5432/name`");
        let url = Url::parse(text).map_err(|_| help())?;
        if matches!(url.scheme(), "postgresql" | "postgres") && url.has_host() {
            Ok(url)
        } else {
            Err(help())
        }
    })?;
    refuse_secret(value, &url).then(|| url.to_string())
}

fn refuse_secret(value: &Value<'_>, url: &Url) -> bool {
    let secret = ["password", "sslpassword", "token"];
    let in_query = url.query_pairs().any(|(key, _)| secret.contains(&&*key));
    if url.password().is_none() && !in_query {
        return true;
    }
    value.refuse(
        rules::SECRET,
        "a password stands in the address".to_owned(),
        "take it out; put it into a file that only the engine may read, and name that file".to_owned(),
    );
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"
version = 1
environment = "dev1"
healthy-answer = "ok"
references = ["https://example.com/"]

[primary]
health = "https://api.us-east-1.example.com/health"
database-health = "https://api.us-east-1.example.com/health/database"
database = "postgresql://understudy@db.us-east-1.example.com:5432/orders"
database-password-file = "/run/secrets/database"
rejoin-command = ["ssh", "db.us-east-1.example.com", "rejoin"]
sidecars = ["http://10.0.1.10:7443", "http://10.0.2.10:7443"]

[standby]
sidecars = ["http://10.1.1.10:7443"]

[played]
address = "http://127.0.0.1:9000/home-1"
parts = ["lease", "order-path"]
"#;

    fn codes(text: &str) -> Vec<String> {
        let wrong = read(&Source::new("platform.toml", text)).unwrap_err();
        wrong
            .findings()
            .iter()
            .map(|finding| finding.code.to_string())
            .collect()
    }

    #[test]
    fn a_whole_file_is_read() {
        let platform = read(&Source::new("platform.toml", WHOLE)).unwrap();
        assert_eq!(platform.regions[0].sidecars.len(), 2);
        assert_eq!(platform.regions[0].rejoin_command.len(), 3);
        assert!(platform.regions[0].demote_command.is_empty());
        assert_eq!(platform.regions[1].health, None);
        assert_eq!(platform.played.unwrap().parts.len(), 2);
    }

    #[test]
    fn everything_wrong_is_found_at_once() {
        let text = WHOLE
            .replace("version = 1", "version = 2")
            .replace("understudy@db", "understudy:geheim@db")
            .replace("http://10.1.1.10:7443", "10.1.1.10")
            .replace("\"lease\"", "\"leese\"");
        assert_eq!(codes(&text), ["UE006", "UE010", "UE009", "UE008"]);
    }

    #[test]
    fn a_secret_is_never_repeated() {
        let text = WHOLE.replace("understudy@db", "understudy:geheim@db");
        let wrong = read(&Source::new("platform.toml", &text)).unwrap_err();
        for finding in wrong.findings() {
            assert!(!format!("{} {:?}", finding.message, finding.help).contains("geheim"));
        }
    }
}
