use understudy_policies::shipped;

use super::*;

/// The example with one text changed for another.
fn changed(from: &str, to: &str) -> Result<Deployment, Diagnostics> {
    assert!(EXAMPLE.contains(from), "the example has `{from}`");
    Deployment::read(
        &Source::new("deployment.toml", &EXAMPLE.replacen(from, to, 1)),
        &shipped::trading(),
        None,
    )
}

fn codes(found: &Diagnostics) -> Vec<&'static str> {
    found.findings().iter().map(|finding| finding.code).collect()
}

#[test]
fn the_shipped_example_is_read() {
    let policy = shipped::trading();
    let environment = Environment::new("prod").unwrap();
    let read = Deployment::example(&policy, &environment).unwrap_or_else(|wrong| panic!("{wrong}"));
    assert_eq!(read.environment, environment);
    assert_eq!(read.all_tags()[names::OWNER_TAG], "prod");
    assert_eq!(read.database.family(), "aurora-postgresql16");
}

#[test]
fn everything_that_can_be_seen_in_the_file_is_refused_with_its_code() {
    let cases = [
        ("version = 1", "version = 2", "UD010"),
        ("\"000000000000\"", "\"0000-0000-00\"", "UD009"),
        ("\"dev1\"", "\"Dev1\"", "UD009"),
        ("operators@example.com", "operators", "UD009"),
        ("\"orders.example.com\"", "\"orders.example.org\"", "UD401"),
        (
            "primary-cidr = \"10.20.0.0/16\"",
            "primary-cidr = \"10.20.0.0/8\"",
            "UD009",
        ),
        (
            "standby-cidr = \"10.21.0.0/16\"",
            "standby-cidr = \"10.20.0.0/16\"",
            "UD201",
        ),
        ("\"10.20.16.0/20\"", "\"10.20.0.0/20\"", "UD201"),
        ("\"10.20.16.0/20\"", "\"10.30.16.0/20\"", "UD202"),
        ("\"10.20.255.0/28\"", "\"10.21.255.0/28\"", "UD202"),
        ("\"10.20.255.0/28\"", "\"10.20.0.0/28\"", "UD201"),
        (
            "primary-cidr",
            "primary-zones = [\"use1-az1\", \"use1-az2\", \"use1-az3\"]\nprimary-cidr",
            "UD009",
        ),
        (
            "primary-cidr",
            "primary-zones = [\"us-east-1a\", \"use1-az2\", \"use1-az4\"]\nprimary-cidr",
            "UD009",
        ),
        (
            "primary-cidr",
            "primary-zones = [\"use1-az2\", \"use1-az2\", \"use1-az4\"]\nprimary-cidr",
            "UD009",
        ),
        (
            "primary-cidr",
            "primary-zones = [\"use2-az1\", \"use2-az2\", \"use2-az3\"]\nprimary-cidr",
            "UD203",
        ),
        (
            "cidr = \"10.22.0.0/22\"",
            "cidr = \"10.22.0.0/22\"\nzones = [\"use1-az1\", \"use1-az2\", \"use1-az4\"]",
            "UD203",
        ),
        ("\"16.11\"", "\"9.6\"", "UD009"),
        ("\"db.r6g.large\"", "\"db.t4g.medium\"", "UD009"),
        ("instances = 2", "instances = 0", "UD006"),
        ("timeout = \"10s\"", "timeout = \"10\"", "UD007"),
        ("timeout = \"10s\"", "timeout = \"30s\"", "UD006"),
        ("logs-days = 400", "logs-days = 399", "UD006"),
        ("name = \"owner\"", "name = \"aws:owner\"", "UD402"),
        ("name = \"cost-centre\"", "name = \"owner\"", "UD402"),
        ("@sha256:", ":", "UD009"),
        ("{region}.amazonaws.com", "us-east-1.amazonaws.com", "UD403"),
        ("000000000000.dkr.ecr.{region}", "0000.dkr.ecr.{region}", "UD009"),
        ("operators = []", "operators = [\"0.0.0.0/0\"]", "UD009"),
        (
            "operators = []",
            "operators = [\"10.99.0.0/24\", \"10.99.0.0/24\"]",
            "UD201",
        ),
        ("cidr = \"10.22.0.0/22\"", "cidr = \"10.21.0.0/16\"", "UD201"),
        ("\"10.22.0.64/26\"", "\"10.23.0.64/26\"", "UD202"),
        ("\"10.22.3.0/28\"", "\"10.23.3.0/28\"", "UD202"),
        ("\"10.22.3.0/28\"", "\"10.22.0.0/28\"", "UD201"),
        ("burst = 4000", "bursts = 4000", "UD003"),
    ];
    for (from, to, code) in cases {
        let wrong = changed(from, to).err().unwrap_or_else(|| panic!("`{to}` is refused"));
        assert!(codes(&wrong).contains(&code), "{to}: {wrong}");
        assert!(wrong.findings().iter().all(|finding| finding.help.is_some()), "{wrong}");
    }
}

