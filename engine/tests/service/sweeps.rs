//! The acting sidecar is killed, or suspended and woken, at every step of failover and failback: before the step's effect
//! is applied, and after it was applied but before the answer arrives.

use std::process::Command;
use std::time::Duration;

use understudy_engine::core::effect::{Effect, Intent, Outcome};
use understudy_engine::core::ids::Region;
use understudy_engine::core::machine::StateName;
use understudy_engine::workflow::{FAILBACK, FAILOVER, StepId};

use crate::engines::Engine;
use crate::stage::{Cast, SECOND, Stage};
use crate::world::Trap;

/// What happens to the sidecar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blow {
    Kill,
    Suspend,
}

/// When.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Case {
    step: StepId,
    blow: Blow,
    applied: bool,
}

/// How long the sidecar is away: a restart takes a moment; a suspension outlives the lease.
fn absence(blow: Blow) -> Duration {
    match blow {
        Blow::Kill => 3 * SECOND,
        // Another sidecar takes the seat after nine seconds and a little.
        Blow::Suspend => 15 * SECOND,
    }
}

fn is_of(step: StepId, effect: &Effect) -> bool {
    match step {
        // The keeper writes it, beside the workflow: the first one of the new epoch.
        StepId::WriteServingRow => matches!(effect.intent, Intent::WriteServing { .. }) && effect.epoch.0 > 1,
        _ => effect.key.step == step as u16,
    }
}

/// Lays the trap, and returns what tells whether it has sprung.
fn lay(stage: &Stage, actor: &Engine, case: Case) -> impl Fn() -> bool + use<> {
    let (sprung, is_sprung) = std::sync::mpsc::channel();
    let name = actor.name().to_owned();
    let victim = actor.clone();
    stage.world.lock().traps.push(Trap {
        matches: Box::new(move |who, effect| who == name && is_of(case.step, effect)),
        applied: case.applied,
        springs: Box::new(move || {
            match case.blow {
                Blow::Kill => victim.kill(),
                Blow::Suspend => victim.suspend(),
            }
            sprung.send(()).unwrap();
        }),
    });
    move || is_sprung.try_recv().is_ok()
}

fn strike(stage: &Stage, actor: &Engine, case: Case, begin: impl FnOnce()) {
    let sprung = lay(stage, actor, case);
    begin();
    stage.until(&format!("{case:?}: the step is reached"), 240 * SECOND, |_| sprung());
    stage.world.pass(absence(case.blow));
    match case.blow {
        Blow::Kill => actor.start(),
        Blow::Suspend => actor.wake(),
    }
    let asks = matches!(
        case.step,
        StepId::ApproveFailover | StepId::ReconcileVenues | StepId::ApproveFailback
    );
    // The answer to the question was lost. Whoever does not ask again goes on waiting for people: an operator answers.
    if asks && case.blow == Blow::Suspend {
        stage.until(&format!("{case:?}: an operator's approval"), 240 * SECOND, |stage| {
            let asked_again = {
                let state = stage.world.lock();
                let mut seen = state.seen.iter();
                seen.any(|seen| is_of(case.step, &seen.effect) && seen.answered && seen.outcome == Some(Outcome::Done))
            };
            asked_again || approve(stage, actor)
        });
    }
}

fn approve(stage: &Stage, actor: &Engine) -> bool {
    let mut arguments = actor.arguments().iter();
    let address = arguments
        .find(|argument| *argument == "--listen")
        .and_then(|_| arguments.next());
    let output = Command::new(env!("CARGO_BIN_EXE_understudy-engine"))
        .args(["approve", "--yes", "--reason", "they agree", "--address"])
        .arg(format!("http://{}", address.unwrap()))
        .arg("--token-file")
        .arg(stage.world.folder().join("token"))
        .output()
        .unwrap();
    output.status.success()
}

fn rests(stage: &Stage, case: Case, states: [StateName; 2], serving: Region) {
    stage.until(&format!("{case:?}: everything rests"), 600 * SECOND, |stage| {
        stage.is_at(states) && stage.serves(serving)
    });
    // And it stays so.
    stage.world.pass(5 * SECOND);
    assert!(
        stage.is_at(states) && stage.serves(serving),
        "{case:?}\n{}",
        stage.story()
    );
    stage.check();
}

