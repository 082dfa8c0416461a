//! What the stage shows: the scene while it plays, and the report when it is over.

use understudy_engine::core::ids::Region;
use understudy_engine::core::machine::StateName;

use super::{Order, Stage};
use crate::drill::fleet::Member;
use crate::drill::report::{DrillReport, MeasuredReport, PageReport, Remains};
use crate::drill::scene::{Scene, SidecarScene, WitnessScene};
use crate::report::words;
use crate::world::clients::Acceptance;
use crate::world::outside::Glance;

/// Decisions on show.
const DECISIONS: usize = 4;

impl Stage<'_> {
    pub(super) fn scene(&mut self, glance: &Glance) -> Scene {
        let timeline = self.world.timeline();
        let news = timeline[self.told.min(timeline.len())..].to_vec();
        self.told = timeline.len();
        let region = |region: Region| words::region(region);
        let crew = self.crew.borrow();
        let sidecars = glance.engines.iter().zip(crew.fleet.members());
        Scene {
            since_onset: glance.since_onset,
            speed: self.governor.speed_now(),
            faults: glance.faults.clone(),
            holder: (region(glance.lease.holder), glance.lease.epoch.0),
            claimed_by: glance.lease.claim.map(|claim| region(claim.region)),
            answer: region(glance.answer),
            orders: glance.acceptance.map(|acceptance| match acceptance {
                Acceptance::Commits => "commits",
                Acceptance::Intake => "accepts",
                Acceptance::Refuses => "refuses",
            }),
            sidecars: sidecars
                .map(|(engine, member)| SidecarScene {
                    who: engine.who.clone(),
                    state: engine.state.map(StateName::name),
                    suspended: engine.paused,
                    page: format!("http://{}/", member.operators),
                })
                .collect(),
            witnesses: self.witnesses(glance),
            able_percent: self.crowd.able_percent(),
            figures: glance.figures,
            interrupted: glance.interrupted,
            budget: self.policy.budget.total.as_secs_f64(),
            decisions: self.world.decisions().iter().rev().take(DECISIONS).cloned().collect(),
            news,
        }
    }

    /// What the sidecars that run make of each witness.
    fn witnesses(&self, glance: &Glance) -> Vec<WitnessScene> {
        let says = |number: u8, region: Region| {
            let from = (number, region.index(), 0);
            let to = (number, region.index(), usize::MAX);
            let runs = |slot: usize| {
                glance
                    .engines
                    .get(slot)
                    .is_some_and(|it| it.state.is_some() && !it.paused)
            };
            let says = self.says.range(from..=to).filter(|((.., slot), _)| runs(*slot));
            says.map(|(_, says)| *says).collect::<Vec<_>>()
        };
        (0_u8..=u8::MAX)
            .zip(&self.policy.witnesses)
            .map(|(number, witness)| WitnessScene {
                witness: witness.name.clone(),
                quorum: witness.quorum,
                says: Region::BOTH.map(|region| says(number, region)),
            })
            .filter(|witness| witness.says.iter().any(|says| !says.is_empty()))
            .collect()
    }

    pub(super) fn report(self, processes: Vec<u32>) -> DrillReport {
        let took = self.now_real() - self.began;
        let told = |order: &&Order| self.crowd.was_told(order.client, order.number);
        let lost = |order: &&Order| order.committed && self.world.is_lost(order.region, order.at, order.epoch);
        let count = |orders: usize| u64::try_from(orders).unwrap_or(u64::MAX);
        let committed = self.orders.iter().filter(|order| order.committed).filter(told);
        let measured = MeasuredReport {
            clients: self.audience.keeps.len(),
            placed: self.crowd.placed,
            accepted: self.crowd.accepted,
            refused: self.crowd.refused,
            processed_at_once: count(committed.count()).min(self.crowd.accepted),
            acknowledged_and_lost: count(self.orders.iter().filter(told).filter(lost).count()),
        };
        let page = |member: &Member| PageReport {
            who: member.seat.name(),
            url: format!("http://{}/", member.operators),
        };
        let remains = Remains {
            measured,
            lanes: self.lanes.finish(),
            speed: self.governor.speed(),
            took,
            followed: self.watch.followed(),
            processes,
            pages: self.crew.borrow().fleet.members().iter().map(page).collect(),
            troubles: self.troubles,
        };
        DrillReport::new(self.world.finish(self.seed), remains)
    }
}