#[test]
fn an_engine_that_could_not_see_the_regions_is_refused() {
    // With the tables inside of them.
    let without = |tables: &[&str]| {
        let mut inside = true;
        let lines = EXAMPLE.lines().filter(|line: &&str| {
            if line.starts_with('[') {
                inside = !tables.iter().any(|table| line.starts_with(table.trim_end_matches(']')));
            }
            inside
        });
        let text: Vec<&str> = lines.collect();
        Deployment::read(
            &Source::new("deployment.toml", &text.join("\n")),
            &shipped::trading(),
            None,
        )
    };
    for table in ["[domain]", "[egress]"] {
        assert_eq!(codes(&without(&[table]).unwrap_err()), ["UD404"], "{table}");
        assert!(without(&[table, "[engine]"]).is_ok(), "{table}");
    }
}

#[test]
fn all_errors_are_found_at_once() {
    let text = EXAMPLE
        .replacen("\"dev1\"", "\"Dev1\"", 1)
        .replacen("instances = 2", "instances = 0", 1)
        .replacen("10.21.0.0/16", "10.20.0.0/16", 1);
    let wrong = Deployment::read(&Source::new("deployment.toml", &text), &shipped::trading(), None).unwrap_err();
    let found = codes(&wrong);
    assert!(
        ["UD009", "UD006", "UD201"].iter().all(|code| found.contains(code)),
        "{wrong}"
    );
}

#[test]
fn another_environments_file_is_refused() {
    let other = Environment::new("prod").unwrap();
    let wrong = Deployment::read(
        &Source::new("deployment.toml", EXAMPLE),
        &shipped::trading(),
        Some(&other),
    );
    assert_eq!(codes(&wrong.unwrap_err()), ["UD101"]);
}

#[test]
fn regions_that_cannot_serve_are_refused() {
    let text = shipped::TRADING.text;
    for (from, to, code) in [
        ("\"us-east-1\"", "\"us-east-9\"", "UD301"),
        ("\"us-east-1\"", "\"us-east-2\"", "UD302"),
        ("\"us-east-2\"", "\"us-gov-west-1\"", "UD303"),
    ] {
        let policy = understudy_policies::policy::parse("policy.toml", &text.replacen(from, to, 1)).unwrap();
        let wrong = Deployment::example(&policy, &Environment::new("dev1").unwrap()).unwrap_err();
        assert!(codes(&wrong).contains(&code), "{to}: {wrong}");
    }
}

#[test]
fn zones_are_called_after_their_region() {
    for (region, prefix) in [
        ("us-east-1", "use1"),
        ("us-west-2", "usw2"),
        ("ap-southeast-2", "apse2"),
        ("eu-central-1", "euc1"),
        ("us-gov-west-1", "usgw1"),
        ("cn-northwest-1", "cnnw1"),
    ] {
        assert_eq!(known::zone_prefix(region), prefix);
    }
}

#[test]
fn codes_are_used_once() {
    let codes: std::collections::BTreeSet<_> = rules::ALL.iter().map(|rule| rule.code).collect();
    assert_eq!(codes.len(), rules::ALL.len());
}

#[test]
fn a_name_that_gets_too_long_with_its_suffix_is_named() {
    let policy = shipped::TRADING.text.replacen("\"us-east-2\"", "\"ap-southeast-2\"", 1);
    let policy = understudy_policies::policy::parse("policy.toml", &policy).unwrap();
    assert!(Deployment::example(&policy, &Environment::new("a-suffix").unwrap()).is_ok());
    let wrong = Deployment::example(&policy, &Environment::new("a-long-suffix-16").unwrap()).unwrap_err();
    assert_eq!(codes(&wrong), ["UD102"]);
    let message = &wrong.findings()[0].message;
    assert!(
        message.contains("understudy-a-long-suffix-16-ap-southeast-2-access-logs-000000000000"),
        "{message}"
    );
}
