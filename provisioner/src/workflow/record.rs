//! The public record, pinned as a branch that nothing waits for: Route 53's control plane is in us-east-1, and may be lost with
//! what is being left.
//!
//! One record is enough. To take over in the standby, PRIMARY is pointed there: whichever of the two answers then leads to the
//! standby. At home it is SECONDARY that is pointed home.

use std::time::Duration;

use serde_json::{Map, Value, json};
use understudy_engine::workflow::Step;
use understudy_policies::model::RegionName;

use super::asl::{choice, go_on, retry, task};
use super::{Place, steps};

/// Where the zone's id is kept: a zone that is made is not known before.
pub const ZONE_PARAMETER: &str = "hosted-zone";

/// Points the record of the other role to `to`.
pub(super) fn put(step: &Step, place: &Place<'_>, to: &RegionName, next: Option<&str>, all: &mut Map<String, Value>) {
    let name = steps::name(step.id);
    let Some(domain) = &place.deployment.domain else {
        all.insert(name, super::asl::pass("the deployment file names no domain", next));
        return;
    };
    let [zone, records, pick, lost, done] =
        ["zone", "records", "pick", "failed", "done"].map(|part| format!("{name}_{part}"));
    let after = next.unwrap_or(&done).to_owned();
    let timeout = step.patience.under(place.policy);
    let mut put = |id: &str, mut state: Value, path: &str, next: &str| {
        state["ResultPath"] = if path.is_empty() { Value::Null } else { path.into() };
        state["Next"] = next.into();
        state["Retry"] = json!([retry(Duration::from_secs(1), steps::attempts(step, place))]);
        state["Catch"] = json!([super::asl::catch(&lost, "$.failure")]);
        all.insert(id.to_owned(), state);
    };
    // Read, because neither the zone's id nor the health check's is known before they are made.
    let parameter = json!({"Name": place.names.shared_parameter(ZONE_PARAMETER)});
    put(
        &zone,
        task("aws-sdk:ssm:getParameter", &parameter, timeout),
        "$.zone",
        &records,
    );
    let wanted = json!({
        "HostedZoneId.$": "$.zone.Parameter.Value", "StartRecordName": domain.public_name, "StartRecordType": "CNAME",
        "MaxItems": "2",
    });
    put(
        &records,
        task("aws-sdk:route53:listResourceRecordSets", &wanted, timeout),
        "$.records",
        &pick,
    );
    let mut rules = Vec::new();
    for role in [PRIMARY, SECONDARY] {
        for index in 0..RECORDS {
            let id = format!("{name}_{}_{index}", role.identifier);
            let changes = role.change(
                place,
                domain.public_name.as_str(),
                &domain.regional_name(to.as_str()),
                index,
            );
            put(
                &id,
                task("aws-sdk:route53:changeResourceRecordSets", &changes, timeout),
                "",
                &after,
            );
            rules.push((role.stands_at(index), id));
        }
    }
    let rules: Vec<(Value, &str)> = rules.iter().map(|(rule, id)| (rule.clone(), id.as_str())).collect();
    all.insert(pick, choice(&rules, &lost));
    let failure = if steps::stops_nothing(step) {
        super::asl::pass(
            "nothing waits for the record: the switches move the clients",
            Some(&after),
        )
    } else {
        super::asl::fail(
            &steps::error(step.id),
            "the public record could not be changed: it would hold clients where they are",
        )
    };
    all.insert(lost, failure);
    // The step's own name stands where its work begins.
    let begin = json!({"Type": "Pass", "Next": zone});
    all.insert(name, begin);
    if next.is_none() {
        let mut end = json!({"Type": "Pass"});
        go_on(&mut end, None);
        all.insert(done, end);
    }
}

/// The two records of the public name, in an order that Route 53 chooses.
const RECORDS: usize = 2;

/// Which record is pointed elsewhere, by the region that runs the machine.
#[derive(Debug, Clone, Copy)]
struct Role {
    /// Of the region that the lease item calls so.
    own: &'static str,
    identifier: &'static str,
    failover: &'static str,
    /// Only PRIMARY follows a health check, and keeps it.
    checked: bool,
}

const PRIMARY: Role = Role {
    own: "away",
    identifier: "primary",
    failover: "PRIMARY",
    checked: true,
};
const SECONDARY: Role = Role {
    own: "home",
    identifier: "standby",
    failover: "SECONDARY",
    checked: false,
};

impl Role {
    fn stands_at(self, index: usize) -> Value {
        let path = format!("$.records.ResourceRecordSets[{index}].SetIdentifier");
        json!({"And": [
            {"Variable": super::lease::OWN, "StringEquals": self.own},
            {"Variable": path, "IsPresent": true},
            {"Variable": path, "StringEquals": self.identifier},
        ]})
    }

    fn change(self, place: &Place<'_>, name: &str, target: &str, index: usize) -> Value {
        let mut record = json!({
            "Name": name, "Type": "CNAME", "Ttl": place.policy.traffic.ttl.as_secs(),
            "SetIdentifier": self.identifier, "Failover": self.failover,
            "ResourceRecords": [{"Value": target}],
        });
        if self.checked {
            record["HealthCheckId.$"] = format!("$.records.ResourceRecordSets[{index}].HealthCheckId").into();
        }
        json!({
            "HostedZoneId.$": "$.zone.Parameter.Value",
            "ChangeBatch": {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]},
        })
    }
}
