//! The platform file of each process: all addresses lead to the drill, and each process has its own, so that the world
//! knows who asks, and what is between them.

use std::fmt::Write as _;
use std::net::SocketAddr;

use understudy_engine::core::ids::Region;
use understudy_policies::Policy;

use crate::scenario::Place;
use crate::world::outside::OBSERVER;

/// The environment of every name in a drill.
pub(crate) const ENVIRONMENT: &str = "drill";
/// What a healthy answer says.
pub(crate) const HEALTHY: &str = "healthy";
/// The parts that the drill plays. Peers talk to each other, through the drill.
const PLAYED: &str = r#"["lease", "database", "switches", "name", "order-path", "humans"]"#;

/// One process of the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seat {
    /// Its number among the processes: a sidecar's slot, or [`OBSERVER`].
    pub(crate) process: usize,
    /// Its region; none: the witness region.
    pub(crate) region: Option<Region>,
    /// Its number among the sidecars of its region, from 0.
    pub(crate) sidecar: u16,
}

impl Seat {
    /// Every process of a drill with so many sidecars per region: the sidecars by their slot, then the observer.
    pub(crate) fn all(sidecars: u16) -> Vec<Self> {
        let of = |region: Region| {
            (0..sidecars).map(move |sidecar| Self {
                process: region.index() * usize::from(sidecars) + usize::from(sidecar),
                region: Some(region),
                sidecar,
            })
        };
        let observer = Self {
            process: OBSERVER,
            region: None,
            sidecar: 0,
        };
        Region::BOTH.into_iter().flat_map(of).chain([observer]).collect()
    }

    /// Where it runs.
    pub(crate) fn place(&self) -> Place {
        self.region.map_or(Place::Witness, Place::from)
    }

    /// Its name in the drill's folder.
    pub(crate) fn name(&self) -> String {
        match self.region {
            Some(region) => format!("{}-{}", Place::from(region).name(), self.sidecar + 1),
            None => "observer".to_owned(),
        }
    }
}

/// The platform file of one process.
pub(crate) fn file(seat: &Seat, seats: &[Seat], stage: SocketAddr, policy: &Policy) -> String {
    let own = format!("http://{stage}/p/{}", seat.process);
    let mut text = format!(
        "version = 1\nenvironment = \"{ENVIRONMENT}\"\nhealthy-answer = \"{HEALTHY}\"\nreferences = \
         [\"{own}/reference/{}\", \"{own}/reference/{}\"]\n",
        Place::Witness.name(),
        Place::Internet.name()
    );
    let names = [&policy.regions.primary, &policy.regions.standby];
    for ((table, region), name) in ["primary", "standby"].into_iter().zip(Region::BOTH).zip(names) {
        let sidecars: Vec<String> = seats
            .iter()
            .filter(|other| other.region == Some(region) && other.process != seat.process)
            .map(|other| format!("\"{own}/to/{}\"", other.process))
            .collect();
        let _ = write!(
            text,
            "\n[{table}]\nhealth = \"{own}/health/{name}\"\ndatabase-health = \"{own}/database-health/{name}\"\nsidecars = \
             [{}]\n",
            sidecars.join(", ")
        );
    }
    let _ = write!(text, "\n[played]\naddress = \"{own}/played\"\nparts = {PLAYED}\n");
    text
}

#[cfg(test)]
mod tests {
    use understudy_engine::service::platform::read;
    use understudy_policies::shipped;
    use understudy_policies::source::Source;

    use super::*;

    #[test]
    fn every_platform_file_of_a_drill_is_read_without_findings() {
        let policy = shipped::trading();
        let stage = SocketAddr::from(([127, 0, 0, 1], 4_711));
        for sidecars in [1, 2] {
            let seats = Seat::all(sidecars);
            for seat in &seats {
                let text = file(seat, &seats, stage, &policy);
                let platform = read(&Source::new("platform.toml", &text)).unwrap();
                let peers: usize = platform.regions.iter().map(|region| region.sidecars.len()).sum();
                let others = seats.len() - 1 - usize::from(seat.region.is_some());
                assert_eq!(peers, others, "{}", seat.name());
                assert!(platform.played.is_some());
            }
        }
    }
}
