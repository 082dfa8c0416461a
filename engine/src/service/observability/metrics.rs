//! Metrics, as Prometheus wants them: base units, `_total`, a help text each.
//!
//! What happens is counted as it happens ([`count`], [`measure`]). What stands is read when somebody asks
//! ([`describe_status`]), so that nothing is computed for nobody. Every metric carries the labels `region` and
//! `sidecar` of the process; a region that is observed is the label `target`.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::core::effect::{Intent, Outcome};
use crate::core::ids::SidecarId;
use crate::core::journal::{Happening, JournalEntry};
use crate::core::machine::StateName;
use crate::core::time::WallTime;
use crate::service::clock::Clock;
use crate::service::operators::shapes::{StatusAnswer, WitnessAnswer};
use crate::service::sources::measures;
use crate::words;

/// What the answer of `/metrics` is.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Upper bounds of the buckets of spans, in seconds: from a lease operation to a promotion.
const BUCKETS: [f64; 14] = [
    0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 60.0, 300.0,
];

const ASSESSMENTS: [&str; 8] = [
    "unknown",
    "steady",
    "degraded",
    "database lost",
    "application lost",
    "region lost",
    "isolated",
    "shared fault",
];
const VERDICTS_OF_DECISIONS: [&str; 8] = [
    "fail-over",
    "would-fail-over",
    "blocked",
    "hold",
    "fail-back",
    "would-fail-back",
    "hold-failback",
    "fence",
];
const VERDICTS: [&str; 3] = ["healthy", "breached", "missing"];

static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Begins to count. Does nothing the second time.
pub fn install(region: &str, sidecar: SidecarId) {
    RECORDER.get_or_init(|| {
        let builder = PrometheusBuilder::new()
            .add_global_label("region", region)
            .add_global_label("sidecar", sidecar.0.to_string())
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &BUCKETS)
            .ok()?;
        let handle = builder.install_recorder().ok()?;
        describe();
        measures::describe();
        gauge!("understudy_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        gauge!("understudy_start_time_seconds").set(seconds(Clock::real().wall()));
        Some(handle)
    });
}

/// Everything that was counted, as text.
#[must_use]
pub fn render() -> String {
    let handle = RECORDER.get().and_then(Option::as_ref);
    handle.map_or_else(String::new, PrometheusHandle::render)
}

/// Brings what was measured into its buckets. To be called every few seconds, or it piles up while nobody asks.
pub fn tidy() {
    if let Some(handle) = RECORDER.get().and_then(Option::as_ref) {
        handle.run_upkeep();
    }
}

/// Counts what was written down.
pub fn count(entry: &JournalEntry) {
    counter!("understudy_journal_entries_total", "kind" => words::kind(&entry.what)).increment(1);
    match &entry.what {
        Happening::Decided(decision) => {
            counter!("understudy_decisions_total", "verdict" => words::verdict(decision.verdict)).increment(1);
        }
        Happening::Moved { from, to, .. } => {
            counter!("understudy_transitions_total", "from" => from.name(), "to" => to.name()).increment(1);
        }
        Happening::Commanded { command, refused } => {
            let result = if refused.is_some() { "refused" } else { "done" };
            counter!("understudy_commands_total", "command" => words::command(*command), "result" => result)
                .increment(1);
        }
        Happening::Asked(effect) => {
            if let Intent::Page(_) = effect.intent {
                counter!("understudy_pages_total").increment(1);
            }
        }
        Happening::Completed(_) => counter!("understudy_role_changes_total").increment(1),
        Happening::Witness { .. }
        | Happening::Assessed { .. }
        | Happening::Settled { .. }
        | Happening::Signed { .. }
        | Happening::Unhandled { .. } => {}
    }
}

/// Measures something of the shell.
#[derive(Debug)]
pub struct Timer(Instant);

impl Timer {
    /// Now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the shell measures itself")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// A turn was written into the journal.
    #[expect(clippy::disallowed_methods, reason = "the shell measures itself")]
    pub fn journal_written(self, durably: bool) {
        let durability = if durably { "durable" } else { "soon" };
        histogram!("understudy_journal_write_seconds", "durability" => durability).record(self.0.elapsed());
    }
}

/// Measures an effect.
pub fn measure(intent: &Intent, outcome: &Outcome, took: Duration) {
    let name = words::intent_name(intent);
    counter!("understudy_effects_total", "intent" => name, "outcome" => words::outcome_name(outcome)).increment(1);
    histogram!("understudy_effect_seconds", "intent" => name).record(took);
}

