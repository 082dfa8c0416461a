//! From a text to a typed deployment, with everything that is wrong with it at once.

use std::collections::BTreeMap;
use std::time::Duration;

use understudy_engine::decode::Environment;
use understudy_policies::model::RegionName;
use understudy_policies::source::{Diagnostics, Reader, Source, Table, Value};
use understudy_policies::{Policy, gather};

use super::cidr::Cidr;
use super::image::image;
use super::known::{LOG_RETENTIONS, REGIONS, UNFIT_ZONES, zone_prefix};
use super::names::{OWNER_TAG, partition};
use super::{
    Api, Database, Deployment, Domain, Egress, Engine, Functions, Names, Network, Observer, RegionNetwork, Retention,
    rules,
};

/// The version of the file format that this release reads.
const VERSION: u32 = 1;

pub(super) fn deployment(
    source: &Source,
    policy: &Policy,
    environment: Option<&Environment>,
) -> Result<Deployment, Diagnostics> {
    Reader::read(source, rules::code, |table| {
        regions(table, policy);
        let read = gather!(Whole {
            version: version(table),
            account: table.parsed("account", account),
            environment: table.parsed("environment", |text| Environment::new(text)
                .map_err(|wrong| wrong.to_string())),
            recipients: table.list("recipients", 1..=50, |value| value.parsed(mail)),
            domain: table.optional("domain", |value| value.table(domain)),
            network: table.table("network", network),
            egress: table.optional("egress", |value| value.table(egress)),
            database: table.table("database", database),
            functions: table.table("functions", functions),
            api: table.table("api", api),
            retention: table.table("retention", retention),
            tags: table.tables("tag", 1..=40, tag),
            engine: table.optional("engine", |value| value.table(engine)),
        });
        read.map(|read| finish(table, policy, environment, read))
    })
}

/// The file as it stands.
struct Whole {
    version: (),
    account: String,
    environment: Environment,
    recipients: Vec<String>,
    domain: Option<Domain>,
    network: Network,
    egress: Option<Egress>,
    database: Database,
    functions: Functions,
    api: Api,
    retention: Retention,
    tags: Vec<(String, String)>,
    engine: Option<Engine>,
}

/// What only shows when several keys are looked at together.
fn finish(table: &Table<'_>, policy: &Policy, environment: Option<&Environment>, read: Whole) -> Deployment {
    let Whole { version: (), .. } = read;
    if let Some(wanted) = environment.filter(|wanted| **wanted != read.environment) {
        let message = format!(
            "this is the file of `{}`, and the command line says `{wanted}`",
            read.environment
        );
        let help = format!(
            "name the file of `{wanted}` with `--deployment`, or say `--env {}`",
            read.environment
        );
        table.refuse("environment", rules::OTHER_SUFFIX.code, message, help);
    }
    let names = Names::new(policy, &read.environment, &read.account);
    let observer = read.engine.as_ref().and_then(|engine| engine.observer.as_ref());
    let regions = &policy.regions;
    let places = [&regions.primary, &regions.standby];
    let places = places.into_iter().chain(observer.map(|_| &regions.witness));
    for (limit, name) in places.flat_map(|region| names.longest(region)) {
        let over = name.len().saturating_sub(limit.length_max());
        if over > 0 {
            let what = limit.what();
            let message = format!("with this suffix a {what} is called `{name}`, {over} letters too long");
            let help = format!("take a suffix that is {over} letters shorter");
            table.refuse("environment", rules::NAME_TOO_LONG.code, message, help);
            break;
        }
    }
    let network = &read.network;
    in_region(table, "network", &regions.primary, &network.primary);
    in_region(table, "network", &regions.standby, &network.standby);
    if let Some(egress) = &read.egress {
        gateways(table, "egress", "primary", &network.primary, egress.primary);
        gateways(table, "egress", "standby", &network.standby, egress.standby);
    }
    if let Some(observer) = observer {
        in_region(table, "engine", &regions.witness, &observer.network);
        gateways(table, "engine", "witness", &observer.network, observer.egress);
        for (side, role) in [(&network.primary, "primary"), (&network.standby, "standby")] {
            let (theirs, ours) = (side.cidr, observer.network.cidr);
            if theirs.overlaps(ours) {
                let message =
                    format!("the networks of the observer and of the {role} region overlap: {ours} and {theirs}");
                table.refuse("engine", rules::OVERLAP.code, message, rules::OVERLAP.help());
            }
        }
    }
    if read.engine.is_some() && (read.domain.is_none() || read.egress.is_none()) {
        let message = "`[engine]` needs `[domain]` and `[egress]`".to_owned();
        table.refuse("engine", rules::ENGINE_ALONE.code, message, rules::ENGINE_ALONE.help());
    }
    let mut tags = BTreeMap::new();
    for (name, value) in read.tags {
        let why = if name == OWNER_TAG || name.to_ascii_lowercase().starts_with("aws:") {
            "is not the file's to set"
        } else if tags.insert(name.clone(), value).is_some() {
            "is set twice"
        } else {
            continue;
        };
        let message = format!("the tag `{name}` {why}");
        table.refuse("tag", rules::RESERVED_TAG.code, message, "remove it".to_owned());
    }
    Deployment {
        account: read.account,
        environment: read.environment,
        domain: read.domain,
        network: read.network,
        egress: read.egress,
        database: read.database,
        functions: read.functions,
        api: read.api,
        retention: read.retention,
        recipients: read.recipients,
        tags,
        engine: read.engine,
    }
}

