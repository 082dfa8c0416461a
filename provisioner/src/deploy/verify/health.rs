//! What is asked from outside: the regions' own names, and what Route 53's checkers see.
//!
//! A name that was made a moment ago answers a moment later: a record is in all of Route 53's servers within a minute, and the
//! checkers need some tens of seconds more. So what says no is asked again, for two minutes at most, if this run has changed
//! anything, or if the answer itself says "not yet".

use std::collections::BTreeMap;
use std::error::Error as _;
use std::time::Duration;

use tokio::time::Instant;
use understudy_policies::model::RegionName;

use super::probes::PLACEHOLDER;
use super::{Look, Verdict};
use crate::aws::trouble::failed;
use crate::deploy::parts::HEALTHY;
use crate::spanning::checks::{Asks, Check};
use crate::templates::{HEALTH_PATH, Layer};

/// Between two questions.
const ASK_EVERY: Duration = Duration::from_secs(5);
/// How long it is asked, and how often at most.
const ASK_FOR: Duration = Duration::from_secs(120);
const ASKS_MAX: u32 = 120;
/// Route 53's own rule: a check is healthy if more than this share of its checkers say so, in percent
/// (<https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-failover-determining-health-of-endpoints.html>).
const CHECKERS_PERCENT: usize = 18;
/// What a checker's status begins with if it saw what it looks for.
const SUCCESS: &str = "Success";

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Answer {
    verdict: Verdict,
    says: String,
    /// It says itself that it is too early.
    not_yet: bool,
}

impl Answer {
    fn new(verdict: Verdict, says: impl Into<String>) -> Self {
        Self {
            verdict,
            says: says.into(),
            not_yet: false,
        }
    }

    fn not_yet(verdict: Verdict, says: impl Into<String>) -> Self {
        Self {
            not_yet: true,
            ..Self::new(verdict, says)
        }
    }
}

/// Where a switch should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// Nobody is held away from home.
    Idle,
    /// The standby serves.
    Engaged,
}