/// Writes down what stands.
pub fn describe_status(status: &StatusAnswer, witnesses: &[WitnessAnswer]) {
    for state in StateName::ALL {
        gauge!("understudy_state", "state" => state.name()).set(flag(status.state.name == state.name()));
    }
    gauge!("understudy_state_seconds").set(status.state.for_seconds);
    gauge!("understudy_armed").set(flag(status.mode == "armed"));
    gauge!("understudy_paused").set(flag(status.paused));
    gauge!("understudy_drives").set(flag(status.drives));
    gauge!("understudy_serving").set(flag(status.serving));
    gauge!("understudy_needs_operator").set(flag(status.needs.iter().any(|need| need.urgent)));
    describe_lease(status);
    for region in &status.regions {
        for assessment in ASSESSMENTS {
            gauge!("understudy_assessment", "target" => region.region.clone(), "assessment" => assessment)
                .set(flag(region.assessment == assessment));
        }
    }
    for witness in witnesses {
        describe_witness(witness);
    }
    describe_ledger(status);
    let inbox = &status.inbox;
    gauge!("understudy_inbox_waiting").set(float(inbox.waiting));
    counter!("understudy_inbox_accepted_total").absolute(inbox.accepted);
    for (kind, count) in [
        ("signal", inbox.signals_replaced),
        ("notice", inbox.notices_dropped),
        ("peer", inbox.peers_dropped),
        ("command", inbox.commands_refused),
    ] {
        counter!("understudy_inbox_dropped_total", "kind" => kind).absolute(count);
    }
    let disregarded = &status.disregarded;
    for (reason, count) in [
        ("stale", disregarded.stale),
        ("duplicate", disregarded.duplicate),
        ("out-of-order", disregarded.out_of_order),
        ("future-dated", disregarded.future_dated),
        ("unknown-witness", disregarded.unknown_witness),
        ("late-outcome", disregarded.late_outcome),
        ("unhandled", disregarded.unhandled),
    ] {
        counter!("understudy_disregarded_total", "reason" => reason).absolute(count);
    }
}

fn describe_lease(status: &StatusAnswer) {
    let lease = &status.lease;
    // Before the item has been read there is no epoch, and a 0 would look like a role change afterwards.
    if lease.holder.is_some() {
        gauge!("understudy_epoch").set(float(lease.epoch));
    }
    let holds = lease.holder.as_ref() == Some(&status.region);
    gauge!("understudy_holds_lease").set(flag(holds));
    for region in &status.regions {
        gauge!("understudy_lease_holder", "target" => region.region.clone()).set(flag(region.holds_lease));
    }
    gauge!("understudy_lease_protected").set(flag(lease.protected));
    gauge!("understudy_lease_claimed").set(flag(lease.claimed_by.is_some()));
    gauge!("understudy_lease_serving_left_seconds").set(lease.serving_seconds_left.unwrap_or(0.0));
    gauge!("understudy_lease_read_age_seconds").set(lease.read_seconds_ago.unwrap_or(f64::INFINITY));
    if let Some(lag) = &status.replication_lag {
        gauge!("understudy_replication_lag_seconds").set(lag.seconds);
        gauge!("understudy_replication_lag_age_seconds").set(lag.heard_seconds_ago);
    }
}

fn describe_witness(witness: &WitnessAnswer) {
    let labels = [
        ("witness", witness.witness.clone()),
        ("target", witness.region.clone()),
        ("quorum", witness.quorum.to_string()),
    ];
    for verdict in VERDICTS {
        let mut labels = labels.to_vec();
        labels.push(("verdict", verdict.to_owned()));
        gauge!("understudy_witness", &labels).set(flag(witness.verdict == verdict));
    }
    gauge!("understudy_witness_flapping", &labels).set(flag(witness.flapping));
    gauge!("understudy_witness_delayed", &labels).set(flag(witness.delayed));
    if let Some(age) = witness.heard_seconds_ago {
        gauge!("understudy_witness_heard_age_seconds", &labels).set(age);
    }
}

fn describe_ledger(status: &StatusAnswer) {
    let Some(ledger) = &status.ledger else { return };
    gauge!("understudy_budget_seconds").set(ledger.budget_seconds);
    gauge!("understudy_ledger_elapsed_seconds").set(ledger.elapsed_seconds);
    gauge!("understudy_ledger_running").set(flag(ledger.running));
    for phase in &ledger.phases {
        gauge!("understudy_ledger_phase_used_seconds", "phase" => phase.phase.clone()).set(phase.used_seconds);
        gauge!("understudy_ledger_phase_allotted_seconds", "phase" => phase.phase.clone()).set(phase.allotted_seconds);
    }
}

