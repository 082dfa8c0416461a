//! The policy file: read at the start, and again when somebody asks for it.

use understudy_policies::policy::Document;
use understudy_policies::source::{Severity, Style};
use understudy_policies::{Policy, check};

use super::given::Given;

/// The policy of a file, if the checker lets it pass: an engine never runs on one that cannot keep its promise.
///
/// # Errors
/// With everything that is wrong with it, as a person reads it.
pub fn read(place: &Given, style: Style) -> Result<Policy, String> {
    let source = place.source().map_err(|wrong| format!("error: {wrong}\n"))?;
    let document = Document::read(&source).map_err(|wrong| wrong.render(style))?;
    let found = check(&document);
    if found.count(Severity::Error) > 0 {
        return Err(found.render(style));
    }
    Ok(document.into_policy())
}

/// What a running sidecar cannot take over from a new policy: what it must have in common with every other one.
///
/// # Errors
/// With what has to be done instead.
pub fn can_follow(now: &Policy, next: &Policy) -> Result<(), String> {
    let refuse = |table: &str| {
        Err(format!(
            "error: `{table}` has changed, and all sidecars of both regions must agree on it; restart all of them with \
             the new policy, or take that change out\n"
        ))
    };
    if now.regions != next.regions {
        refuse("regions")
    } else if now.lease != next.lease {
        refuse("lease")
    } else {
        Ok(())
    }
}