impl Look<'_> {
    /// R10.3: both regions' own names answer.
    pub(super) async fn at_endpoints(&mut self) {
        let what = "the endpoint answers";
        let regions = self.world.regions().clone();
        let asked = [0, 1].map(|index| {
            let url = self.endpoint(index, &regions[index]);
            async {
                match url {
                    Some(url) => {
                        let ask = async || self.endpoint_answer(&url).await;
                        self.patiently(&url, ask).await
                    }
                    None => Answer::new(
                        Verdict::Unknown,
                        "its API is not AWS's own here, and nobody says where it answers",
                    ),
                }
            }
        });
        let answers = futures_util::future::join_all(asked).await;
        for (index, answer) in answers.into_iter().enumerate() {
            self.placeholders[index] = answer.verdict == Verdict::Unknown && answer.says.contains(PLACEHOLDER);
            self.point("R10.3", what, &regions[index], answer.verdict, answer.says);
        }
    }

    async fn endpoint_answer(&self, url: &str) -> Answer {
        let answer = match self.world.shared.aws.http().get(url).send().await {
            Ok(answer) => answer,
            Err(why) if is_unresolved(&why) => {
                return Answer::not_yet(Verdict::No, format!("{url}: the name leads nowhere yet: {why}"));
            }
            Err(why) => return Answer::new(Verdict::No, format!("{url}: {why}")),
        };
        let status = answer.status();
        let body = answer.text().await.unwrap_or_default();
        if body.contains(PLACEHOLDER) {
            let says = format!("{url}: {status}, from the {PLACEHOLDER}: the program is not there yet");
            return Answer::new(Verdict::Unknown, says);
        }
        let verdict = match status.is_success() && body.contains(HEALTHY) {
            true => Verdict::Yes,
            false => Verdict::No,
        };
        let body: String = body.chars().take(80).collect();
        Answer::new(verdict, format!("{url}: {status}, {body}"))
    }

    /// Asks, and asks again while it is no and may still become yes.
    async fn patiently(&self, what: &str, ask: impl AsyncFn() -> Answer) -> Answer {
        let began = Instant::now();
        let every = self.world.patience.look_every.min(ASK_EVERY);
        let mut answer = ask().await;
        for _ in 1..ASKS_MAX {
            let may_change = answer.not_yet || (self.fresh && answer.verdict == Verdict::No);
            if !may_change || began.elapsed() > ASK_FOR {
                break;
            }
            self.report.waits("verify", what, began.elapsed());
            tokio::time::sleep(every).await;
            answer = ask().await;
        }
        answer
    }

    /// Where a region's health is asked. An emulator serves its APIs under its own address.
    fn endpoint(&self, index: usize, region: &RegionName) -> Option<String> {
        let api = self.exports.get(self.world, index, "api");
        let stack = self.world.platform.stack(region, Layer::Api)?;
        let resources = stack.template["Resources"].as_object()?;
        let stage = resources
            .values()
            .find(|resource| resource["Type"] == "AWS::ApiGateway::Stage")?;
        let stage = stage["Properties"]["StageName"].as_str()?;
        if let Some(endpoint) = self.world.shared.aws.endpoint_of("API_GATEWAY") {
            let endpoint = endpoint.trim_end_matches('/');
            return Some(format!(
                "{endpoint}/restapis/{}/{}/_user_request_{HEALTH_PATH}",
                api?, stage
            ));
        }
        match &self.world.deployment.domain {
            Some(domain) => Some(format!(
                "https://{}{HEALTH_PATH}",
                domain.regional_name(region.as_str())
            )),
            None => Some(format!(
                "https://{}.execute-api.{region}.amazonaws.com/{}{HEALTH_PATH}",
                api?, stage
            )),
        }
    }

    /// R1.1: what Route 53's own checkers say.
    pub(super) async fn at_health_checks(&mut self) {
        let Some(checks) = self.world.checks() else {
            return;
        };
        let engaged = match self.world.situation().await {
            Ok(situation) if situation.holder == Some(1) => Wanted::Engaged,
            Ok(_) => Wanted::Idle,
            Err(trouble) => return self.untold("R1.1", "health checks are healthy", "global", &trouble),
        };
        let asked = checks.checks.iter().map(async |check| match &check.asks {
            // It is told by what it is made of.
            Asks::All(_) => None,
            Asks::RoutingControl(_) => Some(Answer::new(
                Verdict::Unknown,
                "Route 53 tells nobody how a routing control stands: see it in ARC",
            )),
            Asks::Text { .. } => Some(match checks.id(&check.name).await {
                Ok(Some(id)) => {
                    let ask = async || self.checkers_answer(check, &id, engaged).await;
                    self.patiently(&format!("the checkers of {}", check.name), ask).await
                }
                Ok(None) => Answer::new(Verdict::No, "it is not there"),
                Err(trouble) => Answer::new(Verdict::No, trouble.to_string()),
            }),
        });
        let answers = futures_util::future::join_all(asked).await;
        let mut told: BTreeMap<&str, Verdict> = BTreeMap::new();
        for (check, answer) in checks.checks.iter().zip(answers) {
            let answer = match (&check.asks, answer) {
                (_, Some(answer)) => answer,
                (Asks::All(parts), None) => calculated(parts, &told),
                (_, None) => continue,
            };
            told.insert(&check.name, answer.verdict);
            let what = match check.asks {
                Asks::Text { inverted: true, .. } => format!("{} stands right", check.name),
                _ => format!("{} is healthy", check.name),
            };
            self.point("R1.1", what, "global", answer.verdict, answer.says);
        }
    }

    async fn checkers_answer(&self, check: &Check, id: &str, switch: Wanted) -> Answer {
        let region = &self.world.regions()[0];
        let client = self.world.shared.aws.route53(region);
        let answer = client.get_health_check_status().health_check_id(id).send().await;
        let answer = match answer.map_err(failed("route53:GetHealthCheckStatus", region)) {
            Ok(answer) => answer,
            Err(trouble) => return Answer::new(Verdict::Unknown, trouble.to_string()),
        };
        let seen = answer.health_check_observations().iter();
        let statuses: Vec<&str> = seen
            .filter_map(|seen| seen.status_report().and_then(|report| report.status()))
            .collect();
        match &check.asks {
            Asks::Text { inverted: true, .. } => switch_stands(&statuses, switch),
            Asks::Text { host, .. } => {
                let answer = healthy(&statuses);
                let index = self.region_of(host);
                if answer.verdict == Verdict::No && index.is_some_and(|index| self.placeholders[index]) {
                    let says = format!("{}; the {PLACEHOLDER} answers there, and is not healthy", answer.says);
                    return Answer::new(Verdict::Unknown, says);
                }
                answer
            }
            _ => Answer::new(Verdict::Unknown, "it has no checkers"),
        }
    }

    /// The region whose own name this is.
    fn region_of(&self, host: &str) -> Option<usize> {
        let domain = self.world.deployment.domain.as_ref()?;
        let mut regions = self.world.regions().iter();
        regions.position(|region| domain.regional_name(region.as_str()) == host)
    }
}

/// How many checkers see what they look for, and whether those are enough.
fn enough(statuses: &[&str]) -> (usize, bool) {
    let good = statuses.iter().filter(|status| status.starts_with(SUCCESS)).count();
    (good, good * 100 > statuses.len() * CHECKERS_PERCENT)
}

fn healthy(statuses: &[&str]) -> Answer {
    let (good, enough) = enough(statuses);
    let all = statuses.len();
    let mut objecting = statuses.iter().filter(|status| !status.starts_with(SUCCESS));
    match objecting.next() {
        None if all == 0 => Answer::not_yet(Verdict::Unknown, "no checker has asked yet"),
        Some(why) if !enough => Answer::new(
            Verdict::No,
            format!("{good} of {all} checkers; the first of the others says: {why}"),
        ),
        _ => Answer::new(Verdict::Yes, format!("{good} of {all} checkers")),
    }
}