fn describe() {
    let gauges = [
        ("understudy_build_info", "1, with the version of the engine."),
        (
            "understudy_start_time_seconds",
            "When the process started, in seconds since 1970.",
        ),
        (
            "understudy_state",
            "1 for the state that the machine is in, 0 for the others.",
        ),
        (
            "understudy_state_seconds",
            "For how long the machine has been in its state.",
        ),
        ("understudy_armed", "1 if the engine acts, 0 in shadow mode."),
        ("understudy_paused", "1 while role changes are paused."),
        ("understudy_drives", "1 if this sidecar drives its region."),
        ("understudy_serving", "1 while this region may let orders commit."),
        (
            "understudy_needs_operator",
            "1 while nothing goes on without an operator.",
        ),
        ("understudy_epoch", "The epoch of the lease, as last read."),
        (
            "understudy_lease_holder",
            "1 for the region that holds the lease, as last read.",
        ),
        (
            "understudy_holds_lease",
            "1 if the lease is with this sidecar's region, as last read.",
        ),
        (
            "understudy_lease_protected",
            "1 if the region without the lease could take over.",
        ),
        ("understudy_lease_claimed", "1 while a region is taking over."),
        (
            "understudy_lease_serving_left_seconds",
            "How long this region may still serve without another renewal.",
        ),
        (
            "understudy_lease_read_age_seconds",
            "How long ago the lease store last answered.",
        ),
        (
            "understudy_replication_lag_seconds",
            "The last measured replication lag.",
        ),
        (
            "understudy_replication_lag_age_seconds",
            "How long ago the replication lag was heard of.",
        ),
        (
            "understudy_assessment",
            "1 for what the evidence about a region amounts to, 0 for the others.",
        ),
        (
            "understudy_witness",
            "1 for what a witness says about a region, 0 for the others.",
        ),
        (
            "understudy_witness_flapping",
            "1 while a witness keeps changing its mind.",
        ),
        (
            "understudy_witness_delayed",
            "1 if a witness's last observation was late.",
        ),
        (
            "understudy_witness_heard_age_seconds",
            "How long ago a witness was last heard.",
        ),
        ("understudy_budget_seconds", "The budget of a failover, from the onset."),
        (
            "understudy_ledger_elapsed_seconds",
            "What the failover under way, or the last one, used since its first breach.",
        ),
        ("understudy_ledger_running", "1 while the clock of a failover runs."),
        (
            "understudy_ledger_phase_used_seconds",
            "What a phase of the failover under way, or of the last one, used.",
        ),
        (
            "understudy_ledger_phase_allotted_seconds",
            "What the policy lets a phase use.",
        ),
        ("understudy_inbox_waiting", "Inputs that wait for the core."),
    ];
    for (name, help) in gauges {
        describe_gauge!(name, help);
    }
    let counters = [
        (
            "understudy_inbox_accepted_total",
            "Inputs that were put in for the core.",
        ),
        (
            "understudy_inbox_dropped_total",
            "Inputs that gave way to newer or more important ones, by kind.",
        ),
        ("understudy_disregarded_total", "Inputs that led to nothing, by reason."),
        ("understudy_journal_entries_total", "Entries of the journal, by kind."),
        ("understudy_decisions_total", "Decisions and refusals, by verdict."),
        ("understudy_transitions_total", "Moves of the state machine."),
        (
            "understudy_commands_total",
            "Commands of operators, by what came of them.",
        ),
        ("understudy_pages_total", "Pages that were asked for."),
        ("understudy_role_changes_total", "Role changes that were completed."),
        (
            "understudy_events_total",
            "Events that arrived, by kind and what became of them.",
        ),
        (
            "understudy_peer_sent_total",
            "What was sent to peers, by kind and outcome.",
        ),
        (
            "understudy_peer_received_total",
            "What peers sent, by kind and what became of it.",
        ),
        (
            "understudy_unauthorized_requests_total",
            "Requests without the token that they needed.",
        ),
        (
            "understudy_effects_total",
            "Effects, by intent and outcome. An outcome that nobody knows is `unknown`.",
        ),
        (
            "understudy_log_lines_dropped_total",
            "Lines of the log that were dropped, because nobody read it fast enough.",
        ),
    ];
    for (name, help) in counters {
        describe_counter!(name, help);
    }
    let spans = [
        ("understudy_effect_seconds", "How long effects took, by intent."),
        (
            "understudy_journal_write_seconds",
            "How long writing a turn into the journal took, by durability.",
        ),
        (
            "understudy_event_delay_seconds",
            "How old events were when they arrived, by kind.",
        ),
        (
            "understudy_probe_seconds",
            "How long probes took, by witness, target and what was seen.",
        ),
    ];
    for (name, help) in spans {
        describe_histogram!(name, help);
    }
    // A counter that appears with its first event has no increase: alerts on it would miss the first.
    for verdict in VERDICTS_OF_DECISIONS {
        counter!("understudy_decisions_total", "verdict" => verdict).absolute(0);
    }
    for name in [
        "understudy_log_lines_dropped_total",
        "understudy_pages_total",
        "understudy_role_changes_total",
    ] {
        counter!(name).absolute(0);
    }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970, far below 2^53")]
fn seconds(at: WallTime) -> f64 {
    at.as_millis() as f64 / 1000.0
}

const fn flag(set: bool) -> f64 {
    if set { 1.0 } else { 0.0 }
}

#[expect(clippy::cast_precision_loss, reason = "counts and epochs, far below 2^53")]
const fn float(count: u64) -> f64 {
    count as f64
}
