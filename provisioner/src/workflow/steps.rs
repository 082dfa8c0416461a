//! Each step as one or more states.

use std::time::Duration;

use serde_json::{Map, Value, json};
use understudy_engine::core::effect::Gate;
use understudy_engine::core::lease::RoleChangeKind;
use understudy_engine::workflow::{FAILBACK, FAILOVER, OnFailure, Patience, Retry, Step, StepId};

use super::asl::{catch, choice, fail, go_on, pass, retry, seconds, task};
use super::lease::{self, NEXT, OTHER, OWN, SEEN, Update};
use super::{Place, carry, database, record};

/// A step's name, the same as in journals and logs.
pub(super) fn name(id: StepId) -> String {
    let name = serde_json::to_value(id).ok();
    name.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The error in which its failure ends: `write-claim` fails as `WriteClaimFailed`.
pub(super) fn error(id: StepId) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        letters
            .next()
            .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    };
    let words: String = name(id).split('-').map(word).collect();
    format!("{words}Failed")
}

/// Whether the policy asks a human at this step.
pub(super) fn asks(step: &Step, place: &Place<'_>) -> bool {
    let gates = &place.policy.gates;
    match step.gate {
        Some(Gate::Failover) => gates.approve_failover,
        Some(Gate::Failback) => gates.approve_failback,
        Some(Gate::VenueReconciliation) => gates.reconcile_venues,
        None => false,
    }
}

/// Whether its failure stops nothing.
pub(super) fn stops_nothing(step: &Step) -> bool {
    step.on_failure == OnFailure::Continue
}

/// Where the step begins.
pub(super) fn entry(step: &Step, place: &Place<'_>) -> String {
    use StepId::*;
    let first = match step.id {
        WriteClaim | RaiseEpoch | RecordCompletion | MarkProtected | RecordFailback | TransferLease
        | RecordRollback => "mark",
        PromoteDatabase | SwitchOverDatabase | LookAtWriter if !is_postgres(place) => "find",
        GiveUpLease => "look",
        _ => return name(step.id),
    };
    format!("{}_{first}", name(step.id))
}

fn is_postgres(place: &Place<'_>) -> bool {
    place.policy.database.method == understudy_policies::model::DatabaseMethod::Postgres
}

/// The most retries of one step: an execution's history holds 25,000 events, and a retry is a few of them.
const RETRIES_MAX: u64 = 1000;

/// How it is tried again: until its state's deadline, if doing it twice is doing it once. None: never.
fn again(step: &Step, place: &Place<'_>) -> Option<Value> {
    let deadline = deadline(step, place);
    match step.retry {
        Retry::LookFirst => None,
        // A function that says "not yet" says it at once, and may not take as long as the step.
        Retry::UntilDeadline if deadline > RETRIES_MAX && !is_carried(step) => {
            Some(retry(Duration::from_secs(deadline.div_ceil(RETRIES_MAX)), RETRIES_MAX))
        }
        _ => Some(retry(Duration::from_secs(1), tries(step, place))),
    }
}

/// How often it is tried again, a second after each failure, if each try takes as long as it may.
pub(super) fn tries(step: &Step, place: &Place<'_>) -> u64 {
    match step.retry {
        Retry::LookFirst => 0,
        Retry::BestEffort => 1,
        Retry::UntilDeadline => {
            // A function has two seconds at least.
            let least = if is_carried(step) { 3 } else { 1 };
            let round = (step.patience.under(place.policy).as_secs() + 1).max(least);
            (deadline(step, place) / round).clamp(1, RETRIES_MAX)
        }
    }
}

/// How a record is tried again: if nothing waits for it, then as the engine does, as long after each try as one may take, because
/// the control plane may be back long after the failover.
pub(super) fn again_in_peace(step: &Step, place: &Place<'_>) -> Value {
    if !is_carried(step) {
        return retry(Duration::from_secs(1), tries(step, place));
    }
    let patience = step.patience.under(place.policy);
    let round = (2 * patience).as_secs().max(1);
    retry(patience, (deadline(step, place) / round).max(1))
}

/// In seconds.
fn deadline(step: &Step, place: &Place<'_>) -> u64 {
    if is_carried(step) {
        return carry::window(step, place).as_secs();
    }
    let deadline = step.state.deadline(&place.policy.deadlines);
    deadline.unwrap_or_default().as_secs()
}

