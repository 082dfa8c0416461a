//! Moving the database's writer: called once, and then looked for. A call that timed out is never made again.

use std::time::Duration;

use serde_json::{Map, Value, json};
use understudy_engine::workflow::{Patience, Step};
use understudy_policies::model::{DatabaseMethod, RegionName};

use super::asl::{catch, choice, fail, go_on, retry, task};
use super::find::{FOUND, Search};
use super::{Place, steps};

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long one look may take.
pub(super) const LOOK: Duration = Duration::from_secs(10);
/// Members of a global cluster that are looked at: ours has two.
const MEMBERS: usize = 2;
/// Nobody knows what came of it: never a reason to undo anything.
const UNKNOWN: &str = "WriterUnknown";

fn member(index: usize, field: &str) -> String {
    format!("$.looked.GlobalClusters[0].GlobalClusterMembers[{index}].{field}")
}

/// Some member is this cluster, and it writes.
fn writes(arn: &str) -> Value {
    let is = |index| {
        json!({"And": [
            {"Variable": member(index, "DbClusterArn"), "IsPresent": true},
            {"Variable": member(index, "DbClusterArn"), "StringEquals": arn},
            {"Variable": member(index, "IsWriter"), "BooleanEquals": true},
        ]})
    };
    json!({"Or": (0..MEMBERS).map(is).collect::<Vec<_>>()})
}

/// Some member is this cluster.
pub(super) fn belongs(arn: &str) -> Value {
    let is = |index| {
        json!({"And": [
            {"Variable": member(index, "DbClusterArn"), "IsPresent": true},
            {"Variable": member(index, "DbClusterArn"), "StringEquals": arn},
        ]})
    };
    json!({"Or": (0..MEMBERS).map(is).collect::<Vec<_>>()})
}

/// No member is this cluster, which was one: it stands alone, and writes.
fn detached(arn: &str) -> Value {
    json!({"And": [
        {"Variable": "$.looked.GlobalClusters[0]", "IsPresent": true},
        {"Not": belongs(arn)},
    ]})
}

/// The writer is on its way.
fn moving() -> Value {
    let status = "$.looked.GlobalClusters[0].FailoverState.Status";
    json!({"And": [
        {"Variable": status, "IsPresent": true},
        {"Not": {"Variable": status, "StringEquals": "cancelling"}},
    ]})
}

/// The global cluster that was found, as it is now.
fn look() -> Value {
    task(
        "aws-sdk:rds:describeGlobalClusters",
        &json!({"GlobalClusterIdentifier.$": FOUND}),
        LOOK,
    )
}

/// Makes this region's database the writer.
pub(super) fn promote(step: &Step, place: &Place<'_>, next: Option<&str>, all: &mut Map<String, Value>) {
    let own = place.cluster_arn(place.region);
    let patience = step.patience.under(place.policy);
    let (resource, parameters, seen) = match place.policy.database.method {
        // Aurora fences as well as it can, and rebuilds the old region by itself.
        DatabaseMethod::AuroraManaged => (
            "aws-sdk:rds:failoverGlobalCluster",
            json!({"GlobalClusterIdentifier.$": FOUND, "TargetDbClusterIdentifier": own, "AllowDataLoss": true}),
            writes(&own),
        ),
        // Quicker, and it fences nothing: the lease and the commit fence do.
        DatabaseMethod::AuroraDetach => (
            "aws-sdk:rds:removeFromGlobalCluster",
            json!({"GlobalClusterIdentifier.$": FOUND, "DbClusterIdentifier": own}),
            json!({"Or": [detached(&own), writes(&own)]}),
        ),
        DatabaseMethod::Postgres => {
            steps::put_function(step, place, &json!({}), next, all);
            return;
        }
    };
    let name = steps::name(step.id);
    let elsewhere = format!("{name}_elsewhere");
    // One that was detached and not rebuilt is in none: "not in it" is what tells a detach that has worked, so it is not begun.
    let search = Search {
        name: &name,
        found: &name,
        lost: &elsewhere,
    };
    search.put(place, all);
    all.insert(
        elsewhere.clone(),
        fail(
            UNKNOWN,
            &format!(
                "the database of this region is not known to be in {0}, nor in a later one ({0}-*): nothing was moved; promote it \
                 by hand",
                place.names.global_cluster()
            ),
        ),
    );
    // A promotion takes as long as it takes. Until the state's deadline it is looked for, and what is not seen by then is
    // unknown: undoing it could leave two writers, or none.
    let moved = Move {
        step,
        call: task(resource, &parameters, patience.min(Duration::from_secs(60))),
        look: look(),
        seen,
        patience: step.state.deadline(&place.policy.deadlines).unwrap_or(patience),
        unseen: UNKNOWN.to_owned(),
    };
    moved.put(next, all);
}

