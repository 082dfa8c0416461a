//! What an emulator answers in a form that AWS never uses, put right before it is read. Used only where an endpoint URL says that
//! a service is not AWS's own.

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;

/// ministack writes `True` where XML has `true`: with it, no health check could be read.
#[derive(Debug)]
pub(super) struct CapitalBooleans(pub(super) SharedHttpClient);

#[derive(Debug)]
struct Connector(SharedHttpConnector);

impl HttpClient for CapitalBooleans {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector(self.0.http_connector(settings, components)))
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let answer = self.0.call(request);
        HttpConnectorFuture::new(async move {
            let mut answer = answer.await?;
            let body = std::mem::replace(answer.body_mut(), SdkBody::taken());
            let body = ByteStream::new(body).collect().await;
            let body = body.map_err(|why| ConnectorError::io(why.into()))?.into_bytes();
            let text = String::from_utf8_lossy(&body);
            let text = text.replace(">True<", ">true<").replace(">False<", ">false<");
            *answer.body_mut() = SdkBody::from(text);
            Ok(answer)
        })
    }
}