/// Whether it goes on beside the states after its own.
fn is_carried(step: &Step) -> bool {
    let definitions = [FAILOVER, FAILBACK];
    let mut own = definitions.iter().filter(|definition| definition.steps.contains(step));
    own.any(|definition| carry::is_carried(step, definition.steps))
}

/// Puts a step's states.
pub(super) fn put(
    step: &Step,
    place: &Place<'_>,
    way: RoleChangeKind,
    next: Option<&str>,
    all: &mut Map<String, Value>,
) {
    use StepId::*;
    let failover = way == RoleChangeKind::Failover;
    // The epoch in which what is done counts.
    let epoch = if failover { NEXT } else { SEEN };
    match step.id {
        ApproveFailover | ApproveFailback | ReconcileVenues => approval(step, place, next, all),
        WriteClaim => {
            let update = Update::held(OTHER, SEEN)
                .when_absent_or("claim_region", json!({"S.$": OWN}))
                .set("claim_region", json!({"S.$": OWN}))
                .set_if_absent("claim_nonce", json!({"S.$": "$.write.nonce"}));
            lease::put(step, update, place, next, all);
        }
        AwaitLease => await_lease(step, place, next, all),
        RaiseEpoch => {
            let update = Update::held(OTHER, SEEN)
                .when("claim_region", json!({"S.$": OWN}))
                .new_term(OWN)
                .role_change("failover", "raise-epoch")
                .set("protected", json!({"BOOL": false}));
            lease::put(step, update, place, next, all);
        }
        RecordCompletion => {
            lease::put(
                step,
                Update::held(OWN, NEXT)
                    .no_role_change()
                    .set("protected", json!({"BOOL": false})),
                place,
                next,
                all,
            );
        }
        MarkProtected => {
            lease::put(
                step,
                Update::held(OWN, NEXT).set("protected", json!({"BOOL": true})),
                place,
                next,
                all,
            );
        }
        RecordFailback => {
            lease::put(
                step,
                Update::held(OWN, SEEN).role_change("failback", "record-failback"),
                place,
                next,
                all,
            );
        }
        RecordRollback => lease::put(step, Update::held(OWN, SEEN).no_role_change(), place, next, all),
        TransferLease => {
            let update = Update::held(OWN, SEEN)
                .new_term(OTHER)
                .set("protected", json!({"BOOL": true}))
                .no_role_change();
            lease::put(step, update, place, next, all);
        }
        GiveUpLease => give_up(step, place, next, all),
        ConfirmHome => confirm_home(step, place, next, all),
        OpenIntake => opened(step, place, epoch, "intake", next, all),
        OpenProcessing => opened(step, place, epoch, "processing", next, all),
        CloseOrderPath => close(step, place, epoch, next, all),
        PromoteDatabase => database::promote(step, place, next, all),
        SwitchOverDatabase => database::switch_over(step, place, next, all),
        LookAtWriter => database::look_at_writer(step, place, next, all),
        PinRecord => record::put(step, place, place.region, next, all),
        UnpinRecord => {
            // Back to the region whose record it is.
            record::put(step, place, place.peer, next, all);
        }
        Announce => {
            let message = json!({"TopicArn": place.topic_arn(), "Subject": format!("understudy {way:?}"),
                "Message.$": "States.JsonToString($.epochs)"});
            simple(
                step,
                place,
                task("sns:publish", &message, step.patience.under(place.policy)),
                next,
                all,
            );
        }
        EngageSwitchA | EngageSwitchB => put_function(
            step,
            place,
            &json!({"engaged.$": "$.place.engaged_here", "epoch.$": epoch}),
            next,
            all,
        ),
        DisengageSwitchA | DisengageSwitchB => {
            put_function(
                step,
                place,
                &json!({"engaged.$": "$.place.engaged_there", "epoch.$": epoch}),
                next,
                all,
            );
        }
        WriteServingRow | VerifyWrite | VerifyRouting | AwaitRegion | RejoinDatabase | ReconcileDatabase => {
            put_function(step, place, &json!({"epoch.$": epoch}), next, all);
        }
    }
}

/// A step that the function `steps` does.
pub(super) fn put_function(
    step: &Step,
    place: &Place<'_>,
    more: &Value,
    next: Option<&str>,
    all: &mut Map<String, Value>,
) {
    let mut payload = json!({"step": name(step.id), "region": place.region.as_str(), "peer": place.peer.as_str()});
    for (key, value) in more.as_object().into_iter().flatten() {
        payload[key] = value.clone();
    }
    let parameters = json!({"FunctionName": place.steps_function(), "Payload": payload});
    // A function may take 15 minutes at most; what takes longer is asked for again.
    let timeout = step.patience.under(place.policy).min(Duration::from_secs(900));
    let timeout = timeout.max(Duration::from_secs(2));
    simple(step, place, task("lambda:invoke", &parameters, timeout), next, all);
}

