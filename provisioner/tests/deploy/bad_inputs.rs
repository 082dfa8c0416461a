//! What only AWS can see to be wrong: each with a clear message, and the way out.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::future::BoxFuture;
use understudy_policies::model::RegionName;
use understudy_provisioner::aws::trouble::TroubleKind;
use understudy_provisioner::aws::{Connections, Trouble};
use understudy_provisioner::deploy::World;
use understudy_provisioner::deploy::apply::{Options, apply};
use understudy_provisioner::deploy::destroy::destroy;
use understudy_provisioner::deploy::graph::{Done, Listen};
use understudy_provisioner::deploy::plan::plan;
use understudy_provisioner::deploy::progress::Report;
use understudy_provisioner::deploy::stacks::Event;
use understudy_provisioner::spanning::{Difference, Watch};

use crate::emulator::Emulator;
use crate::proxy::{Instead, proxy};
use crate::support::{Log, world};

async fn refused(world: &World) -> Trouble {
    let log = Log::default();
    let trouble = apply(world, Options::default(), &log).await.unwrap_err();
    assert_eq!(log.steps(), Vec::<String>::new(), "nothing is changed: {trouble}");
    trouble
}

/// What a run came to that began and did not get through.
async fn failed(world: &World) -> (String, Trouble) {
    let account = apply(world, Options::default(), &Log::default()).await.unwrap();
    let failure = account.failure.unwrap();
    (failure.message, failure.trouble)
}

#[tokio::test]
async fn an_aurora_version_that_is_not_offered() {
    let emulator = Emulator::ministack();
    let mut world = world(emulator.url().as_str()).await;
    world.deployment.database.engine_version = "9.9".to_owned();
    let trouble = refused(&world).await;
    assert_eq!(trouble.kind, TroubleKind::Unfit);
    let said = trouble.to_string();
    assert!(
        said.starts_with("Aurora PostgreSQL 9.9 is not offered in us-east-1"),
        "{said}"
    );
    assert!(said.contains("16.11"), "what both offer is named: {said}");
}

/// Members of a global database must run the same version.
#[tokio::test]
async fn a_version_that_only_one_region_offers() {
    let emulator = Emulator::ministack();
    let endpoint = proxy(emulator.url().as_str(), |request| {
        let asked = request.contains("/us-east-2/rds/") && request.contains("Action=DescribeDBEngineVersions");
        // Asked for one version, RDS lists that one; asked for all, all.
        let offered = ["15.15", "16.9"]
            .into_iter()
            .filter(|_| !request.contains("EngineVersion=16.11"));
        let versions: String = offered
            .map(|version| {
                format!(
                    "<DBEngineVersion><Engine>aurora-postgresql</Engine><EngineVersion>{version}</EngineVersion></DBEngineVersion>"
                )
            })
            .collect();
        asked.then(|| {
            Instead::Xml(format!(
                "<DescribeDBEngineVersionsResponse><DescribeDBEngineVersionsResult><DBEngineVersions>{versions}\
                 </DBEngineVersions></DescribeDBEngineVersionsResult></DescribeDBEngineVersionsResponse>"
            ))
        })
    });
    let said = refused(&world(&endpoint).await).await.to_string();
    assert!(
        said.starts_with(
            "Aurora PostgreSQL 16.11 is not offered in us-east-2, and both regions must run the same version"
        ),
        "{said}"
    );
    assert!(
        !said.contains("both offer 16.11") && said.contains("write one of them into the deployment file"),
        "{said}"
    );
}

#[tokio::test]
async fn credentials_of_another_account() {
    let emulator = Emulator::ministack();
    let mut world = world(emulator.url().as_str()).await;
    world.deployment.account = "123456789012".to_owned();
    let said = refused(&world).await.to_string();
    assert!(
        said.contains("of the account 000000000000") && said.contains("AWS_PROFILE"),
        "{said}"
    );
}

#[tokio::test]
async fn a_region_that_does_not_answer() {
    // Nobody listens there.
    let world = world("http://127.0.0.1:1").await;
    let trouble = refused(&world).await;
    assert_eq!(
        (trouble.kind, trouble.region.as_str()),
        (TroubleKind::Unreachable, "us-east-1")
    );
    assert!(
        trouble
            .to_string()
            .contains("nothing is changed in one region without the other"),
        "{trouble}"
    );
}

