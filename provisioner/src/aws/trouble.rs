//! What a failed call means, in words that say what to do.

use std::error::Error;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::error::operation::BuildError;
use serde::Serialize;
use understudy_policies::model::RegionName;

/// Why something could not be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// What kind of trouble.
    pub kind: TroubleKind,
    /// The permission of the call, such as `dynamodb:CreateTable`; empty if no call was made.
    pub action: String,
    /// Where; empty if it is not about a region.
    pub region: String,
    /// AWS's code.
    pub code: String,
    /// What AWS said, or what we have to say.
    pub said: String,
    /// `said` is the whole message already.
    #[serde(skip)]
    pub told: bool,
}

/// The kinds that need different ways out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TroubleKind {
    /// AWS does not accept the credentials, or there are none.
    Credentials,
    /// The credentials are good, and may not do this.
    Permission,
    /// A quota is used up.
    Quota,
    /// No answer.
    Unreachable,
    /// It is there, and it is not ours.
    NotOurs,
    /// We will not do it now: a failover is under way, or it would lose data.
    Refused,
    /// The input or the account is not fit for it.
    Unfit,
    /// It took too long.
    TooLong,
    /// Anything else that AWS refuses.
    Call,
}

const CREDENTIALS: [&str; 10] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "InvalidAccessKeyId",
    "UnrecognizedClientException",
    "SignatureDoesNotMatch",
    "InvalidSignatureException",
    "RequestExpired",
    "TokenRefreshRequired",
    "AuthFailure",
];
const PERMISSION: [&str; 6] = [
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "AuthorizationError",
    "UnauthorizedException",
    "NotAuthorized",
];
/// What the services' codes for a used up quota have in common.
const QUOTA: [&str; 4] = ["LimitExceeded", "QuotaExceeded", "TooMany", "LimitReached"];
/// Codes that contain one of those, and mean something else.
const NOT_QUOTA: [&str; 3] = ["TooManyRequestsException", "RequestLimitExceeded", "TooManyUpdates"];

impl Trouble {
    /// We say it, not AWS.
    #[must_use]
    pub fn own(kind: TroubleKind, said: impl Into<String>) -> Self {
        Self {
            kind,
            action: String::new(),
            region: String::new(),
            code: String::new(),
            said: said.into(),
            told: false,
        }
    }

    /// A refusal of our own.
    #[must_use]
    pub fn refused(said: impl Into<String>) -> Self {
        Self::own(TroubleKind::Refused, said)
    }

    /// Something carries a name of ours, and no tag.
    #[must_use]
    pub fn not_ours(what: &str, region: &RegionName, tag: (&str, &str)) -> Self {
        let (key, value) = tag;
        Self {
            region: region.as_str().to_owned(),
            ..Self::own(
                TroubleKind::NotOurs,
                format!(
                    "{what} exists in {region} and does not carry our tag `{key}` = `{value}`, so it is left alone: choose \
                     another environment suffix, remove it, or, if it is yours, tag it"
                ),
            )
        }
    }

    /// What a service's answer means.
    #[must_use]
    pub fn of(action: &str, region: &str, code: &str, said: &str) -> Self {
        let kind = if CREDENTIALS.contains(&code) {
            TroubleKind::Credentials
        } else if PERMISSION.contains(&code) || said.contains("not authorized to perform") {
            TroubleKind::Permission
        } else if QUOTA.iter().any(|part| code.contains(part)) && !NOT_QUOTA.contains(&code) {
            TroubleKind::Quota
        } else {
            TroubleKind::Call
        };
        // The permission that is missing is not always the one of the call: `iam:PassRole` is the usual example.
        let named = said
            .split_once("not authorized to perform: ")
            .and_then(|(_, rest)| rest.split([' ', ',']).next())
            .map_or(action, |named| named.trim_end_matches('.'));
        Self {
            kind,
            action: named.to_owned(),
            region: region.to_owned(),
            code: code.to_owned(),
            said: said.to_owned(),
            told: false,
        }
    }

    /// The same kind of trouble, told in full.
    #[must_use]
    pub fn said_as(self, said: String) -> Self {
        Self {
            told: true,
            said,
            ..self
        }
    }