/// One task, its retries, and what its failure leads to.
fn simple(step: &Step, place: &Place<'_>, mut state: Value, next: Option<&str>, all: &mut Map<String, Value>) {
    let name = name(step.id);
    let failed = format!("{name}_failed");
    state["ResultPath"] = Value::Null;
    if let Some(again) = again(step, place) {
        state["Retry"] = json!([again]);
    }
    state["Catch"] = json!([catch(&failed, "$.failure")]);
    go_on(&mut state, next);
    all.insert(name, state);
    if is_carried(step) && !stops_nothing(step) {
        carry::tell(step, place, all);
        return;
    }
    let lost = if stops_nothing(step) {
        pass("nothing waits for this", next)
    } else {
        let mut lost = fail(&error(step.id), "");
        if let Some(fields) = lost.as_object_mut() {
            fields.remove("Cause");
        }
        lost["CausePath"] = "States.Format('{}: {}', $.failure.Error, $.failure.Cause)".into();
        lost
    };
    all.insert(failed, lost);
}

/// Asks a human, and waits for the answer with the token; or nobody, if the policy does not want it.
fn approval(step: &Step, place: &Place<'_>, next: Option<&str>, all: &mut Map<String, Value>) {
    if !asks(step, place) {
        all.insert(name(step.id), pass("the policy asks nobody", next));
        return;
    }
    let parameters = json!({
        "TopicArn": place.topic_arn(), "Subject": name(step.id),
        "Message.$": "States.Format('answer with send-task-success or send-task-failure, and this token: {}', $$.Task.Token)",
    });
    let mut ask = task(
        "sns:publish.waitForTaskToken",
        &parameters,
        Patience::Human.under(place.policy),
    );
    ask["ResultPath"] = Value::Null;
    let failed = format!("{}_failed", name(step.id));
    ask["Catch"] = json!([catch(&failed, "$.failure")]);
    go_on(&mut ask, next);
    all.insert(name(step.id), ask);
    all.insert(failed, fail(&error(step.id), "it was not approved, or nobody answered"));
}

/// Waits until the holder's lease has run out. With the claim in place it cannot be renewed, so one whole term is enough.
/// It is always waited for: what the item said of a release before the claim may have been taken back by a renewal.
fn await_lease(step: &Step, place: &Place<'_>, next: Option<&str>, all: &mut Map<String, Value>) {
    let mut wait = json!({"Type": "Wait", "Seconds": seconds(step.patience.under(place.policy))});
    go_on(&mut wait, next);
    all.insert(name(step.id), wait);
}

fn opened(step: &Step, place: &Place<'_>, epoch: &str, what: &str, next: Option<&str>, all: &mut Map<String, Value>) {
    let state = lease::order_path(place, epoch, &[(what, json!({"N.$": epoch}))], step.patience);
    simple(step, place, state, next, all);
}

/// Closes the order path, and waits for the orders in hand.
fn close(step: &Step, place: &Place<'_>, epoch: &str, next: Option<&str>, all: &mut Map<String, Value>) {
    let drained = format!("{}_drained", name(step.id));
    let zero = || json!({"N": "0"});
    let state = lease::order_path(
        place,
        epoch,
        &[("intake", zero()), ("processing", zero())],
        Patience::LeaseOperation,
    );
    simple(step, place, state, Some(&drained), all);
    let mut wait = json!({"Type": "Wait", "Seconds": seconds(step.patience.under(place.policy))});
    go_on(&mut wait, next);
    all.insert(drained, wait);
}