/// Zones that are named are the region's own.
fn in_region(table: &Table<'_>, key: &str, region: &RegionName, network: &RegionNetwork) {
    let begins = format!("{}-az", zone_prefix(region.as_str()));
    let mut zones = network.zones.iter().flatten();
    if let Some(zone) = zones.find(|zone| !zone.starts_with(&begins)) {
        let message = format!("the zone `{zone}` is none of {region}, whose zones are called `{begins}…`");
        let help = format!("name three zones of {region}, or leave the key out: then its first three are taken");
        table.refuse(key, rules::OTHER_ZONES.code, message, help);
    }
}

/// The gateways' subnets are inside their network, and beside the private ones.
fn gateways(table: &Table<'_>, key: &str, role: &str, network: &RegionNetwork, subnets: [Cidr; 3]) {
    for subnet in subnets {
        if !network.cidr.contains(subnet) {
            let message = format!(
                "the {role} region's egress subnet {subnet} is not inside {}",
                network.cidr
            );
            table.refuse(key, rules::OUTSIDE.code, message, rules::OUTSIDE.help());
        }
        if let Some(other) = network.subnets.iter().find(|other| other.overlaps(subnet)) {
            let message = format!("the {role} region's subnets {other} and {subnet} overlap");
            table.refuse(key, rules::OVERLAP.code, message, rules::OVERLAP.help());
        }
    }
}

/// The policy's regions, of which the policy's own checker does not know whether AWS has them.
fn regions(table: &Table<'_>, policy: &Policy) {
    let regions = &policy.regions;
    let named = [
        ("primary", &regions.primary),
        ("standby", &regions.standby),
        ("witness", &regions.witness),
    ];
    for (role, region) in named {
        if !REGIONS.contains(&region.as_str()) {
            let message = format!("the policy's {role} region `{region}` is none in which the platform can run");
            let near = understudy_policies::source::nearest(region.as_str(), REGIONS.iter().copied());
            let help = near.map_or_else(
                || rules::UNKNOWN_REGION.help(),
                |near| format!("did you mean `{near}`? It stands in the policy's `[regions]`"),
            );
            table.refuse("regions", rules::UNKNOWN_REGION.code, message, help);
        }
    }
    for (index, (role, region)) in named.iter().enumerate() {
        if let Some((other, _)) = named[..index].iter().find(|(_, earlier)| earlier == region) {
            let message = format!("the policy's {other} and {role} regions are both `{region}`");
            let help = "name three different regions in the policy's `[regions]`".to_owned();
            table.refuse("regions", rules::EQUAL_REGIONS.code, message, help);
        }
    }
    let home = partition(regions.primary.as_str());
    if let Some((role, region)) = named.iter().find(|(_, region)| partition(region.as_str()) != home) {
        let message = format!(
            "the policy's {role} region `{region}` is in the partition {}, and the primary one in {home}",
            partition(region.as_str())
        );
        table.refuse(
            "regions",
            rules::OTHER_PARTITION.code,
            message,
            rules::OTHER_PARTITION.help(),
        );
    }
}

