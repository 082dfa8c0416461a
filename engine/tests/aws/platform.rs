//! The platform of the tests, as its two files say, and what has to be there before a sidecar starts.

use aws_config::{BehaviorVersion, ConfigLoader, Region as AwsRegion, SdkConfig};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_sdk_dynamodb::types::{AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType};
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use reqwest::Url;
use understudy_engine::aws::Side;
use understudy_engine::aws::connect::Connections;
use understudy_engine::aws::names::Names;
use understudy_engine::core::ids::Region;
use understudy_engine::service::platform::{self, Platform};
use understudy_policies::Policy;
use understudy_policies::policy::parse;
use understudy_policies::source::Source;

/// What every emulator accepts.
const CREDENTIALS: &str = "[default]\naws_access_key_id = test\naws_secret_access_key = test\n";
const PLATFORM: &str = r#"
version = 1
environment = "dev1"
[primary]
health = "http://api.us-east-1.example.com/health"
[standby]
health = "http://api.us-east-2.example.com/health"
[aws]
account = "000000000000"
orders-finish-within = "10ms"
"#;

pub(crate) fn policy() -> Policy {
    parse("trading.toml", include_str!("../../../policies/trading.toml")).unwrap()
}

pub(crate) fn platform_of(text: &str) -> Platform {
    platform::read(&Source::new("platform.toml", text)).unwrap()
}

pub(crate) fn names() -> Names {
    names_with("")
}

/// The names, with more lines in the section `[aws]`.
pub(crate) fn names_with(more: &str) -> Names {
    names_of(&format!("{PLATFORM}{more}"))
}

/// The names of a platform file.
pub(crate) fn names_of(text: &str) -> Names {
    let platform = platform_of(text);
    Names::new(&policy(), &platform, platform.aws.as_ref().unwrap())
}

fn loader() -> ConfigLoader {
    let files = EnvConfigFiles::builder()
        .with_contents(EnvConfigFileKind::Credentials, CREDENTIALS)
        .build();
    aws_config::defaults(BehaviorVersion::latest()).profile_files(files)
}

/// The engine's own connections.
pub(crate) async fn connections(endpoint: &Url) -> Connections {
    // What adapters log stands beside a failure. Another test of this process may have begun it.
    drop(tracing_subscriber::fmt().with_test_writer().with_ansi(false).try_init());
    Connections::from_loader(loader(), names().region(Region::Home), Some(endpoint)).await
}

/// AWS as a region's sidecars see it.
pub(crate) async fn side(own: Region, endpoint: &Url) -> Side {
    Side::new(own, names(), connections(endpoint).await)
}

/// Connections of the test itself, which may call anything.
pub(crate) async fn operator(region: &str, endpoint: &Url) -> SdkConfig {
    let http = aws_smithy_http_client::Builder::new().build_http();
    loader()
        .http_client(http)
        .region(AwsRegion::new(region.to_owned()))
        .endpoint_url(endpoint.as_str())
        .load()
        .await
}

/// Makes a table with the key that every item of ours has.
pub(crate) async fn make_table(config: &SdkConfig, table: &str) {
    let client = aws_sdk_dynamodb::Client::new(config);
    client
        .create_table()
        .table_name(table)
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(
            AttributeDefinition::builder()
                .attribute_name("id")
                .attribute_type(ScalarAttributeType::S)
                .build()
                .unwrap(),
        )
        .key_schema(
            KeySchemaElement::builder()
                .attribute_name("id")
                .key_type(KeyType::Hash)
                .build()
                .unwrap(),
        )
        .send()
        .await
        .unwrap();
}

/// Makes a bucket outside us-east-1.
pub(crate) async fn make_bucket(region: &str, endpoint: &Url, bucket: &str) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::config::Builder::from(&operator(region, endpoint).await)
        .force_path_style(true)
        .build();
    let client = aws_sdk_s3::Client::from_conf(config);
    let place = CreateBucketConfiguration::builder()
        .location_constraint(BucketLocationConstraint::from(region))
        .build();
    let made = client.create_bucket().bucket(bucket).create_bucket_configuration(place);
    made.send().await.unwrap();
    client
}
