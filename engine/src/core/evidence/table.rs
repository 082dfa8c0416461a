//! All witnesses about both regions, and their assessment.

use std::time::Duration;

use understudy_policies::model::{Component, FailureDomain, WitnessKind};

use super::state::{Assessment, WitnessState};
use super::track::Track;
use crate::core::ids::{Region, WitnessId};
use crate::core::settings::Settings;
use crate::core::signal::{Observation, Signal};
use crate::core::status::{Disregarded, WitnessView};
use crate::core::time::{Now, Timestamp};

/// How far an observer's wall clock may be ahead of ours before its observation counts as future-dated.
const CLOCK_SKEW: Duration = Duration::from_secs(5);

/// The number of failure domains that a policy can name.
const DOMAINS: usize = 5;

/// What hearing a signal came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// It was not taken in; the reason is counted.
    Disregarded,
    /// It was taken in, and nothing changed.
    Same,
    /// The witness says something else now.
    Changed {
        /// What it said before.
        from: WitnessState,
        /// What it says now.
        to: WitnessState,
    },
}

/// What the failure domains of the quorum say about one component of one region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    pub(crate) breached: u32,
    pub(crate) healthy: u32,
}

impl Tally {
    /// Breached by at least one domain and healthy by none.
    const fn only_breached(self) -> bool {
        self.breached > 0 && self.healthy == 0
    }
}

/// The evidence that one sidecar has.
#[derive(Debug, Clone)]
pub(crate) struct Evidence {
    own: Region,
    tracks: [Vec<Track>; 2],
    /// No dead-man timer runs out before this. Later observations only move timers back, so it is a lower bound.
    next_silence: Timestamp,
    /// Rises whenever a witness of the quorum settles on "breached".
    breaches: [u64; 2],
    lag: Option<(Duration, Timestamp)>,
}

impl Evidence {
    pub(crate) fn new(own: Region, witnesses: usize) -> Self {
        let tracks = vec![Track::new(); witnesses];
        Self {
            own,
            tracks: [tracks.clone(), tracks],
            next_silence: Timestamp::NEVER,
            breaches: [0; 2],
            lag: None,
        }
    }

    /// Takes a signal in.
    pub(crate) fn hear(
        &mut self,
        settings: &Settings,
        now: Now,
        signal: Signal,
        disregarded: &mut Disregarded,
    ) -> Heard {
        let index = usize::from(signal.witness.0);
        let target = signal.target.index();
        let (Some(witness), Some(track)) = (settings.witnesses.get(index), self.tracks[target].get_mut(index)) else {
            disregarded.unknown_witness += 1;
            return Heard::Disregarded;
        };
        if signal.observed.since(now.wall) > CLOCK_SKEW {
            disregarded.future_dated += 1;
            return Heard::Disregarded;
        }
        let age = now.wall.since(signal.observed);
        if age > witness.missing_after {
            disregarded.stale += 1;
            return Heard::Disregarded;
        }
        // A wall clock that was set back leaves observations "from the future" behind: they order nothing any more.
        let ordered = track.heard.is_some() && track.observed().since(now.wall) <= CLOCK_SKEW;
        if ordered && signal.observed <= track.observed() {
            if signal.observed == track.observed() {
                disregarded.duplicate += 1;
            } else {
                disregarded.out_of_order += 1;
            }
            return Heard::Disregarded;
        }
        let measures_lag = witness.kind == WitnessKind::ReplicationLag && signal.target != self.own;
        if let (Observation::Lag(lag), true) = (signal.observation, measures_lag) {
            self.lag = Some((lag, now.boot));
        }
        let from = track.state;
        let delayed = age > witness.interval;
        let changed = track.hear(witness, now.boot, signal.observation, signal.observed, delayed);
        if let Some(silent_at) = track.silent_at(witness) {
            self.next_silence = self.next_silence.min(silent_at);
        }
        if !changed {
            return Heard::Same;
        }
        let to = track.state;
        if witness.quorum && to == WitnessState::Breached && from != WitnessState::Breached {
            self.breaches[target] += 1;
        }
        Heard::Changed { from, to }
    }