/// Moves the writer to the other region, without loss.
pub(super) fn switch_over(step: &Step, place: &Place<'_>, next: Option<&str>, all: &mut Map<String, Value>) {
    if place.policy.database.method == DatabaseMethod::Postgres {
        steps::put_function(step, place, &json!({}), next, all);
        return;
    }
    let home = place.cluster_arn(place.peer);
    let name = steps::name(step.id);
    let elsewhere = format!("{name}_elsewhere");
    let search = Search {
        name: &name,
        found: &name,
        lost: &elsewhere,
    };
    search.put(place, all);
    all.insert(
        elsewhere.clone(),
        fail(
            &steps::error(step.id),
            &format!(
                "the database of this region is not known to be in {0}, nor in a later one ({0}-*): there is no pair to move home",
                place.names.global_cluster()
            ),
        ),
    );
    let moved = Move {
        step,
        call: task(
            "aws-sdk:rds:switchoverGlobalCluster",
            &json!({
                "GlobalClusterIdentifier.$": FOUND,
                "TargetDbClusterIdentifier": home,
            }),
            Duration::from_secs(60),
        ),
        look: look(),
        seen: writes(&home),
        patience: Patience::Switchover.under(place.policy),
        unseen: steps::error(step.id),
    };
    moved.put(next, all);
}

/// Fails if the writer is in the other region after all: then the failback goes on.
pub(super) fn look_at_writer(step: &Step, place: &Place<'_>, next: Option<&str>, all: &mut Map<String, Value>) {
    if place.policy.database.method == DatabaseMethod::Postgres {
        steps::put_function(step, place, &json!({}), next, all);
        return;
    }
    let name = steps::name(step.id);
    let [judge, wait, failed, done, unseen] =
        ["judge", "wait", "failed", "done", "unseen"].map(|part| format!("{name}_{part}"));
    let after = next.unwrap_or(&done).to_owned();
    let search = Search {
        name: &name,
        found: &name,
        lost: &unseen,
    };
    search.put(place, all);
    let mut look = look();
    look["ResultPath"] = "$.looked".into();
    look["Next"] = judge.clone().into();
    look["Retry"] = json!([retry(LOOK_EVERY, steps::tries(step, place))]);
    look["Catch"] = json!([catch(&unseen, "$.failure")]);
    all.insert(name.clone(), look);
    // What is on its way is waited for: opening here while the writer leaves would be two.
    all.insert(
        judge,
        choice(
            &[(moving(), &wait), (writes(&place.cluster_arn(place.peer)), &failed)],
            &after,
        ),
    );
    all.insert(
        wait,
        json!({"Type": "Wait", "Seconds": LOOK_EVERY.as_secs(), "Next": name}),
    );
    all.insert(
        failed,
        fail(
            &steps::error(step.id),
            "the writer is in the other region: the failback goes on",
        ),
    );
    all.insert(
        unseen,
        fail(
            UNKNOWN,
            "nobody says which region's database writes: look at the global cluster before anything is opened",
        ),
    );
    if next.is_none() {
        let mut end = json!({"Type": "Pass"});
        go_on(&mut end, None);
        all.insert(done, end);
    }
}

/// One call, and then looks, until it is seen.
struct Move<'a> {
    step: &'a Step,
    call: Value,
    look: Value,
    seen: Value,
    patience: Duration,
    /// The error in which it ends if it is not seen by then.
    unseen: String,
}

impl Move<'_> {
    fn put(self, next: Option<&str>, all: &mut Map<String, Value>) {
        let name = steps::name(self.step.id);
        let [begin, looked, judge, wait, again, failed, done] =
            ["begin", "look", "judge", "wait", "again", "failed", "done"].map(|part| format!("{name}_{part}"));
        let after = next.unwrap_or(&done).to_owned();
        let looks = self.patience.as_secs() / LOOK_EVERY.as_secs() + 1;
        let mut call = self.call;
        call["ResultPath"] = Value::Null;
        call["Next"] = begin.clone().into();
        // Whatever came of it is looked up; it is never called again.
        call["Catch"] = json!([catch(&begin, "$.failure")]);
        all.insert(name, call);
        all.insert(
            begin,
            json!({"Type": "Pass", "Result": {"count": 0}, "ResultPath": "$.looks", "Next": looked}),
        );
        let mut look = self.look;
        look["ResultPath"] = "$.looked".into();
        look["Next"] = judge.clone().into();
        look["Retry"] = json!([retry(LOOK_EVERY, 10)]);
        look["Catch"] = json!([catch(&failed, "$.failure")]);
        all.insert(looked.clone(), look);
        let enough = json!({"Variable": "$.looks.count", "NumericGreaterThanEquals": looks});
        all.insert(judge, choice(&[(self.seen, &after), (enough, &failed)], &wait));
        all.insert(
            wait,
            json!({"Type": "Wait", "Seconds": LOOK_EVERY.as_secs(), "Next": again}),
        );
        all.insert(
            again,
            json!({
                "Type": "Pass", "ResultPath": "$.looks", "Next": looked,
                "Parameters": {"count.$": "States.MathAdd($.looks.count, 1)"},
            }),
        );
        all.insert(
            failed,
            fail(
                &self.unseen,
                "the writer did not move in time: look at the global cluster before anything else is tried",
            ),
        );
        if next.is_none() {
            let mut end = json!({"Type": "Pass"});
            go_on(&mut end, None);
            all.insert(done, end);
        }
    }
}

/// The clusters and the global cluster that a machine may touch.
pub(crate) fn resources(names: &crate::deployment::Names, regions: [&RegionName; 2]) -> Vec<String> {
    let global = names.arn("rds", None, &format!("global-cluster:{}", names.global_cluster()));
    let mut all = vec![format!("{global}-*"), global];
    all.extend(regions.map(|region| names.arn("rds", Some(region), &format!("cluster:{}", names.cluster(region)))));
    all
}