/// Only the standby does not answer: then nothing is begun in the primary either.
#[tokio::test]
async fn one_region_that_does_not_answer_stops_the_other() {
    let emulator = Emulator::ministack();
    // Whoever signs for the standby region is let down.
    let endpoint = proxy(emulator.url().as_str(), |request| {
        request.contains("/us-east-2/").then_some(Instead::Nothing)
    });
    let trouble = refused(&world(&endpoint).await).await;
    assert_eq!(
        (trouble.kind, trouble.region.as_str()),
        (TroubleKind::Unreachable, "us-east-2")
    );
    assert!(
        trouble
            .to_string()
            .contains("nothing is changed in one region without the other"),
        "{trouble}"
    );
    let primary = world(emulator.url().as_str()).await;
    let stacks = primary
        .shared
        .aws
        .cloudformation(&primary.regions()[0])
        .describe_stacks()
        .send()
        .await
        .unwrap();
    assert_eq!(stacks.stacks().len(), 0);
}

/// An account that has room for so many VPCs and addresses.
fn with_quotas(upstream: &str, vpcs: u32, addresses: u32) -> String {
    proxy(upstream, move |request| {
        if !request.contains("ServiceQuotasV20190624.GetServiceQuota") {
            return None;
        }
        let value = if request.contains("L-F678F1CE") {
            vpcs
        } else {
            addresses
        };
        Some(Instead::Json(format!("{{\"Quota\":{{\"Value\":{value}.0}}}}")))
    })
}

#[tokio::test]
async fn a_quota_that_is_too_small_is_seen_before_anything_is_changed() {
    let emulator = Emulator::ministack();
    // The emulator has one VPC in each region from the start.
    let small = world(&with_quotas(emulator.url().as_str(), 1, 5)).await;
    let trouble = refused(&small).await;
    assert_eq!(trouble.kind, TroubleKind::Quota);
    let said = trouble.to_string();
    assert!(
        said.starts_with("us-east-1 has room for 1 VPCs, and 1 are there: 1 more are needed"),
        "{said}"
    );
    assert!(
        said.contains("L-F678F1CE") && said.contains("in both regions"),
        "{said}"
    );
    let enough = world(&with_quotas(emulator.url().as_str(), 2, 5)).await;
    let account = apply(&enough, Options::default(), &Log::default()).await.unwrap();
    assert!(account.failure.is_none(), "{:#?}", account.failure);
    // What is there already needs no room.
    let full = world(&with_quotas(emulator.url().as_str(), 2, 0)).await;
    let account = apply(&full, Options::default(), &Log::default()).await.unwrap();
    assert!(account.failure.is_none(), "{:#?}", account.failure);
}

/// Addresses are a type that the emulator lacks: so they are asked for, and never made.
#[tokio::test]
async fn too_few_addresses_for_the_gateways_are_seen_as_well() {
    let emulator = Emulator::ministack();
    let endpoint = with_quotas(emulator.url().as_str(), 5, 2);
    let few = crate::support::whole_world(&endpoint).await;
    let said = refused(&few).await.to_string();
    assert!(
        said.starts_with("us-east-1 has room for 2 elastic addresses, and 0 are there: 3 more are needed"),
        "{said}"
    );
}

/// An account that runs so many functions at once in the standby region, and reserves none of them.
fn with_functions(upstream: &str, at_once: u32) -> String {
    proxy(upstream, move |request| {
        let asked = request.contains("/account-settings") && request.contains("/us-east-2/");
        asked.then(|| {
            Instead::Json(format!(
                "{{\"AccountLimit\":{{\"ConcurrentExecutions\":{at_once},\"UnreservedConcurrentExecutions\":{at_once}}}}}"
            ))
        })
    })
}

/// 240 are reserved in each region, and Lambda keeps 100 for others.
#[tokio::test]
async fn too_few_functions_at_once_are_seen_before_anything_is_changed() {
    let emulator = Emulator::ministack();
    let trouble = refused(&world(&with_functions(emulator.url().as_str(), 339)).await).await;
    assert_eq!(trouble.kind, TroubleKind::Quota);
    let said = trouble.to_string();
    assert!(
        said.starts_with(
            "us-east-2 runs 339 functions at once, and 339 of these are not reserved: 240 are to be reserved, and Lambda wants \
             100 to remain"
        ),
        "{said}"
    );
    assert!(
        said.contains("L-B99A9384") && said.contains("functions.reserved-concurrency"),
        "{said}"
    );
    let enough = world(&with_functions(emulator.url().as_str(), 340)).await;
    let account = apply(&enough, Options::default(), &Log::default()).await.unwrap();
    assert!(account.failure.is_none(), "{:#?}", account.failure);
    // What is there already has reserved its own.
    let full = world(&with_functions(emulator.url().as_str(), 100)).await;
    let account = apply(&full, Options::default(), &Log::default()).await.unwrap();
    assert!(account.failure.is_none(), "{:#?}", account.failure);
}

