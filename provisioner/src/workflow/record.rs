//! The public record, pinned as a branch that nothing waits for: Route 53's control plane is in us-east-1, and may be lost with
//! what is being left.
//!
//! One record is enough. To take over in the standby, PRIMARY is pointed there: whichever of the two answers then leads to the
//! standby. At home it is SECONDARY that is pointed home.

use serde_json::{Map, Value, json};
use understudy_engine::workflow::Step;
use understudy_policies::model::RegionName;

use super::asl::{choice, fail, go_on, pass, task};
use super::lease::OWN;
use super::{Place, steps};

/// The shared parameter that holds the hosted zone's id: a zone that is made is not known before.
pub const ZONE_PARAMETER: &str = "hosted-zone";
/// The shared parameter that holds the id of the check that PRIMARY follows.
pub const CHECK_PARAMETER: &str = "primary-check";

/// Points the record of the other role to `to`.
pub(super) fn put(step: &Step, place: &Place<'_>, to: &RegionName, next: Option<&str>, all: &mut Map<String, Value>) {
    let name = steps::name(step.id);
    let Some(domain) = &place.deployment.domain else {
        all.insert(name, pass("the deployment file names no domain", next));
        return;
    };
    let [pick, check, primary, standby, lost, done] =
        ["pick", "check", "primary", "standby", "failed", "done"].map(|part| format!("{name}_{part}"));
    let after = next.unwrap_or(&done).to_owned();
    let timeout = step.patience.under(place.policy);
    let mut call = |id: &str, resource: &str, parameters: Value, path: Option<&str>, next: &str| {
        let mut state = task(resource, &parameters, timeout);
        state["ResultPath"] = path.into();
        state["Next"] = next.into();
        state["Retry"] = json!([steps::again_in_peace(step, place)]);
        state["Catch"] = json!([super::asl::catch(&lost, "$.failure")]);
        all.insert(id.to_owned(), state);
    };
    let parameter = |name: &str| json!({"Name": place.names.shared_parameter(name)});
    let get = "aws-sdk:ssm:getParameter";
    call(&name, get, parameter(ZONE_PARAMETER), Some("$.zone"), &pick);
    call(&check, get, parameter(CHECK_PARAMETER), Some("$.check"), &primary);
    let change = |identifier: &str, failover: &str| {
        json!({
            "Name": domain.public_name, "Type": "CNAME", "Ttl": place.policy.traffic.ttl.as_secs(),
            "SetIdentifier": identifier, "Failover": failover,
            "ResourceRecords": [{"Value": domain.entry_name(to)}],
        })
    };
    // PRIMARY follows a health check, and keeps it.
    let mut checked = change("primary", "PRIMARY");
    checked["HealthCheckId.$"] = "$.check.Parameter.Value".into();
    for (id, record) in [(&primary, checked), (&standby, change("standby", "SECONDARY"))] {
        let changes = json!({
            "HostedZoneId.$": "$.zone.Parameter.Value",
            "ChangeBatch": {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]},
        });
        call(id, "aws-sdk:route53:changeResourceRecordSets", changes, None, &after);
    }
    let away = json!({"Variable": OWN, "StringEquals": "away"});
    all.insert(pick, choice(&[(away, &check)], &standby));
    let failure = if steps::stops_nothing(step) {
        pass(
            "nothing waits for the record: the switches move the clients",
            Some(&after),
        )
    } else {
        let cause = "the public record could not be changed: it would hold clients where they are";
        fail(&steps::error(step.id), cause)
    };
    all.insert(lost, failure);
    if next.is_none() {
        let mut end = json!({"Type": "Pass"});
        go_on(&mut end, None);
        all.insert(done, end);
    }
}
