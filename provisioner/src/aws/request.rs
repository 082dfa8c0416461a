//! A call to a service whose SDK would be larger than everything that is asked of it: signed, sent, and answered with a text.

use std::time::SystemTime;

use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{PayloadChecksumKind, SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use reqwest::Method;
use understudy_policies::model::RegionName;

use super::Connections;
use super::trouble::{Trouble, TroubleKind, chain};

/// One call.
#[derive(Debug)]
pub(super) struct Request<'a> {
    /// How AWS is asked.
    pub(super) connections: &'a Connections,
    /// Where.
    pub(super) region: &'a RegionName,
    /// `POST`, in most protocols.
    pub(super) method: Method,
    /// Where its address is, if that is not the service's own in the region.
    pub(super) host: Option<&'a str>,
    /// What comes after the host, without a slash at its beginning.
    pub(super) path: &'a str,
    /// The service, as its address and its signature call it.
    pub(super) service: &'a str,
    /// The ending of the environment variable that says where else it is.
    pub(super) variable: &'a str,
    /// The permission that the call needs.
    pub(super) permission: &'a str,
    /// What is sent with it, beside the signature.
    pub(super) headers: &'a [(&'a str, &'a str)],
    /// What is sent.
    pub(super) body: &'a str,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    /// Whether the call was done.
    pub(super) good: bool,
    /// The answer, or the reason.
    pub(super) text: String,
    /// The code of the reason, where a service sends it apart.
    pub(super) code: String,
}

impl Request<'_> {
    /// Sends it, once.
    ///
    /// # Errors
    /// When there are no credentials, or no answer. A refusal is an answer.
    pub(super) async fn send(&self) -> Result<Answer, Trouble> {
        let url = self.url()?;
        let http = self.connections.http();
        let mut request = http
            .request(self.method.clone(), url.clone())
            .body(self.body.to_owned());
        for (name, value) in self.headers {
            request = request.header(*name, *value);
        }
        for (name, value) in self.signature(&url).await? {
            request = request.header(name, value);
        }
        let unreachable = |why: reqwest::Error| self.trouble(TroubleKind::Unreachable, chain(&why));
        let answer = request.send().await.map_err(unreachable)?;
        let code = answer.headers().get("x-amzn-errortype");
        let code = code.and_then(|code| code.to_str().ok()).unwrap_or_default();
        Ok(Answer {
            good: answer.status().is_success(),
            // Some say more behind a colon.
            code: code.split(':').next().unwrap_or_default().to_owned(),
            text: answer.text().await.map_err(unreachable)?,
        })
    }

    fn url(&self) -> Result<reqwest::Url, Trouble> {
        let region = self.region.as_str();
        let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
        let base = self
            .connections
            .endpoint_of(self.variable)
            .unwrap_or_else(|| match self.host {
                Some(host) => format!("https://{host}.amazonaws.com{suffix}/"),
                None => format!("https://{}.{region}.amazonaws.com{suffix}/", self.service),
            });
        let url = format!("{}/{}", base.trim_end_matches('/'), self.path);
        url.parse()
            .map_err(|why| self.trouble(TroubleKind::Unfit, format!("`{url}` is no endpoint URL: {why}")))
    }

    /// Trouble with this call that AWS has no code for.
    pub(super) fn trouble(&self, kind: TroubleKind, said: impl Into<String>) -> Trouble {
        Trouble {
            action: self.permission.to_owned(),
            region: self.region.to_string(),
            ..Trouble::own(kind, said)
        }
    }

    /// The headers that say who asks.
    async fn signature(&self, url: &reqwest::Url) -> Result<Vec<(String, String)>, Trouble> {
        let provider = self.connections.base().credentials_provider();
        let provider = provider.ok_or_else(|| self.trouble(TroubleKind::Credentials, "there are no credentials"))?;
        let credentials = provider.provide_credentials().await;
        let credentials = credentials.map_err(|why| self.trouble(TroubleKind::Credentials, chain(&why)))?;
        let unsigned = |why: &(dyn std::error::Error + 'static)| self.trouble(TroubleKind::Call, chain(why));
        let identity = credentials.into();
        let mut settings = SigningSettings::default();
        // S3 alone wants to be told the digest of what is sent.
        if self.service == "s3" {
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        }
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region.as_str())
            .name(self.service)
            .time(SystemTime::now())
            .settings(settings)
            .build()
            .map_err(|why| unsigned(&why))?
            .into();
        let body = SignableBody::Bytes(self.body.as_bytes());
        let request = SignableRequest::new(self.method.as_str(), url.as_str(), self.headers.iter().copied(), body);
        let request = request.map_err(|why| unsigned(&why))?;
        let (instructions, _) = sign(request, &parameters).map_err(|why| unsigned(&why))?.into_parts();
        let (headers, _) = instructions.into_parts();
        let headers = headers.into_iter();
        Ok(headers
            .map(|header| (header.name().to_owned(), header.value().to_owned()))
            .collect())
    }
}