fn version(table: &Table<'_>) -> Option<()> {
    let version = table.integer("version", 1..=u32::MAX)?;
    if version != VERSION {
        let message = format!("version {version} of the deployment format is not known here");
        let help = format!("this release reads version {VERSION}; use the release that the file was written for");
        table.refuse("version", rules::VERSION.code, message, help);
    }
    Some(())
}

fn account(text: &str) -> Result<String, String> {
    if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "`{text}` is not an account of AWS; write its 12 digits, in quotes and without dashes"
        ))
    }
}

fn mail(text: &str) -> Result<String, String> {
    let fits = text.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && host.contains('.') && !text.contains(char::is_whitespace) && !host.contains('@')
    });
    if fits {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "`{text}` is not a mail address; write it like `operators@example.com`"
        ))
    }
}

/// A name in the DNS: lower-case labels.
fn host(text: &str) -> Result<String, String> {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // A certificate's name has at most 64 letters, and a region's own name is 15 letters longer.
    let fits = text.len() <= 49 && text.contains('.') && text.split('.').all(label);
    if fits {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "`{text}` is not a domain; write lower-case words joined by dots, at most 49 letters and without a dot at the end"
        ))
    }
}

fn domain(table: &Table<'_>) -> Option<Domain> {
    let domain = gather!(Domain {
        zone: table.parsed("zone", host),
        zone_id: table.optional("zone-id", |value| value.parsed(zone_id)),
        public_name: table.parsed("public-name", host),
    })?;
    if !domain.public_name.ends_with(&format!(".{}", domain.zone)) {
        let message = format!("`{}` is not inside the zone `{}`", domain.public_name, domain.zone);
        let help = format!("write a name that ends with `.{}`", domain.zone);
        table.refuse_together(
            &[("public-name", "this name"), ("zone", "is not inside this zone")],
            rules::OTHER_ZONE.code,
            message,
            help,
        );
    }
    Some(domain)
}

fn zone_id(text: &str) -> Result<String, String> {
    let fits = (8..=32).contains(&text.len())
        && text.starts_with('Z')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    if fits {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "`{text}` is not the id of a hosted zone; write it like `Z0123456789ABC`"
        ))
    }
}

fn network(table: &Table<'_>) -> Option<Network> {
    let network = gather!(Network {
        primary: side(table, ["primary-cidr", "primary-subnets", "primary-zones"]),
        standby: side(table, ["standby-cidr", "standby-subnets", "standby-zones"]),
    })?;
    let (primary, standby) = (network.primary.cidr, network.standby.cidr);
    if primary.overlaps(standby) {
        let message = format!("the networks of both regions overlap: {primary} and {standby}");
        let places = [("primary-cidr", "these addresses"), ("standby-cidr", "and these")];
        table.refuse_together(&places, rules::OVERLAP.code, message, rules::OVERLAP.help());
    }
    Some(network)
}

fn egress(table: &Table<'_>) -> Option<Egress> {
    gather!(Egress {
        primary: three(table, "primary-subnets"),
        standby: three(table, "standby-subnets"),
    })
}

