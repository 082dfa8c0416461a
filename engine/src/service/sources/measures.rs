//! What the sources count and measure, described for whoever reads the metrics.

use metrics::{Unit, describe_counter, describe_histogram};

/// Describes the metrics of the sources. Called once, after a recorder was installed.
pub fn describe() {
    describe_histogram!(
        "understudy_probe_seconds",
        Unit::Seconds,
        "How long a look took, by witness, target and outcome: healthy, unreachable, wrong-status, wrong-answer, broken, \
         timed-out."
    );
    describe_counter!(
        "understudy_events_total",
        Unit::Count,
        "Events taken in, by outcome (decoded, ignored, rejected) and kind: the names of docs/events.md."
    );
    describe_histogram!(
        "understudy_event_delay_seconds",
        Unit::Seconds,
        "How long an event was on its way, by kind. Compares two wall clocks."
    );
    describe_counter!(
        "understudy_peer_sent_total",
        Unit::Count,
        "What was sent to each sidecar, by kind (heartbeat, signals, message) and outcome: taken, refused, unreachable, \
         unknown, dropped."
    );
    describe_counter!(
        "understudy_peer_received_total",
        Unit::Count,
        "What sidecars and the observer sent here, by kind and outcome: taken, refused."
    );
    describe_counter!(
        "understudy_unauthorized_requests_total",
        Unit::Count,
        "Requests without the token, by whose token it would have been: peer, operator."
    );
}
