//! One configuration per region, and the clients made of it.
//!
//! Credentials, profiles, SSO, `AWS_ENDPOINT_URL` and `AWS_ENDPOINT_URL_<SERVICE>` are the SDK's standard configuration.
//! What differs from it: no call is tried twice, a call that is not even answered ends after a few seconds, and every call
//! passes [`calls`](super::calls).

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region as AwsRegion, SdkConfig};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use reqwest::Url;
use understudy_policies::model::RegionName;

use super::calls::OnTheList;

/// How long a connection may take. An endpoint that takes longer is as good as lost, and the next one is tried.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a call may go unanswered. The effect's own time-out is usually shorter; where its work takes long (a promotion),
/// this is what tells a dead connection from slow work.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);
/// A queue is asked to wait for 20 s until there is a message.
const POLL_TIMEOUT: Duration = Duration::from_secs(25);

/// What every client is made of.
#[derive(Debug, Clone)]
pub struct Connections {
    base: SdkConfig,
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
                        .interceptor(OnTheList)
                        .build();
                    $sdk::Client::from_conf(config)
                }
            )+
        }
    };
}

clients! {
    /// Leases, switch A, the order path.
    dynamodb = aws_sdk_dynamodb;
    /// The database's writer.
    rds = aws_sdk_rds;
    /// Announcements and pages.
    sns = aws_sdk_sns;
    /// Heartbeats and announcements for other programs.
    eventbridge = aws_sdk_eventbridge;
    /// Alarms and lag.
    cloudwatch = aws_sdk_cloudwatch;
    /// The public record.
    route53 = aws_sdk_route53;
    /// Executions of the same workflow.
    sfn = aws_sdk_sfn;
}

impl Connections {
    /// The standard configuration of this process, in its own region. Credentials are looked for with the first call.
    pub async fn load(own: &RegionName, endpoint: Option<&Url>) -> Self {
        Self::from_loader(aws_config::defaults(BehaviorVersion::latest()), own, endpoint).await
    }

    /// A configuration that was begun elsewhere: with other credentials, in a test.
    pub async fn from_loader(loader: ConfigLoader, own: &RegionName, endpoint: Option<&Url>) -> Self {
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_timeout(CALL_TIMEOUT)
            .build();
        let loader = loader
            // Said here, so that nobody asks the instance for it, which takes seconds where there is none.
            .region(AwsRegion::new(own.as_str().to_owned()))
            .http_client(http)
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts);
        let loader = match endpoint {
            Some(url) => loader.endpoint_url(url.as_str()),
            None => loader,
        };
        Self {
            base: loader.load().await,
        }
    }

    /// Switch B. Emulators, and nobody else, need the bucket in the path.
    #[must_use]
    pub fn s3(&self, region: &RegionName) -> aws_sdk_s3::Client {
        let elsewhere = self.base.endpoint_url().is_some();
        let config = aws_sdk_s3::config::Builder::from(&self.base)
            .region(AwsRegion::new(region.as_str().to_owned()))
            .force_path_style(elsewhere)
            .interceptor(OnTheList)
            .build();
        aws_sdk_s3::Client::from_conf(config)
    }

    /// The queue. It is asked to wait, so an answer may take its time.
    #[must_use]
    pub fn sqs(&self, region: &RegionName) -> aws_sdk_sqs::Client {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_timeout(POLL_TIMEOUT)
            .build();
        let config = aws_sdk_sqs::config::Builder::from(&self.base)
            .region(AwsRegion::new(region.as_str().to_owned()))
            .timeout_config(timeouts)
            .interceptor(OnTheList)
            .build();
        aws_sdk_sqs::Client::from_conf(config)
    }

    /// One endpoint of an ARC cluster: each has an address of its own.
    #[must_use]
    pub fn arc(&self, region: &RegionName, address: &Url) -> aws_sdk_route53recoverycluster::Client {
        let config = aws_sdk_route53recoverycluster::config::Builder::from(&self.base)
            .region(AwsRegion::new(region.as_str().to_owned()))
            .endpoint_url(address.as_str())
            .interceptor(OnTheList)
            .build();
        aws_sdk_route53recoverycluster::Client::from_conf(config)
    }
}