/// Three ranges that have no address in common.
fn three(table: &Table<'_>, key: &str) -> Option<[Cidr; 3]> {
    let subnets = table.list(key, 3..=3, |value: Value<'_>| value.parsed(Cidr::parse))?;
    let subnets: [Cidr; 3] = subnets.try_into().ok()?;
    for (index, subnet) in subnets.iter().enumerate() {
        if let Some(other) = subnets[..index].iter().find(|other| other.overlaps(*subnet)) {
            let message = format!("the subnets {other} and {subnet} overlap");
            table.refuse(key, rules::OVERLAP.code, message, rules::OVERLAP.help());
        }
    }
    Some(subnets)
}

fn side(table: &Table<'_>, [cidr_key, subnets_key, zones_key]: [&str; 3]) -> Option<RegionNetwork> {
    let cidr = table.parsed(cidr_key, Cidr::parse);
    let subnets = three(table, subnets_key);
    let zones = table.optional(zones_key, |value| zones(table, zones_key, &value));
    let (cidr, subnets, zones) = (cidr?, subnets?, zones?);
    for subnet in subnets {
        if !cidr.contains(subnet) {
            let message = format!("the subnet {subnet} is not inside {cidr}");
            let places = [(subnets_key, "one of these"), (cidr_key, "is not inside this")];
            table.refuse_together(&places, rules::OUTSIDE.code, message, rules::OUTSIDE.help());
        }
    }
    Some(RegionNetwork { cidr, subnets, zones })
}

/// Three zones, by their ids.
fn zones(table: &Table<'_>, key: &str, value: &Value<'_>) -> Option<[String; 3]> {
    let zones: [String; 3] = value
        .list(3..=3, |value| value.parsed(zone_of_availability))?
        .try_into()
        .ok()?;
    for (index, zone) in zones.iter().enumerate() {
        if zones[..index].contains(zone) {
            let message =
                format!("the zone `{zone}` stands twice: what goes wrong in it would take two subnets with it");
            table.refuse(
                key,
                rules::BAD_TEXT.code,
                message,
                "name three different zones".to_owned(),
            );
        }
    }
    Some(zones)
}

fn zone_of_availability(text: &str) -> Result<String, String> {
    let form = text.split_once("-az").is_some_and(|(region, number)| {
        let is_region = (3..=6).contains(&region.len())
            && region
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        is_region && (1..=2).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
    });
    match (form, UNFIT_ZONES.contains(&text)) {
        (true, false) => Ok(text.to_owned()),
        (true, true) => Err(format!(
            "`{text}` lacks Lambda and some of the endpoints; write another zone of that region"
        )),
        (false, _) => Err(format!(
            "`{text}` is not the id of an availability zone; write it like `use1-az1`, as `aws ec2 \
             describe-availability-zones` shows it (its name, like `us-east-1a`, means another zone in every account)"
        )),
    }
}

fn database(table: &Table<'_>) -> Option<Database> {
    gather!(Database {
        engine_version: table.parsed("engine-version", engine_version),
        name: table.parsed("name", identifier),
        user: table.parsed("user", identifier),
        instance_class: table.parsed("instance-class", instance_class),
        instances: table.integer("instances", 1..=15),
    })
}

fn engine_version(text: &str) -> Result<String, String> {
    let numbers: Option<Vec<u32>> = text.split('.').map(|part| part.parse().ok()).collect();
    match numbers.as_deref() {
        // A global database fails over in a managed way from 11.9 on; the parameter groups here are those of 13 and newer.
        Some([13..=99, _]) => Ok(text.to_owned()),
        _ => Err(format!(
            "`{text}` is not a version of Aurora PostgreSQL from 13 on; write it like `16.11`"
        )),
    }
}

fn identifier(text: &str) -> Result<String, String> {
    let fits = (1..=63).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        && !["admin", "rdsadmin", "postgres", "template0", "template1"].contains(&text);
    if fits {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "`{text}` cannot be a name in the database; write lower-case letters, digits and underscores, and none of the names that are taken there"
        ))
    }
}