    /// The earliest moment at which a witness may have been silent for too long.
    pub(crate) const fn next_silence(&self) -> Timestamp {
        self.next_silence
    }

    /// Finds witnesses that have fallen silent, and reports each that says something else now. Returns whether any has.
    pub(crate) fn find_silent(
        &mut self,
        settings: &Settings,
        now: Timestamp,
        mut report: impl FnMut(WitnessId, Region, WitnessState, WitnessState),
    ) -> bool {
        if now < self.next_silence {
            return false;
        }
        let mut any = false;
        self.next_silence = Timestamp::NEVER;
        for target in Region::BOTH {
            for (index, witness) in settings.witnesses.iter().enumerate() {
                let track = &mut self.tracks[target.index()][index];
                match track.silent_at(witness) {
                    Some(at) if at <= now => {
                        any = true;
                        let from = track.state;
                        track.fall_silent(witness);
                        if from != track.state {
                            report(witness_id(index), target, from, track.state);
                        }
                    }
                    Some(at) => self.next_silence = self.next_silence.min(at),
                    None => {}
                }
            }
        }
        any
    }

    /// What the failure domains of the quorum say about one component of a region.
    pub(crate) fn tally(&self, settings: &Settings, target: Region, component: Component) -> Tally {
        let mut breached = [false; DOMAINS];
        let mut healthy = [false; DOMAINS];
        for (witness, track) in settings.witnesses.iter().zip(&self.tracks[target.index()]) {
            if witness.quorum && witness.observes == component {
                let domain = witness.domain as usize;
                breached[domain] |= track.says_breached();
                healthy[domain] |= track.state == WitnessState::Healthy;
            }
        }
        let mut tally = Tally::default();
        for (breached, healthy) in breached.into_iter().zip(healthy) {
            tally.breached += u32::from(breached && !healthy);
            tally.healthy += u32::from(healthy);
        }
        tally
    }

    /// Whether enough failure domains call a component of a region breached.
    pub(crate) fn is_lost(&self, settings: &Settings, target: Region, component: Component) -> bool {
        let mut breached = self.tally(settings, target, component).breached;
        if seeded!(settings.bug, CountsAlarms) {
            let alarms = [Component::Application, Component::Database];
            breached = alarms
                .map(|alarm| self.tally(settings, target, alarm).breached)
                .iter()
                .sum();
        }
        breached >= settings.policy.quorum.failure_domains
    }

    /// What the evidence about a region amounts to.
    pub(crate) fn assess(&self, settings: &Settings, target: Region) -> Assessment {
        if self.is_isolated(settings) {
            return Assessment::Isolated;
        }
        let application = self.tally(settings, target, Component::Application);
        let database = self.tally(settings, target, Component::Database);
        let application_lost = self.is_lost(settings, target, Component::Application);
        let database_lost = self.is_lost(settings, target, Component::Database);
        // Alike means in everything that is lost: a single wrong witness of the standby is no shared fault.
        let alike = |component| self.tally(settings, target.other(), component).only_breached();
        if (application_lost || database_lost)
            && (!application_lost || alike(Component::Application))
            && (!database_lost || alike(Component::Database))
        {
            return Assessment::SharedFault;
        }
        match (application_lost, database_lost) {
            (true, true) => Assessment::RegionLost,
            (true, false) if database.healthy == 0 => Assessment::RegionLost,
            (true, false) => Assessment::ApplicationLost,
            (false, true) if application.healthy > 0 => Assessment::DatabaseLost,
            _ if application.breached + database.breached > 0 => Assessment::Degraded,
            _ if application.healthy + database.healthy == 0 => Assessment::Unknown,
            _ if self.any_settled_breach(settings, target) => Assessment::Degraded,
            _ => Assessment::Steady,
        }
    }