/// Health checks sign nothing: switch B has to be readable by anybody.
#[tokio::test]
async fn an_account_that_lets_nothing_be_public() {
    let emulator = Emulator::ministack();
    let blocked = |block: bool| {
        proxy(emulator.url().as_str(), move |request| {
            let asked = request.contains("/v20180820/configuration/publicAccessBlock");
            asked.then(|| {
                Instead::Xml(format!(
                    "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true\
                     </IgnorePublicAcls><BlockPublicPolicy>{block}</BlockPublicPolicy><RestrictPublicBuckets>false\
                     </RestrictPublicBuckets></PublicAccessBlockConfiguration>"
                ))
            })
        })
    };
    let trouble = refused(&world(&blocked(true)).await).await;
    assert_eq!(trouble.kind, TroubleKind::Unfit);
    let said = trouble.to_string();
    assert!(
        said.starts_with("S3 Block Public Access is on for the whole account 000000000000"),
        "{said}"
    );
    assert!(said.contains("understudy-dev1-switch-b-000000000000"), "{said}");
    let log = Log::default();
    assert!(world(&blocked(false)).await.preflight(&log).await.is_ok());
}

/// The other region claims the lease.
async fn claim(world: &World) {
    let client = world.shared.aws.dynamodb(&world.regions()[0]);
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let lease = client
        .put_item()
        .table_name(world.names.lease_table())
        .item("id", text("lease"))
        .item("epoch", AttributeValue::N("7".to_owned()))
        .item("holder", text("home"))
        .item("claim_region", text("away"))
        .item("claim_nonce", text("1-1"));
    lease.send().await.unwrap();
}

/// Somebody claims the lease right after the first call of a run.
struct Claimed<'a>(Log, &'a World);

impl Watch for Claimed<'_> {
    fn begins<'a>(&'a self, node: &'a str, difference: &'a Difference) -> BoxFuture<'a, Result<(), Trouble>> {
        self.0.begins(node, difference)
    }

    fn done<'a>(&'a self, _: &'a str, _: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(claim(self.1))
    }

    fn waits(&self, node: &str, what: &str, since: Duration) {
        self.0.waits(node, what, since);
    }
}

impl Listen for Claimed<'_> {
    fn node_begins(&self, _: &str, _: u64) {}
    fn node_ends(&self, _: &str, _: Result<Done, &Trouble>, _: u64) {}
}

impl Report for Claimed<'_> {
    fn event(&self, _: &RegionName, _: &str, _: &Event) {}
    fn note(&self, _: &str) {}
}

/// Destroying looks again before each part that could move the platform, or that clients follow.
#[tokio::test]
async fn a_failover_that_begins_while_everything_is_destroyed() {
    let emulator = Emulator::ministack();
    let world = world(emulator.url().as_str()).await;
    let account = apply(&world, Options::default(), &Log::default()).await.unwrap();
    assert!(account.failure.is_none(), "{:#?}", account.failure);
    let report = Claimed(Log::default(), &world);
    let destroyed = destroy(&world, true, &report).await.unwrap();
    let failure = destroyed.failure.as_ref().unwrap();
    assert_eq!(failure.trouble.kind, TroubleKind::Refused, "{}", destroyed.text());
    for part in ["us-east-1-engine", "us-east-2-workflows", "records", "database"] {
        let stays = |open: &String| open.ends_with(part);
        assert!(destroyed.open.iter().any(stays), "{part}: {}", destroyed.text());
    }
}

#[tokio::test]
async fn while_a_failover_is_under_way() {
    let emulator = Emulator::ministack();
    let world = world(emulator.url().as_str()).await;
    let account = apply(&world, Options::default(), &Log::default()).await.unwrap();
    assert!(account.failure.is_none(), "{:#?}", account.failure);
    claim(&world).await;
    let trouble = refused(&world).await;
    assert_eq!(trouble.kind, TroubleKind::Refused);
    assert!(
        trouble
            .to_string()
            .starts_with("us-east-2 has claimed the lease (epoch 7)"),
        "{trouble}"
    );
    assert_eq!(
        destroy(&world, true, &Log::default()).await.unwrap_err().kind,
        TroubleKind::Refused
    );
    let planned = plan(&world).await.unwrap();
    assert!(
        planned
            .text()
            .contains("HELD: everything: us-east-2 has claimed the lease"),
        "{}",
        planned.text()
    );
}

