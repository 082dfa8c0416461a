//! Who may ask.
//!
//! The API listens on loopback, where every page that an operator's browser shows can reach it. So:
//! - the host that is asked for must be an address, `localhost`, or a name given with `--allow-host`: a foreign name
//!   that was pointed here (DNS rebinding) is none of them;
//! - a change must not come from a page of another site, whatever it carries;
//! - a change needs a token, which no browser sends by itself;
//! - no answer may be read, framed or guessed at by another site.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::failure::Failure;
use crate::service::context::{Context, Sidecar};
use crate::service::secret::Bearer;

const HEADERS: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::CACHE_CONTROL, "no-store"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
];

/// Stands before every route.
pub(super) async fn shield(State(context): State<Context>, request: Request, next: Next) -> Response {
    let mut response = match refusal(&context, &request) {
        Some(refusal) => refusal.into_response(),
        None => next.run(request).await,
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    let policy = HeaderName::from_static("cross-origin-resource-policy");
    response
        .headers_mut()
        .insert(policy, HeaderValue::from_static("same-origin"));
    response
}

fn refusal(context: &Context, request: &Request) -> Option<Failure> {
    let headers = request.headers();
    // A request without a host is HTTP/1.0, which no browser sends.
    let host = headers.get(header::HOST).map_or(Some(""), |host| host.to_str().ok());
    let known = host.is_some_and(|host| host.is_empty() || is_known(host, &context.host_names));
    if !known {
        return Some(Failure::new(
            StatusCode::MISDIRECTED_REQUEST,
            "this host name is not known here; ask by address, or start the engine with `--allow-host NAME`",
        ));
    }
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if !reads && is_foreign(headers, host.unwrap_or_default()) {
        return Some(Failure::new(
            StatusCode::FORBIDDEN,
            "a page of another site may not change anything here",
        ));
    }
    None
}

/// Whether a `Host` header names this process.
fn is_known(host: &str, names: &[String]) -> bool {
    let name = match host.strip_prefix('[') {
        // An IPv6 address, with or without a port.
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.parse::<IpAddr>().is_ok()
        || name.eq_ignore_ascii_case("localhost")
        || names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Whether a browser says that a request comes from a page of another site.
fn is_foreign(headers: &HeaderMap, host: &str) -> bool {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    let other_site = site.is_some_and(|site| site != b"same-origin" && site != b"none");
    let origin = headers.get(header::ORIGIN).map(HeaderValue::as_bytes);
    let other_origin = origin.is_some_and(|origin| {
        let own = [format!("http://{host}"), format!("https://{host}")];
        !own.iter().any(|own| own.as_bytes() == origin)
    });
    other_site || other_origin
}

/// Whose token a request carries.
pub(super) fn bearer<'s>(sidecar: &'s Sidecar, headers: &HeaderMap) -> Result<Bearer<'s>, Failure> {
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = shown.and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    let Some(token) = token else {
        return Err(Failure::new(
            StatusCode::UNAUTHORIZED,
            "a change needs `Authorization: Bearer TOKEN`, with the operators' token",
        ));
    };
    let known = sidecar.operator_token.bearer(token);
    known.ok_or_else(|| Failure::new(StatusCode::UNAUTHORIZED, "this is not an operator's token"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_localhost_and_given_names_are_known() {
        let names = ["sidecar.internal".to_owned()];
        for host in [
            "127.0.0.1:7070",
            "10.0.1.2",
            "[::1]:7070",
            "localhost",
            "LocalHost:1",
            "Sidecar.internal:80",
        ] {
            assert!(is_known(host, &names), "{host}");
        }
        for host in [
            "evil.example",
            "127.0.0.1.evil.example:7070",
            "localhost.evil.example",
            "[::1",
            "x@127.0.0.1",
        ] {
            assert_eq!(is_known(host, &names), host == "[::1", "{host}");
        }
    }
}
