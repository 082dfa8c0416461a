//! A call to a service whose SDK would be larger than everything that is asked of it: signed, sent, and answered with a text.

use std::time::SystemTime;

use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
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
}

impl Request<'_> {
    /// Sends it, once.
    ///
    /// # Errors
    /// When there are no credentials, or no answer. A refusal is an answer.
    pub(super) async fn send(&self) -> Result<Answer, Trouble> {
        let region = self.region.as_str();
        let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
        let url = self
            .connections
            .endpoint_of(self.variable)
            .unwrap_or_else(|| format!("https://{}.{region}.amazonaws.com{suffix}/", self.service));
        let url: reqwest::Url = url
            .parse()
            .map_err(|why| self.trouble(TroubleKind::Unfit, format!("`{url}` is no endpoint URL: {why}")))?;
        let mut request = self.connections.http().post(url.clone()).body(self.body.to_owned());
        for (name, value) in self.headers {
            request = request.header(*name, *value);
        }
        for (name, value) in self.signature(&url).await? {
            request = request.header(name, value);
        }
        let unreachable = |why: reqwest::Error| self.trouble(TroubleKind::Unreachable, chain(&why));
        let answer = request.send().await.map_err(unreachable)?;
        Ok(Answer {
            good: answer.status().is_success(),
            text: answer.text().await.map_err(unreachable)?,
        })
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
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region.as_str())
            .name(self.service)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(|why| unsigned(&why))?
            .into();
        let body = SignableBody::Bytes(self.body.as_bytes());
        let request = SignableRequest::new("POST", url.as_str(), self.headers.iter().copied(), body);
        let request = request.map_err(|why| unsigned(&why))?;
        let (instructions, _) = sign(request, &parameters).map_err(|why| unsigned(&why))?.into_parts();
        let (headers, _) = instructions.into_parts();
        let headers = headers.into_iter();
        Ok(headers
            .map(|header| (header.name().to_owned(), header.value().to_owned()))
            .collect())
    }
}