    /// Whether AWS's code is one of these.
    #[must_use]
    pub fn is(&self, codes: &[&str]) -> bool {
        codes.contains(&self.code.as_str())
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            action,
            region,
            code,
            said,
            ..
        } = self;
        let place = if region.is_empty() {
            String::new()
        } else {
            format!(" in {region}")
        };
        let code = if code.is_empty() {
            String::new()
        } else {
            format!("{code}: ")
        };
        if self.told {
            return f.write_str(said);
        }
        match self.kind {
            TroubleKind::Credentials => write!(
                f,
                "AWS does not accept the credentials{place} ({code}{said}): renew them (`aws sso login`, the profile, or the \
                 keys in the environment), see that the clock is right, and run the same command again: it goes on where \
                 it stopped"
            ),
            TroubleKind::Permission => write!(
                f,
                "the permission `{action}`{place} is missing ({code}{said}): add it to the role that deploys, and run the \
                 same command again"
            ),
            TroubleKind::Quota => write!(
                f,
                "a quota is used up: `{action}`{place} says {code}{said}; have it raised in Service Quotas, in both \
                 regions, or remove what is not needed, and run the same command again"
            ),
            TroubleKind::Unreachable => write!(
                f,
                "no answer to `{action}`{place}: {said}; if the region is disturbed, wait: nothing is changed in one region \
                 without the other; if it is the network here, or an endpoint URL, mend that"
            ),
            // What we found out ourselves names no call.
            TroubleKind::Call if action.is_empty() => f.write_str(said),
            TroubleKind::Call => write!(f, "`{action}`{place} failed: {code}{said}"),
            TroubleKind::NotOurs | TroubleKind::Refused | TroubleKind::Unfit | TroubleKind::TooLong => {
                f.write_str(said)
            }
        }
    }
}

impl Error for Trouble {}

/// A request that lacks a part. Every one of ours is complete, so this is a bug that a test finds.
impl From<BuildError> for Trouble {
    fn from(why: BuildError) -> Self {
        Self::own(TroubleKind::Unfit, why.to_string())
    }
}

/// For `map_err`: what a failed call means.
pub fn failed<'a, E>(
    action: &'a str,
    region: &'a RegionName,
) -> impl FnOnce(SdkError<E, HttpResponse>) -> Trouble + use<'a, E>
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    move |failure| {
        let region = region.as_str();
        match &failure {
            SdkError::ServiceError(_) => Trouble::of(
                action,
                region,
                failure.code().unwrap_or_default(),
                failure.message().unwrap_or("no reason given"),
            ),
            _ => {
                let said = chain(&failure);
                let kind = if find::<aws_credential_types::provider::error::CredentialsError>(&failure).is_some() {
                    TroubleKind::Credentials
                } else if matches!(failure, SdkError::DispatchFailure(_) | SdkError::TimeoutError(_)) {
                    TroubleKind::Unreachable
                } else {
                    TroubleKind::Call
                };
                Trouble {
                    kind,
                    action: action.to_owned(),
                    region: region.to_owned(),
                    code: String::new(),
                    said,
                    told: false,
                }
            }
        }
    }
}

/// What a call found: nothing, if AWS answers with one of `codes`.
///
/// # Errors
/// Any other failure.
pub fn found<T, E>(
    result: Result<T, SdkError<E, HttpResponse>>,
    codes: &[&str],
    action: &str,
    region: &RegionName,
) -> Result<Option<T>, Trouble>
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    match result {
        Ok(value) => Ok(Some(value)),
        Err(failure) if failure.code().is_some_and(|code| codes.contains(&code)) => Ok(None),
        Err(failure) => Err(failed(action, region)(failure)),
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
pub(super) fn chain(failure: &(dyn Error + 'static)) -> String {
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
    fn the_missing_permission_is_named_even_if_it_is_not_the_call_s_own() {
        let said = "User: arn:aws:iam::1:user/x is not authorized to perform: iam:PassRole on resource: y";
        let trouble = Trouble::of("lambda:CreateFunction", "us-east-2", "AccessDenied", said);
        assert_eq!(trouble.kind, TroubleKind::Permission);
        assert!(
            trouble
                .to_string()
                .starts_with("the permission `iam:PassRole` in us-east-2 is missing"),
            "{trouble}"
        );
    }

    #[test]
    fn each_kind_of_answer_has_its_way_out() {
        let of = |code: &str| Trouble::of("rds:CreateDBCluster", "us-east-1", code, "no").to_string();
        for (code, way_out) in [
            ("ExpiredToken", "renew them"),
            ("AccessDeniedException", "add it to the role that deploys"),
            ("DBClusterQuotaExceededFault", "Service Quotas"),
            ("LimitExceededException", "Service Quotas"),
            (
                "ValidationException",
                "`rds:CreateDBCluster` in us-east-1 failed: ValidationException: no",
            ),
            ("TooManyRequestsException", "failed"),
        ] {
            let said = of(code);
            assert!(said.contains(way_out), "{code}: {said}");
        }
    }
}