/// The home region is lost, and comes back.
fn failover(case: Case) {
    failover_with(case, Cast::default());
}

/// The same, with another sidecar that takes the seat meanwhile, and meets the first when that comes back.
fn failover_of_two(case: Case) {
    failover_with(
        case,
        Cast {
            sidecars: [1, 2],
            ..Cast::default()
        },
    );
}

/// The same, with every gate.
fn gated_failover(case: Case) {
    failover_with(
        case,
        Cast {
            gates: true,
            ..Cast::default()
        },
    );
}

fn failover_with(case: Case, cast: Cast) {
    let stage = Stage::settled(cast);
    let away = stage.driver(Region::Away);
    let returns = matches!(
        case.step,
        StepId::RejoinDatabase | StepId::ReconcileDatabase | StepId::MarkProtected
    );
    strike(&stage, &away, case, || {
        stage.lose(Region::Home);
        if returns {
            stage.until("the failover", 120 * SECOND, |stage| {
                stage.is_anywhere(Region::Away, StateName::Rejoining)
            });
            stage.bring_back(Region::Home);
        }
    });
    if !returns {
        stage.until(&format!("{case:?}: the failover goes on"), 300 * SECOND, |stage| {
            stage.is_anywhere(Region::Away, StateName::Rejoining) && stage.serves(Region::Away)
        });
        stage.bring_back(Region::Home);
    }
    rests(&stage, case, [StateName::Steady, StateName::Soaking], Region::Away);
}

/// The database refuses the promotion while the home region comes back: everything is undone.
fn reverting(case: Case) {
    let stage = Stage::settled(Cast::default());
    let away = stage.driver(Region::Away);
    stage.world.lock().refuses_promotion = true;
    strike(&stage, &away, case, || {
        stage.lose(Region::Home);
        stage.until("the undoing", 120 * SECOND, Stage::was_refused);
        stage.bring_back(Region::Home);
    });
    rests(&stage, case, [StateName::Serving, StateName::Steady], Region::Home);
}

/// The platform goes home.
fn failback(case: Case) {
    failback_with(case, HOMEWARD);
}

/// The same, with another sidecar.
fn failback_of_two(case: Case) {
    failback_with(
        case,
        Cast {
            sidecars: [1, 2],
            ..HOMEWARD
        },
    );
}

/// The same, with every gate.
fn gated_failback(case: Case) {
    failback_with(
        case,
        Cast {
            gates: true,
            ..HOMEWARD
        },
    );
}

const HOMEWARD: Cast = Cast {
    holder: Region::Away,
    sidecars: [1, 1],
    soak: "60s",
    gates: false,
};

fn failback_with(case: Case, cast: Cast) {
    let stage = Stage::settled(cast);
    let away = stage.driver(Region::Away);
    strike(&stage, &away, case, || {});
    rests(&stage, case, [StateName::Serving, StateName::Steady], Region::Home);
}

/// The database refuses to go home once: the failback is undone, and then made.
fn rolling_back(case: Case) {
    let stage = Stage::settled(HOMEWARD);
    let away = stage.driver(Region::Away);
    stage.world.lock().refuses_switchover = true;
    let shared = stage.world.shared().clone();
    strike(&stage, &away, case, || {
        stage.until("the rollback", 200 * SECOND, Stage::was_refused);
        shared.lock().refuses_switchover = false;
    });
    rests(&stage, case, [StateName::Serving, StateName::Steady], Region::Home);
}

impl Stage {
    /// Whether the database refused to move its writer.
    fn was_refused(&self) -> bool {
        let moves = |intent: &Intent| {
            matches!(
                intent,
                Intent::PromoteDatabase { .. } | Intent::SwitchOverDatabase { .. }
            )
        };
        let state = self.world.lock();
        let mut seen = state.seen.iter();
        seen.any(|seen| moves(&seen.effect.intent) && seen.outcome == Some(Outcome::Refused))
    }
}

/// All four cases of a step, two at a time.
fn sweep(step: StepId, play: fn(Case)) {
    for applied in [false, true] {
        std::thread::scope(|scope| {
            let cases = [Blow::Kill, Blow::Suspend].map(|blow| Case { step, blow, applied });
            let running = cases.map(|case| scope.spawn(move || play(case)));
            for (case, running) in cases.into_iter().zip(running) {
                assert!(running.join().is_ok(), "{case:?} failed");
            }
        });
    }
}