/// A switch's check is inverted, and what the checkers say is told as it was before that: "success" is a switch that they see
/// engaged.
fn switch_stands(statuses: &[&str], wanted: Wanted) -> Answer {
    let (good, engaged) = enough(statuses);
    let all = statuses.len();
    let Some(first) = statuses.first() else {
        return Answer::not_yet(Verdict::Unknown, "no checker has asked yet");
    };
    let unreached = |status: &&str| {
        ["connection", "DNS", "resolve", "timed out"]
            .iter()
            .any(|word| status.contains(word))
    };
    match (wanted, engaged) {
        (Wanted::Idle, true) => Answer::new(
            Verdict::No,
            format!("{good} of {all} checkers see it engaged, and clients belong at home"),
        ),
        (Wanted::Engaged, true) => Answer::new(
            Verdict::Yes,
            format!("engaged, as it should be while the standby serves: {good} of {all} checkers see that"),
        ),
        // A switch that nobody reaches moves no client, and could not.
        (_, false) if statuses.iter().all(unreached) => Answer::not_yet(
            Verdict::Unknown,
            format!("none of {all} checkers gets through to it; the first says: {first}"),
        ),
        (Wanted::Idle, false) => Answer::new(
            Verdict::Yes,
            format!("idle, as it should be while home serves: {good} of {all} checkers see it engaged"),
        ),
        (Wanted::Engaged, false) => Answer::new(
            Verdict::No,
            format!("{good} of {all} checkers see it engaged, and the standby serves"),
        ),
    }
}

/// A calculated check has no checkers, and `GetHealthCheckStatus` does not tell of it.
fn calculated(parts: &[String], told: &BTreeMap<&str, Verdict>) -> Answer {
    let verdicts = parts
        .iter()
        .map(|part| told.get(part.as_str()).copied().unwrap_or(Verdict::Unknown));
    // Of yes, no and unknown, a single no decides; then what is not known.
    let worst = |one: Verdict, other: Verdict| match (one, other) {
        (Verdict::No, _) | (_, Verdict::No) => Verdict::No,
        (Verdict::Unknown, _) | (_, Verdict::Unknown) => Verdict::Unknown,
        _ => Verdict::Yes,
    };
    let verdict = verdicts.fold(Verdict::Yes, worst);
    let says = format!(
        "calculated of {}: told by them, for Route 53 tells no more",
        parts.join(", ")
    );
    Answer::new(verdict, says)
}

/// Whether the name is not known to a resolver.
fn is_unresolved(why: &reqwest::Error) -> bool {
    let mut source = why.source();
    while let Some(inner) = source {
        if inner.to_string().contains("dns error") || inner.to_string().contains("failed to lookup") {
            return true;
        }
        source = inner.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const MATCH: &str = "Success: HTTP Status Code 200, OK";
    const NO_MATCH: &str = "Failure: HTTP Status Code 200, OK. The string was not found";
    const UNREACHED: &str = "Failure: The health checker could not establish a connection within the timeout limit.";

    #[test]
    fn an_endpoint_is_healthy_if_more_than_18_percent_say_so() {
        let of = |good: usize, all: usize| {
            let mut statuses = vec![MATCH; good];
            statuses.resize(all, UNREACHED);
            healthy(&statuses)
        };
        assert_eq!(of(4, 16).verdict, Verdict::Yes);
        assert_eq!(of(2, 16).verdict, Verdict::No);
        assert!(of(2, 16).says.contains("could not establish a connection"));
        assert!(of(0, 0).not_yet, "new");
    }

    #[test]
    fn an_idle_switch_is_what_is_wanted_while_home_serves() {
        let stands = |statuses: &[&str], wanted| switch_stands(statuses, wanted).verdict;
        assert_eq!(stands(&[NO_MATCH; 16], Wanted::Idle), Verdict::Yes);
        assert_eq!(stands(&[MATCH; 16], Wanted::Idle), Verdict::No);
        assert_eq!(stands(&[MATCH; 16], Wanted::Engaged), Verdict::Yes);
        assert_eq!(stands(&[NO_MATCH; 16], Wanted::Engaged), Verdict::No);
        for wanted in [Wanted::Idle, Wanted::Engaged] {
            assert_eq!(
                stands(&[UNREACHED; 16], wanted),
                Verdict::Unknown,
                "nobody knows how it stands"
            );
            assert!(switch_stands(&[UNREACHED; 16], wanted).not_yet);
            assert!(switch_stands(&[], wanted).not_yet);
        }
    }

    #[test]
    fn a_calculated_check_is_what_its_parts_are() {
        let parts = ["a", "b"].map(str::to_owned);
        let of = |a, b| calculated(&parts, &BTreeMap::from([("a", a), ("b", b)])).verdict;
        assert_eq!(of(Verdict::Yes, Verdict::Yes), Verdict::Yes);
        assert_eq!(of(Verdict::Unknown, Verdict::Yes), Verdict::Unknown);
        assert_eq!(of(Verdict::Unknown, Verdict::No), Verdict::No);
        assert_eq!(calculated(&parts, &BTreeMap::new()).verdict, Verdict::Unknown);
    }
}
