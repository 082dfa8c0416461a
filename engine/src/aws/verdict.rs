//! What a failed call means: it certainly did not happen, or nobody knows.
#![expect(
    clippy::disallowed_types,
    reason = "what was logged last is shared by every adapter; nothing is decided by it"
)]

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use tokio::time::Instant;
use tracing::{debug, error, warn};

use crate::core::effect::Outcome;

/// What is known of a call that brought no answer of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It certainly did not happen; trying again may help.
    NotDone,
    /// It may have happened.
    Unknown,
}

impl From<Verdict> for Outcome {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::NotDone => Self::Failed,
            Verdict::Unknown => Self::TimedOut,
        }
    }
}

/// AWS's codes for credentials that are no good, over all protocols.
const CREDENTIALS: [&str; 9] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "InvalidAccessKeyId",
    "UnrecognizedClientException",
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
    "RequestExpired",
    "TokenRefreshRequired",
];

/// One line about the same call in this time.
const LINES_APART: Duration = Duration::from_secs(10);

/// Whether it has been said that credentials are no good, since they last were.
static COMPLAINED: AtomicBool = AtomicBool::new(false);

/// Judges a failed call, and logs it. `call` says in words what was to be done.
pub fn judge<E>(call: &'static str, failure: &SdkError<E, HttpResponse>) -> Verdict
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let verdict = verdict(failure);
    let code = failure.code().unwrap_or_default();
    let said = failure.message().unwrap_or_default();
    if CREDENTIALS.contains(&code) || find::<CredentialsError>(failure).is_some() {
        complain(call, code);
    } else {
        let why = chain(failure);
        if may_be_said(call) {
            warn!(call, code, said, why, ?verdict, "a call to AWS failed");
        } else {
            debug!(call, code, said, why, ?verdict, "a call to AWS failed");
        }
    }
    verdict
}

/// Logs a failed call that changes nothing, so that it is all the same whether it happened.
pub(super) fn note<E>(call: &'static str, failure: &SdkError<E, HttpResponse>)
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let _ = judge(call, failure);
}

/// While a region is lost, some calls fail every second: each is a line now and then.
fn may_be_said(call: &'static str) -> bool {
    static SAID: Mutex<BTreeMap<&str, Instant>> = Mutex::new(BTreeMap::new());
    let now = Instant::now();
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    let silent = said.get(call).is_some_and(|at| now.duration_since(*at) < LINES_APART);
    if !silent {
        said.insert(call, now);
    }
    !silent
}

/// A call went through, so the credentials are good.
pub(super) fn credentials_are_good() {
    COMPLAINED.store(false, Ordering::Relaxed);
}

/// Once, and not with every beat: until they are renewed, every call fails alike.
fn complain(call: &'static str, code: &str) {
    if !COMPLAINED.swap(true, Ordering::Relaxed) {
        error!(
            call,
            code,
            "AWS does not accept the credentials of this process: renew them (the role of the task or instance, `aws sso \
             login`, or the keys in the environment), and see that the machine's clock is right; nothing that needs AWS \
             works until then, and this is not repeated"
        );
    }
}

fn verdict<E>(failure: &SdkError<E, HttpResponse>) -> Verdict
where
    E: Error + Send + Sync + 'static,
{
    match failure {
        SdkError::ConstructionFailure(_) => Verdict::NotDone,
        // Without credentials nothing is signed, and without a connection nothing is sent.
        SdkError::DispatchFailure(dispatch) if dispatch.is_user() => Verdict::NotDone,
        SdkError::DispatchFailure(_) if find::<CredentialsError>(failure).is_some() => Verdict::NotDone,
        SdkError::DispatchFailure(_) if find(failure).is_some_and(hyper_util::client::legacy::Error::is_connect) => {
            Verdict::NotDone
        }
        SdkError::ServiceError(answer) => of_status(answer.raw().status().as_u16()),
        // Cut off, garbled, or too late: the service may well have done it.
        _ => Verdict::Unknown,
    }
}

const fn of_status(status: u16) -> Verdict {
    match status {
        // The service gave up waiting for the request, perhaps after it had enough of it.
        408 => Verdict::Unknown,
        400..500 => Verdict::NotDone,
        _ => Verdict::Unknown,
    }
}

fn find<'a, T: Error + 'static>(failure: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(failure);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// The whole chain of reasons: the first of an SDK's says little.
fn chain(failure: &(dyn Error + 'static)) -> String {
    let mut said = failure.to_string();
    let mut next = failure.source();
    while let Some(error) = next {
        said.push_str(": ");
        said.push_str(&error.to_string());
        next = error.source();
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refusal_is_certain() {
        for status in [400, 403, 404, 409, 412, 429] {
            assert_eq!(of_status(status), Verdict::NotDone, "{status}");
        }
        for status in [200, 301, 408, 500, 502, 503, 504] {
            assert_eq!(of_status(status), Verdict::Unknown, "{status}");
        }
    }
}