    /// Whether any witness of the quorum has settled on "breached" and not yet proved otherwise.
    pub(crate) fn any_settled_breach(&self, settings: &Settings, target: Region) -> bool {
        settings
            .witnesses
            .iter()
            .zip(&self.tracks[target.index()])
            .any(|(witness, track)| witness.quorum && track.state == WitnessState::Breached)
    }

    /// Whether any witness of the quorum keeps changing its mind about a region.
    pub(crate) fn is_flapping(&self, settings: &Settings, target: Region, now: Timestamp) -> bool {
        let quorum = &settings.policy.quorum;
        let since = now.before(quorum.flap_window);
        settings
            .witnesses
            .iter()
            .zip(&self.tracks[target.index()])
            .any(|(witness, track)| witness.quorum && track.flapped(quorum.flap_changes, since))
    }

    /// Whether enough failure domains call the region's application healthy, and none calls anything breached.
    pub(crate) fn is_proven_healthy(&self, settings: &Settings, target: Region) -> bool {
        let application = self.tally(settings, target, Component::Application);
        application.healthy >= settings.policy.quorum.failure_domains
            && self.tally(settings, target, Component::Database).healthy > 0
            && !self.any_settled_breach(settings, target)
    }

    /// Whether the own region's own witnesses find it unable to serve.
    pub(crate) fn own_region_breached(&self, settings: &Settings) -> bool {
        settings
            .witnesses
            .iter()
            .zip(&self.tracks[self.own.index()])
            .any(|(witness, track)| {
                witness.domain == FailureDomain::TargetRegion
                    && matches!(witness.observes, Component::Application | Component::Database)
                    && matches!(witness.kind, WitnessKind::HttpProbe | WitnessKind::DatabaseProbe)
                    && track.says_breached()
            })
    }

    /// Whether the provider reports an open event for a region.
    pub(crate) fn health_event_open(&self, settings: &Settings, target: Region) -> bool {
        settings
            .witnesses
            .iter()
            .zip(&self.tracks[target.index()])
            .any(|(witness, track)| witness.kind == WitnessKind::AwsHealth && track.state == WitnessState::Breached)
    }

    /// How often a witness of the quorum has settled on "breached" about a region.
    pub(crate) const fn breaches(&self, target: Region) -> u64 {
        self.breaches[target.index()]
    }

    /// The last measured replication lag, and when it was heard.
    pub(crate) const fn lag(&self) -> Option<(Duration, Timestamp)> {
        self.lag
    }

    /// Takes in a lag that was measured before a restart.
    pub(crate) const fn remember_lag(&mut self, lag: Duration, heard: Timestamp) {
        self.lag = Some((lag, heard));
    }

    /// Every witness as it stands.
    pub(crate) fn views(&self, settings: &Settings, now: Timestamp) -> Vec<WitnessView> {
        let quorum = &settings.policy.quorum;
        let since = now.before(quorum.flap_window);
        Region::BOTH
            .into_iter()
            .flat_map(|target| {
                self.tracks[target.index()]
                    .iter()
                    .enumerate()
                    .map(move |(index, track)| WitnessView {
                        witness: witness_id(index),
                        target,
                        state: track.state,
                        flapping: track.flapped(quorum.flap_changes, since),
                        delayed: track.delayed,
                        heard: track.heard,
                    })
            })
            .collect()
    }

    /// Whether it is this sidecar that is cut off: its probes of the world outside both regions fail.
    fn is_isolated(&self, settings: &Settings) -> bool {
        settings
            .witnesses
            .iter()
            .zip(&self.tracks[self.own.index()])
            .any(|(witness, track)| witness.kind == WitnessKind::Reference && track.says_breached())
    }
}

fn witness_id(index: usize) -> WitnessId {
    WitnessId(u8::try_from(index).unwrap_or(u8::MAX))
}
