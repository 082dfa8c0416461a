//! What needs an operator, and what to do about it.

use understudy_policies::model::Mode;

use super::shapes::NeedAnswer;
use super::view::View;
use crate::core::decision::Finding;
use crate::core::evidence::Assessment;
use crate::core::machine::StateName;
use crate::core::status::Status;
use crate::service::standing::{Reload, Standing};
use crate::words;

/// Everything that needs an operator, the most urgent first. `objections` are the guards that object to a failover.
pub(super) fn of(status: &Status, objections: &[Finding], standing: &Standing, view: &View<'_>) -> Vec<NeedAnswer> {
    let mut needs = Vec::new();
    let other = view.region(status.region.other());
    if status.state == StateName::NeedsOperator {
        let what = status.edge.map_or("An operator was asked for.", |edge| edge.sentence());
        needs.push(need(true, what, words::todo(status.edge), Some("acknowledge")));
    }
    if let Some(gate) = status.waits_for {
        let what = format!("The engine waits at a gate: {}", gate.question());
        let todo = "look at `why`, and agree if it is right; without an answer it goes on waiting";
        needs.push(need(true, &what, todo, Some("approve")));
    }
    if status.state == StateName::Blocked {
        let against: Vec<String> = objections
            .iter()
            .map(|finding| words::finding(finding, view.names()))
            .collect();
        let what = format!(
            "{other} is lost, and a guard forbids the failover. {}",
            against.join("; ")
        );
        let todo = "mend what the guard objects to; or see with a dry run whether you can fail over yourself";
        needs.push(need(true, what.trim_end(), todo, Some("failover --dry-run")));
    }
    let holds = status.holder == Some(status.region);
    if status.state == StateName::SelfFenced && holds {
        let what = "This region holds the lease and does not serve: it could not renew in time.";
        let todo =
            "look whether the lease store can be reached from here; it serves again as soon as a renewal gets through";
        needs.push(need(true, what, todo, None));
    }
    let serves = holds && status.state.serves();
    if serves && !status.protected {
        let what = format!(
            "Unprotected: there is no standby that could take over if this region were lost. {other} has to come back."
        );
        let todo = "bring the other region back; its database is rebuilt as soon as it answers";
        needs.push(need(false, &what, todo, None));
    } else if serves && status.assessments[status.region.other().index()].is_loss() {
        let what = format!("The standby {other} is lost: if this region were lost as well, nobody could take over.");
        needs.push(need(false, &what, "bring the other region back", None));
    }
    if status.assessments.contains(&Assessment::Isolated) {
        let what = "This sidecar is cut off: its own references do not answer, so it judges nobody.";
        needs.push(need(false, what, "look at the network of this region", None));
    }
    if status.mode == Mode::Shadow {
        let what = "Shadow: no failover will happen. Decisions are only recorded.";
        let todo = "read `history --shadow`, and arm the engine when you trust it";
        needs.push(need(false, what, todo, Some("arm")));
    }
    if status.paused {
        let what = "Paused: no role change will happen. Renewals go on.";
        needs.push(need(false, what, "resume when your work is done", Some("resume")));
    }
    process(standing, &mut needs);
    needs
}

/// What is the matter with the process itself.
fn process(standing: &Standing, needs: &mut Vec<NeedAnswer>) {
    match &standing.reload {
        Reload::Refused { because, .. } => {
            let what = format!("The policy file was changed and cannot be used; the policy before goes on. {because}");
            needs.push(need(false, &what, "mend the file, and send SIGHUP again", None));
        }
        Reload::Postponed { .. } => {
            let what = "The policy file was changed; it is applied once the engine rests.";
            needs.push(need(false, what, "wait", None));
        }
        Reload::None | Reload::Applied { .. } => {}
    }
    for path in &standing.set_aside {
        let what = format!(
            "The journal could not be read and was set aside as {}: a pause, a mode that was set and the cool-down are \
             forgotten.",
            path.display()
        );
        let todo = "look whether the engine should be paused or in another mode; then remove the file";
        needs.push(need(false, &what, todo, None));
    }
    if standing.leaving {
        let what = "This sidecar was asked to end, and waits until it is safe.";
        needs.push(need(false, what, "wait, or send the signal again", None));
    }
}

fn need(urgent: bool, what: &str, todo: &str, command: Option<&str>) -> NeedAnswer {
    NeedAnswer {
        urgent,
        what: what.to_owned(),
        todo: todo.to_owned(),
        command: command.map(|command| format!("understudy-engine {command}")),
    }
}
