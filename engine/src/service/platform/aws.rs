//! The section `[aws]`: what the AWS adapters need to know that does not follow from `environment` and the policy.
//!
//! A short file suffices: the account, and the zone of the public name. Every other key stands for a resource that the
//! provisioner would have given another name; [`Naming`](crate::decode::Naming) says which.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::Url;
use understudy_policies::gather;
use understudy_policies::model::RegionName;
use understudy_policies::source::{Table, Value};

use super::read::address;

/// Endpoints of an ARC cluster: it always has five.
const ARC_ENDPOINTS: usize = 5;
/// How long an order that was begun may take at most, if the file does not say. A choice: API Gateway gives up after 29 s,
/// but order functions are expected to answer within seconds.
const ORDERS_FINISH_WITHIN: Duration = Duration::from_secs(5);

/// What the AWS adapters need to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aws {
    /// The account, twelve digits. Every ARN is made of it.
    pub account: String,
    /// Where every service is, instead of AWS: an emulator.
    pub endpoint: Option<Url>,
    /// The public name, and the hosted zone that it is in. None: nobody pins it.
    pub public: Option<PublicRecord>,
    /// Who is asked for the public name. None: the machine's own resolver.
    pub resolver: Option<SocketAddr>,
    /// The five endpoints of the ARC cluster, if the policy's `traffic.method` is `arc`.
    pub arc_endpoints: Vec<ArcEndpoint>,
    /// How long an order that was begun may take at most: so long a closed order path is waited for.
    pub orders_finish_within: Duration,
    /// Resources of other names that span regions.
    pub names: SharedNames,
    /// Home, then away.
    pub regions: [AwsRegion; 2],
}

/// The record that clients resolve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicRecord {
    /// The hosted zone's id.
    pub zone: String,
    /// The name, without a dot at its end.
    pub name: String,
}

/// One endpoint of an ARC cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArcEndpoint {
    /// Its region, for which requests are signed.
    pub region: RegionName,
    /// Its address.
    pub address: Url,
}

/// Resources of other names that span regions; none: the name that follows from the environment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct SharedNames {
    pub lease_table: Option<String>,
    pub switch_table: Option<String>,
    pub switch_bucket: Option<String>,
    pub order_path_table: Option<String>,
    pub global_cluster: Option<String>,
}

/// What one region has; none: the name that follows from the environment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AwsRegion {
    /// The name to which the public record points while the region serves. None: [`entry_name`](crate::decode::entry_name).
    pub name: Option<String>,
    /// The database cluster.
    pub cluster: Option<String>,
    /// The queue that the region's rules and topics feed.
    pub queue: Option<String>,
    /// Where messages go that cannot be understood.
    pub dead_letter_queue: Option<String>,
    /// The topic that operators subscribed to.
    pub topic: Option<String>,
    /// Commits a probe order when it is posted to. None: that the database takes writes is taken for it.
    pub probe_order: Option<Url>,
}

pub(super) fn aws(table: &Table<'_>) -> Option<Aws> {
    let home = table.optional("primary", |value| value.table(region));
    let away = table.optional("standby", |value| value.table(region));
    let regions = home
        .zip(away)
        .map(|(home, away)| [home.unwrap_or_default(), away.unwrap_or_default()]);
    let zone = table.optional("zone", |value| value.parsed(zone));
    let name = table.optional("public-name", |value| value.parsed(host));
    let public = match (zone, name) {
        (Some(None), Some(None)) => Some(None),
        (Some(Some(zone)), Some(Some(name))) => Some(Some(PublicRecord { zone, name })),
        (Some(Some(_)), Some(None)) => table.required("public-name").and(None),
        (Some(None), Some(Some(_))) => table.required("zone").and(None),
        _ => None,
    };
    gather!(Aws {
        account: table.parsed("account", account),
        endpoint: table.optional("endpoint-url", |value| address(&value)),
        public: public,
        resolver: table.optional("resolver", |value| value.parsed(resolver)),
        arc_endpoints: arc_endpoints(table),
        orders_finish_within: table
            .optional("orders-finish-within", |value| value
                .duration(Duration::ZERO..=Duration::from_secs(600)))
            .map(|time| time.unwrap_or(ORDERS_FINISH_WITHIN)),
        names: shared_names(table),
        regions: regions,
    })
}

fn shared_names(table: &Table<'_>) -> Option<SharedNames> {
    gather!(SharedNames {
        lease_table: resource(table, "lease-table"),
        switch_table: resource(table, "switch-table"),
        switch_bucket: resource(table, "switch-bucket"),
        order_path_table: resource(table, "order-path-table"),
        global_cluster: resource(table, "global-cluster"),
    })
}

fn region(table: &Table<'_>) -> Option<AwsRegion> {
    gather!(AwsRegion {
        name: table.optional("name", |value| value.parsed(host)),
        cluster: resource(table, "cluster"),
        queue: resource(table, "queue"),
        dead_letter_queue: resource(table, "dead-letter-queue"),
        topic: resource(table, "topic"),
        probe_order: table.optional("probe-order", |value| address(&value)),
    })
}