macro_rules! steps {
    ($($name:ident: $play:ident at $step:ident;)+) => {
        $(#[test]
        fn $name() {
            sweep(StepId::$step, $play);
        })+

        /// Every step that is swept.
        const SWEPT: &[StepId] = &[$(StepId::$step),+];
    };
}

/// Steps that ask nothing of anybody: they wait for what the engine sees.
const WITHOUT_EFFECT: [StepId; 3] = [StepId::AwaitLease, StepId::AwaitRegion, StepId::ConfirmHome];

#[test]
fn every_step_of_both_workflows_that_has_an_effect_is_swept() {
    for step in FAILOVER.steps.iter().chain(FAILBACK.steps) {
        assert_ne!(
            SWEPT.contains(&step.id),
            WITHOUT_EFFECT.contains(&step.id),
            "{:?} has to be in one of the two lists",
            step.id
        );
    }
}

steps! {
    failover_at_write_claim: failover at WriteClaim;
    failover_at_engage_switch_a: failover at EngageSwitchA;
    failover_at_engage_switch_b: failover at EngageSwitchB;
    failover_at_announce: failover at Announce;
    failover_at_raise_epoch: failover at RaiseEpoch;
    failover_at_open_intake: failover at OpenIntake;
    failover_at_pin_record: failover at PinRecord;
    failover_at_promote_database: failover at PromoteDatabase;
    failover_at_write_serving_row: failover at WriteServingRow;
    failover_at_open_processing: failover at OpenProcessing;
    failover_at_verify_write: failover at VerifyWrite;
    failover_at_verify_routing: failover at VerifyRouting;
    failover_at_record_completion: failover at RecordCompletion;
    failover_at_rejoin_database: failover at RejoinDatabase;
    failover_at_reconcile_database: failover at ReconcileDatabase;
    failover_at_mark_protected: failover at MarkProtected;
    reverting_at_disengage_switch_a: reverting at DisengageSwitchA;
    reverting_at_disengage_switch_b: reverting at DisengageSwitchB;
    reverting_at_unpin_record: reverting at UnpinRecord;
    reverting_at_close_order_path: reverting at CloseOrderPath;
    reverting_at_give_up_lease: reverting at GiveUpLease;
    failback_at_record_failback: failback at RecordFailback;
    failback_at_announce: failback at Announce;
    failback_at_unpin_record: failback at UnpinRecord;
    failback_at_close_order_path: failback at CloseOrderPath;
    failback_at_switch_over_database: failback at SwitchOverDatabase;
    failback_at_disengage_switch_a: failback at DisengageSwitchA;
    failback_at_disengage_switch_b: failback at DisengageSwitchB;
    failback_at_transfer_lease: failback at TransferLease;
    failback_at_verify_routing: failback at VerifyRouting;
    failover_of_two_at_write_claim: failover_of_two at WriteClaim;
    failover_of_two_at_raise_epoch: failover_of_two at RaiseEpoch;
    failover_of_two_at_promote_database: failover_of_two at PromoteDatabase;
    failover_of_two_at_open_processing: failover_of_two at OpenProcessing;
    failover_of_two_at_record_completion: failover_of_two at RecordCompletion;
    failback_of_two_at_record_failback: failback_of_two at RecordFailback;
    failback_of_two_at_close_order_path: failback_of_two at CloseOrderPath;
    failback_of_two_at_switch_over_database: failback_of_two at SwitchOverDatabase;
    failback_of_two_at_transfer_lease: failback_of_two at TransferLease;
    gated_failover_at_approve_failover: gated_failover at ApproveFailover;
    gated_failover_at_reconcile_venues: gated_failover at ReconcileVenues;
    gated_failback_at_approve_failback: gated_failback at ApproveFailback;
    rolling_back_at_look_at_writer: rolling_back at LookAtWriter;
    rolling_back_at_open_intake: rolling_back at OpenIntake;
    rolling_back_at_open_processing: rolling_back at OpenProcessing;
    rolling_back_at_record_rollback: rolling_back at RecordRollback;
}