fn instance_class(text: &str) -> Result<String, String> {
    let fits = text.split('.').count() == 3
        && text.starts_with("db.")
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'.')
        // Not in a global database.
        && !text.starts_with("db.t");
    if fits {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "`{text}` is not a class of instances for a global database, which has no burstable ones; write it like `db.r6g.large`"
        ))
    }
}

fn functions(table: &Table<'_>) -> Option<Functions> {
    gather!(Functions {
        memory_mb: table.integer("memory-mb", 128..=10_240),
        // API Gateway waits for 29 s at most.
        timeout: table.duration("timeout", Duration::from_secs(1)..=Duration::from_secs(29)),
        reserved_concurrency: table.integer("reserved-concurrency", 1..=10_000),
    })
}

fn api(table: &Table<'_>) -> Option<Api> {
    gather!(Api {
        rate_per_s: table.integer("rate-per-second", 1..=10_000),
        burst: table.integer("burst", 1..=5_000),
    })
}

fn retention(table: &Table<'_>) -> Option<Retention> {
    let logs = |value: Value<'_>| {
        let days: u32 = value.integer(1..=3653)?;
        if !LOG_RETENTIONS.contains(&days) {
            let near = LOG_RETENTIONS
                .iter()
                .find(|near| **near >= days)
                .copied()
                .unwrap_or(3653);
            let message = format!("`{}`: CloudWatch does not keep logs for just {days} days", value.path());
            value.refuse(
                rules::OUT_OF_BOUNDS.code,
                message,
                format!("write {near}, the next longer time that it has"),
            );
        }
        Some(days)
    };
    gather!(Retention {
        logs_days: table.required("logs-days").and_then(logs),
        backups_days: table.integer("backups-days", 1..=35),
        audit_days: table.integer("audit-days", 1..=36_500),
        versions_days: table.integer("versions-days", 1..=36_500),
    })
}

fn tag(table: &Table<'_>) -> Option<(String, String)> {
    let read = gather!(Tag {
        name: table.parsed("name", |text| tag_text(text, 128)),
        value: table.parsed("value", |text| tag_text(text, 256)),
    })?;
    Some((read.name, read.value))
}

struct Tag {
    name: String,
    value: String,
}

fn tag_text(text: &str, length_max: usize) -> Result<String, String> {
    // What every service takes; some take more.
    let fits = text.len() <= length_max
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || " +-=._:/@".contains(c));
    if fits {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "`{text}` cannot stand in a tag; write at most {length_max} letters, digits, spaces and any of `+-=._:/@`"
        ))
    }
}

fn engine(table: &Table<'_>) -> Option<Engine> {
    let engine = gather!(Engine {
        image: table.parsed("image", image),
        cpu: table.integer("cpu", 256..=16_384),
        memory_mb: table.integer("memory-mb", 512..=122_880),
        operators: table.list("operators", 0..=20, |value| value.parsed(Cidr::of_callers)),
        observer: table.optional("observer", |value| value.table(observer)),
    })?;
    for (index, cidr) in engine.operators.iter().enumerate() {
        if engine.operators[..index].contains(cidr) {
            let message = format!("`operators` names {cidr} twice");
            let help =
                "keep one of the two: CloudFormation makes one rule of both, and takes it away with either".to_owned();
            table.refuse("operators", rules::OVERLAP.code, message, help);
        }
    }
    if let Some(region) = engine.fixed_region() {
        let message = format!("both regions would fetch the engine's image from {region}");
        let help = format!("write `{{region}}` in the place of `{region}`, and let ECR replicate the image");
        table.refuse("image", rules::ONE_REGISTRY.code, message, help);
    }
    Some(engine)
}

fn observer(table: &Table<'_>) -> Option<Observer> {
    gather!(Observer {
        network: side(table, ["cidr", "subnets", "zones"]),
        egress: three(table, "egress-subnets"),
    })
}