/// A resolver that leads the domain somewhere else.
fn resolver(servers: &'static [&'static str]) -> SocketAddr {
    use simple_dns::rdata::{NS, RData};
    use simple_dns::{CLASS, Name, Packet, PacketFlag, ResourceRecord};
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let query = Packet::parse(&buffer[..length]).unwrap();
            let mut answer = Packet::new_reply(query.id());
            answer.set_flags(PacketFlag::RECURSION_AVAILABLE);
            answer.questions.clone_from(&query.questions);
            for server in servers {
                let name = Name::new("example.com").unwrap();
                let data = RData::NS(NS(Name::new(server).unwrap()));
                answer.answers.push(ResourceRecord::new(name, CLASS::IN, 60, data));
            }
            socket.send_to(&answer.build_bytes_vec().unwrap(), from).unwrap();
        }
    });
    address
}

#[tokio::test]
async fn a_domain_that_is_not_delegated() {
    let emulator = Emulator::ministack();
    let mut world = world(emulator.url().as_str()).await;
    world.resolver = Some(resolver(&["ns.elsewhere.example.org"]));
    let (said, trouble) = failed(&world).await;
    assert_eq!(trouble.kind, TroubleKind::Unfit);
    assert!(said.contains("is not delegated to the zone"), "{said}");
    assert!(said.contains("it leads to ns.elsewhere.example.org"), "{said}");
    let zone = world.zone().unwrap();
    let found = zone.find().await.unwrap().unwrap();
    for server in zone.name_servers(&found.id).await.unwrap() {
        assert!(said.contains(&server), "the name servers to set are named: {said}");
    }
}

/// Answers every call to one service with one error, as AWS would phrase it.
fn refusing(code: &'static str, message: &'static str, status: u16) -> String {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let mut buffer = [0; 65536];
                let _ = stream.read(&mut buffer);
                let body = format!("{{\"__type\":\"{code}\",\"message\":\"{message}\"}}");
                let xml = format!(
                    "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
                );
                let json = String::from_utf8_lossy(&buffer).to_lowercase().contains("x-amz-json");
                let (kind, body) = if json {
                    ("application/x-amz-json-1.0", body)
                } else {
                    ("text/xml", xml)
                };
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                );
            });
        }
    });
    format!("http://{address}")
}

#[tokio::test]
async fn credentials_that_ran_out() {
    let endpoint = refusing(
        "ExpiredToken",
        "The security token included in the request is expired",
        403,
    );
    let world = world(&endpoint).await;
    let trouble = refused(&world).await;
    assert_eq!(trouble.kind, TroubleKind::Credentials);
    let said = trouble.to_string();
    assert!(
        said.contains("aws sso login") && said.contains("goes on where it stopped"),
        "{said}"
    );
}

#[tokio::test]
async fn a_permission_that_is_missing_is_named() {
    let endpoint = refusing(
        "AccessDenied",
        "User: arn:aws:iam::1:user/x is not authorized to perform: sts:GetCallerIdentity",
        403,
    );
    let trouble = refused(&world(&endpoint).await).await;
    assert_eq!(
        (trouble.kind, trouble.action.as_str()),
        (TroubleKind::Permission, "sts:GetCallerIdentity")
    );
    assert!(
        trouble.to_string().contains("add it to the role that deploys"),
        "{trouble}"
    );
}

#[tokio::test]
async fn a_quota_that_is_used_up() {
    use understudy_provisioner::spanning::Reconciler as _;
    let endpoint = refusing("LimitExceededException", "Subscriber limit exceeded: 2500 tables", 400);
    let world = world(&endpoint).await;
    let trouble = world.tables().differences().await.unwrap_err();
    assert_eq!(trouble.kind, TroubleKind::Quota);
    assert!(trouble.to_string().contains("Service Quotas"), "{trouble}");
}

#[tokio::test]
async fn no_credentials_at_all() {
    let files = aws_runtime::env_config::file::EnvConfigFiles::builder()
        .with_contents(aws_runtime::env_config::file::EnvConfigFileKind::Credentials, "")
        .build();
    let provider = aws_credential_types::provider::SharedCredentialsProvider::new(NoCredentials);
    let loader = aws_config::defaults(aws_config::BehaviorVersion::latest())
        .profile_files(files)
        .credentials_provider(provider);
    let mut world = world("http://127.0.0.1:1").await;
    world.shared.aws = Connections::from_loader(loader, Some("http://127.0.0.1:1")).await;
    assert_eq!(refused(&world).await.kind, TroubleKind::Credentials);
}

#[derive(Debug)]
struct NoCredentials;

impl aws_credential_types::provider::ProvideCredentials for NoCredentials {
    fn provide_credentials<'a>(&'a self) -> aws_credential_types::provider::future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        use aws_credential_types::provider::error::CredentialsError;
        let none = CredentialsError::not_loaded("there are none");
        aws_credential_types::provider::future::ProvideCredentials::ready(Err(none))
    }
}