fn arc_endpoints(table: &Table<'_>) -> Option<Vec<ArcEndpoint>> {
    if !table.has("arc-endpoint") {
        return Some(Vec::new());
    }
    table.tables("arc-endpoint", ARC_ENDPOINTS..=ARC_ENDPOINTS, |table| {
        gather!(ArcEndpoint {
            region: table.parsed("region", RegionName::new),
            address: table.required("address").and_then(|value: Value<'_>| address(&value)),
        })
    })
}

/// A name that every service takes. ARNs are made of it, so it is no ARN itself.
fn resource(table: &Table<'_>, key: &str) -> Option<Option<String>> {
    table.optional(key, |value| {
        value.parsed(|text| {
            let fits = (1..=255).contains(&text.len())
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
            if fits {
                Ok(text.to_owned())
            } else {
                Err(format!(
                    "`{text}` is not a resource's name; write the name alone: letters, digits, `-`, `_` and `.`, no ARN and \
                     no address"
                ))
            }
        })
    })
}

fn account(text: &str) -> Result<String, String> {
    if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "`{text}` is not an account; write its twelve digits as a text, like `\"123456789012\"`"
        ))
    }
}

fn zone(text: &str) -> Result<String, String> {
    let id = text.strip_prefix("/hostedzone/").unwrap_or(text);
    if (1..=32).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        Ok(id.to_owned())
    } else {
        Err(format!(
            "`{text}` is not a hosted zone's id; write it like `Z0123456789ABC`"
        ))
    }
}

fn host(text: &str) -> Result<String, String> {
    let name = text.strip_suffix('.').unwrap_or(text);
    let fits = name.len() <= 253
        && name.contains('.')
        && name.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte))
        });
    if fits {
        Ok(name.to_owned())
    } else {
        Err(format!(
            "`{text}` is not a name of the DNS; write it in lower case, like `orders.example.com`"
        ))
    }
}

fn resolver(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| format!("`{text}` is not a resolver; write its address and port, like `10.0.0.2:53`"))
}

#[cfg(test)]
mod tests {
    use understudy_policies::source::Source;

    use super::super::read;
    use super::*;

    const SHORT: &str =
        "version = 1\nenvironment = \"dev1\"\n[primary]\n[standby]\n[aws]\naccount = \"123456789012\"\n";

    fn aws(rest: &str) -> Result<Aws, Vec<String>> {
        read(&Source::new("platform.toml", &format!("{SHORT}{rest}")))
            .map(|platform| platform.aws.unwrap())
            .map_err(|wrong| {
                wrong
                    .findings()
                    .iter()
                    .map(|finding| format!("{} {}", finding.code, finding.key.clone().unwrap_or_default()))
                    .collect()
            })
    }

    #[test]
    fn an_account_is_enough() {
        let aws = aws("").unwrap();
        assert_eq!(aws.account, "123456789012");
        assert_eq!((aws.public, aws.names), (None, SharedNames::default()));
    }

    #[test]
    fn a_public_name_needs_its_zone_and_the_other_way_round() {
        for (one, other) in [
            ("zone = \"Z1\"", "`public-name`"),
            ("public-name = \"a.example\"", "`zone`"),
        ] {
            let wrong = read(&Source::new("platform.toml", &format!("{SHORT}{one}\n"))).unwrap_err();
            let [finding] = wrong.findings() else {
                panic!("{one}: {:?}", wrong.findings())
            };
            assert_eq!((finding.code, finding.key.as_deref()), ("UE004", Some("aws")));
            assert!(finding.message.contains(other), "{}", finding.message);
        }
        let both = aws("zone = \"/hostedzone/Z1\"\npublic-name = \"a.example.\"\n").unwrap();
        let public = both.public.unwrap();
        assert_eq!((public.zone.as_str(), public.name.as_str()), ("Z1", "a.example"));
    }

    #[test]
    fn everything_wrong_is_found_at_once() {
        let wrong = aws(
            "endpoint-url = \"ftp://x\"\nresolver = \"10.0.0.2\"\nlease-table = \"arn:aws:dynamodb:x\"\n\
             [[aws.arc-endpoint]]\nregion = \"us-east-1\"\naddress = \"https://a.example/\"\n\
             [aws.standby]\nname = \"API.example\"\nprobe = \"x\"\n",
        );
        let mut wrong = wrong.unwrap_err();
        wrong.sort();
        assert_eq!(
            wrong,
            [
                "UE003 aws.standby.probe",
                "UE006 aws.arc-endpoint",
                "UE009 aws.endpoint-url",
                "UE009 aws.lease-table",
                "UE009 aws.resolver",
                "UE009 aws.standby.name",
            ]
        );
    }
}
