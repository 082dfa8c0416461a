//! What was so from when to when: each thing that can be in one of several ways has a lane of its own.

use understudy_engine::core::ids::Region;
use understudy_engine::core::machine::StateName;

use super::report::{LaneReport, SpanReport};
use crate::report::words;
use crate::world::clients::Acceptance;
use crate::world::outside::Glance;

/// What a lane is about; its order on paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lane {
    Fault,
    Clients,
    Name,
    Orders(Region),
    Engine(usize),
}

/// All lanes.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    lanes: Vec<(Lane, LaneReport)>,
}

impl Lanes {
    /// Takes note of how everything stands.
    pub(crate) fn look(&mut self, glance: &Glance, able_percent: usize) {
        let at = glance.since_onset;
        let faults = match &glance.faults[..] {
            [] => "none".to_owned(),
            faults => faults.join("; "),
        };
        self.mark(at, Lane::Fault, "faults", &faults);
        let clients = if able_percent >= 95 {
            "can place orders"
        } else {
            "cannot place orders"
        };
        self.mark(at, Lane::Clients, "clients", clients);
        self.mark(at, Lane::Name, "public name", words::region(glance.answer));
        for region in Region::BOTH {
            let does = match glance.acceptance[region.index()] {
                Acceptance::Commits => "commits",
                Acceptance::Intake => "accepts",
                Acceptance::Refuses => "refuses",
            };
            let who = format!("orders in {}", words::region(region));
            self.mark(at, Lane::Orders(region), &who, does);
        }
        for (slot, engine) in glance.engines.iter().enumerate() {
            let state = match engine.state {
                None => "not running",
                Some(_) if engine.paused => "suspended",
                Some(state) => StateName::name(state),
            };
            self.mark(at, Lane::Engine(slot), &engine.who, state);
        }
    }

    fn mark(&mut self, at: f64, lane: Lane, who: &str, what: &str) {
        let place = self
            .lanes
            .iter()
            .position(|(other, _)| *other == lane)
            .unwrap_or_else(|| {
                let lane_report = LaneReport {
                    who: who.to_owned(),
                    spans: Vec::new(),
                };
                self.lanes.push((lane, lane_report));
                self.lanes.len() - 1
            });
        let spans = &mut self.lanes[place].1.spans;
        if let Some(last) = spans.last_mut() {
            last.to_seconds = at;
            if last.what == what {
                return;
            }
        }
        spans.push(SpanReport {
            from_seconds: at,
            to_seconds: at,
            what: what.to_owned(),
        });
    }

    /// What was so, in the order in which it is read.
    pub(crate) fn finish(self) -> Vec<LaneReport> {
        self.lanes.into_iter().map(|(_, lane)| lane).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_has_one_span_for_each_way_in_which_it_was() {
        let mut lanes = Lanes::default();
        for (at, what) in [
            (0.0, "steady"),
            (1.0, "steady"),
            (2.0, "claiming"),
            (2.5, "claiming"),
            (3.0, "steady"),
        ] {
            lanes.mark(at, Lane::Engine(0), "engine", what);
        }
        let lanes = lanes.finish();
        let spans: Vec<_> = lanes[0]
            .spans
            .iter()
            .map(|span| (span.from_seconds, span.to_seconds, span.what.as_str()))
            .collect();
        assert_eq!(
            spans,
            [(0.0, 2.0, "steady"), (2.0, 3.0, "claiming"), (3.0, 3.0, "steady")]
        );
    }
}