/// Withdraws the claim. A lease that was raised already is not handed back: nobody here sees whether the other region lives,
/// and the database may be on its way. People decide that.
fn give_up(step: &Step, place: &Place<'_>, next: Option<&str>, all: &mut Map<String, Value>) {
    let base = name(step.id);
    let [look, pick, wait, raised, failed, done] =
        ["look", "pick", "wait", "raised", "failed", "done"].map(|part| format!("{base}_{part}"));
    let after = next.unwrap_or(&done).to_owned();
    let mut looked = lease::read(place);
    looked["ResultPath"] = "$.looked".into();
    looked["Next"] = pick.clone().into();
    looked["Retry"] = json!([retry(Duration::from_secs(1), 30)]);
    looked["Catch"] = json!([catch(&failed, "$.failure")]);
    all.insert(look.clone(), looked);
    let is = |path: &str, value: &str| {
        let path = format!("$.looked.Item.{path}.S");
        json!({"And": [{"Variable": path, "IsPresent": true}, {"Variable": path, "StringEqualsPath": value}]})
    };
    all.insert(
        pick,
        choice(
            &[(is("holder", OWN), &raised), (is("claim_region", OWN), &base)],
            &after,
        ),
    );
    let update = Update::held(OTHER, SEEN)
        .when("claim_region", json!({"S.$": OWN}))
        .set("released", json!({"BOOL": false}))
        .set("nonce", json!({"S.$": "States.Format('{}-1000', $.epochs.mark)"}))
        .remove("claim_region")
        .remove("claim_nonce");
    let mut write = task(
        "dynamodb:updateItem",
        &update.parameters(&place.names.lease_table(), "lease"),
        step.patience.under(place.policy),
    );
    write["ResultPath"] = Value::Null;
    write["Next"] = after.clone().into();
    // What was written is seen by looking again, so there is nothing to be wrong about.
    write["Catch"] = json!([catch(&wait, "$.failure")]);
    all.insert(base.clone(), write);
    all.insert(
        raised,
        fail(
            &error(step.id),
            "this region holds the lease in a new epoch, and its database was not promoted: find out whether the other \
             region lives, and which database writes, before the lease is handed back",
        ),
    );
    all.insert(
        wait,
        json!({"Type": "Wait", "Seconds": 1, "Next": format!("{base}_again")}),
    );
    let mut again = lease::read(place);
    again["ResultPath"] = "$.looked".into();
    again["Next"] = format!("{base}_settled").into();
    again["Catch"] = json!([catch(&failed, "$.failure")]);
    all.insert(format!("{base}_again"), again);
    all.insert(
        format!("{base}_settled"),
        choice(
            &[(is("holder", OWN), &failed), (is("claim_region", OWN), &failed)],
            &after,
        ),
    );
    all.insert(
        failed,
        fail(
            &error(step.id),
            "the lease is still claimed or held: withdraw it before anything else",
        ),
    );
    if next.is_none() {
        all.insert(done, json!({"Type": "Pass", "End": true}));
    }
}

/// Sees the home region renew: its counter moves.
fn confirm_home(step: &Step, place: &Place<'_>, next: Option<&str>, all: &mut Map<String, Value>) {
    let base = name(step.id);
    let [count, look, judge, wait, again, failed, done] =
        ["count", "look", "judge", "wait", "again", "failed", "done"].map(|part| format!("{base}_{part}"));
    let after = next.unwrap_or(&done).to_owned();
    let mut read = |id: &str, path: &str, to: &str| {
        let mut state = lease::read(place);
        state["ResultPath"] = path.into();
        state["Next"] = to.into();
        state["Retry"] = json!([retry(Duration::from_secs(1), 30)]);
        state["Catch"] = json!([catch(&failed, "$.failure")]);
        all.insert(id.to_owned(), state);
    };
    read(&base, "$.before", &count);
    read(&look, "$.looked", &judge);
    all.insert(
        count,
        json!({"Type": "Pass", "Result": {"count": 0}, "ResultPath": "$.looks", "Next": wait}),
    );
    let moved = json!({"And": [
        {"Variable": "$.looked.Item.holder.S", "StringEqualsPath": OTHER},
        {"Not": {"Variable": "$.looked.Item.renewals.N", "StringEqualsPath": "$.before.Item.renewals.N"}},
    ]});
    let enough = json!({
        "Variable": "$.looks.count", "NumericGreaterThanEquals": seconds(step.patience.under(place.policy)),
    });
    all.insert(judge, choice(&[(moved, &after), (enough, &failed)], &wait));
    all.insert(wait, json!({"Type": "Wait", "Seconds": 1, "Next": again}));
    all.insert(
        again,
        json!({
            "Type": "Pass", "ResultPath": "$.looks", "Next": look,
            "Parameters": {"count.$": "States.MathAdd($.looks.count, 1)"},
        }),
    );
    all.insert(
        failed,
        fail(
            &error(step.id),
            "the home region does not renew its lease: nobody may serve until it does",
        ),
    );
    if next.is_none() {
        all.insert(done, json!({"Type": "Pass", "End": true}));
    }
}
