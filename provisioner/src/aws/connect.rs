//! One configuration, and the clients made of it.
//!
//! Credentials, profiles, SSO, `AWS_ENDPOINT_URL` and `AWS_ENDPOINT_URL_<SERVICE>` are the SDK's standard configuration.
//! Calls are tried again the standard way: all that is done here is safe to repeat, and no call moves a role.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region as AwsRegion, SdkConfig};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use understudy_policies::model::RegionName;

use super::emulator::CapitalBooleans;

/// How long a connection may take. A region that takes longer is as good as lost.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);
/// How long a call may take, with everything that is tried again.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);
/// One try of it.
const TRY_TIMEOUT: Duration = Duration::from_secs(25);
/// Tries of one call. Throttling is common when a whole platform is made at once.
const TRIES_MAX: u32 = 5;

/// What every client is made of.
#[derive(Debug, Clone)]
pub struct Connections {
    base: SdkConfig,
    http: reqwest::Client,
}

macro_rules! clients {
    ($($(#[$doc:meta])* $name:ident = $sdk:ident;)+) => {
        impl Connections {
            $(
                $(#[$doc])*
                #[must_use]
                pub fn $name(&self, region: &RegionName) -> $sdk::Client {
                    let config = $sdk::config::Builder::from(&self.base)
                        .region(AwsRegion::new(region.as_str().to_owned()))
                        .build();
                    $sdk::Client::from_conf(config)
                }
            )+
        }
    };
}

clients! {
    /// Certificates.
    acm = aws_sdk_acm;
    /// Stacks.
    cloudformation = aws_sdk_cloudformation;
    /// Alarms.
    cloudwatch = aws_sdk_cloudwatch;
    /// Tables.
    dynamodb = aws_sdk_dynamodb;
    /// Rules.
    eventbridge = aws_sdk_eventbridge;
    /// Functions.
    lambda = aws_sdk_lambda;
    /// Databases.
    rds = aws_sdk_rds;
    /// Secrets.
    secrets = aws_sdk_secretsmanager;
    /// State machines.
    sfn = aws_sdk_sfn;
    /// Topics.
    sns = aws_sdk_sns;
    /// Queues.
    sqs = aws_sdk_sqs;
    /// Parameters.
    ssm = aws_sdk_ssm;
    /// Who we are.
    sts = aws_sdk_sts;
}

impl Connections {
    /// The standard configuration of this process. Credentials are looked for with the first call.
    pub async fn load(endpoint: Option<&str>) -> Self {
        Self::from_loader(aws_config::defaults(BehaviorVersion::latest()), endpoint).await
    }

    /// A configuration that was begun elsewhere: with other credentials, in a test.
    pub async fn from_loader(loader: ConfigLoader, endpoint: Option<&str>) -> Self {
        // Whoever was first chose the same one.
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(TRY_TIMEOUT)
            .operation_timeout(CALL_TIMEOUT)
            .build();
        let loader = loader
            // Every client names its own; said here, so that nobody asks the instance for it.
            .region(AwsRegion::new("us-east-1"))
            .http_client(http)
            .retry_config(RetryConfig::standard().with_max_attempts(TRIES_MAX))
            .timeout_config(timeouts);
        let loader = match endpoint {
            Some(url) => loader.endpoint_url(url),
            None => loader,
        };
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TRY_TIMEOUT)
            .build()
            // Nothing of it depends on the machine but its certificates, which the calls to AWS need as well.
            .unwrap_or_default();
        Self {
            base: loader.load().await,
            http,
        }
    }

    /// Zones, records, health checks: one for all regions.
    #[must_use]
    pub fn route53(&self, region: &RegionName) -> aws_sdk_route53::Client {
        let config =
            aws_sdk_route53::config::Builder::from(&self.base).region(AwsRegion::new(region.as_str().to_owned()));
        let config = match self
            .base
            .http_client()
            .filter(|_| self.endpoint_of("ROUTE_53").is_some())
        {
            Some(client) => config.http_client(CapitalBooleans(client)),
            None => config,
        };
        aws_sdk_route53::Client::from_conf(config.build())
    }

    /// Buckets. Emulators, and nobody else, need the bucket in the path.
    #[must_use]
    pub fn s3(&self, region: &RegionName) -> aws_sdk_s3::Client {
        let elsewhere = self.endpoint_of("S3").is_some();
        let config = aws_sdk_s3::config::Builder::from(&self.base)
            .region(AwsRegion::new(region.as_str().to_owned()))
            .force_path_style(elsewhere)
            .build();
        aws_sdk_s3::Client::from_conf(config)
    }

    /// The configuration that all clients share.
    #[must_use]
    pub const fn base(&self) -> &SdkConfig {
        &self.base
    }

    /// For what is not an AWS API: a health path.
    #[must_use]
    pub const fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// Whether everything is somewhere else than at AWS.
    #[must_use]
    pub fn is_elsewhere(&self) -> bool {
        self.base.endpoint_url().is_some()
    }

    /// Where a service is, if it is not where AWS has it. `service` is the ending of its environment variable.
    #[must_use]
    pub fn endpoint_of(&self, service: &str) -> Option<String> {
        // The SDK's own order: `--endpoint-url`, the service's variable, the variable for all.
        let given = self.base.endpoint_url().map(str::to_owned);
        let everywhere = std::env::var("AWS_ENDPOINT_URL").ok();
        let own = std::env::var(format!("AWS_ENDPOINT_URL_{service}")).ok();
        match given {
            Some(url) if Some(&url) != everywhere.as_ref() => Some(url),
            other => own.or(other).or(everywhere),
        }
    }
}
