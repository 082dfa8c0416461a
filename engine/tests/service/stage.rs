//! A world with its engines: both regions' sidecars and the observer.

use std::time::Duration;

use understudy_engine::core::ids::Region;
use understudy_engine::core::machine::StateName;
use understudy_policies::shipped;

use crate::engines::{Engine, write};
use crate::ports::free_port;
use crate::world::{SPEED, World};

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// What differs from the default stage.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cast {
    pub(crate) holder: Region,
    /// Sidecars of each region, home first.
    pub(crate) sidecars: [u16; 2],
    /// How long the home region has to prove itself.
    pub(crate) soak: &'static str,
    /// Whether people and venues are asked before anything goes on. They agree at once.
    pub(crate) gates: bool,
}

impl Default for Cast {
    fn default() -> Self {
        Self {
            holder: Region::Home,
            sidecars: [1, 1],
            soak: "7d",
            gates: false,
        }
    }
}

pub(crate) struct Stage {
    /// Home first.
    pub(crate) sidecars: [Vec<Engine>; 2],
    pub(crate) observer: Engine,
    // Last, so that it outlives its engines.
    pub(crate) world: World,
}

impl Drop for Stage {
    /// The world keeps what waits for a step, and that keeps the engine that it is for.
    fn drop(&mut self) {
        for engine in self.sidecars.iter().flatten().chain([&self.observer]) {
            engine.kill();
        }
    }
}

/// The default policy, with a way home that a test can wait for.
pub(crate) fn policy(soak: &str) -> String {
    let changes = [
        ("soak = \"4h\"", format!("soak = \"{soak}\"")),
        ("during-trading = false", "during-trading = true".to_owned()),
        (
            "wait-for-health-event = true",
            "wait-for-health-event = false".to_owned(),
        ),
        ("flap-window = \"2m\"", "flap-window = \"20s\"".to_owned()),
        ("cool-down = \"30m\"", "cool-down = \"1m\"".to_owned()),
        ("role-changes-max = 2", "role-changes-max = 10".to_owned()),
    ];
    changes
        .iter()
        .fold(shipped::TRADING.text.to_owned(), |text, (from, to)| {
            assert!(text.contains(from), "the default policy has no line `{from}` any more");
            text.replacen(from, to, 1)
        })
}

impl Stage {
    /// Everything is in its place, and nothing is started.
    pub(crate) fn build(cast: Cast) -> Self {
        Self::around(World::new(cast.holder, SPEED), cast)
    }

    /// The same in a world that is there already.
    pub(crate) fn around(world: World, cast: Cast) -> Self {
        let folder = world.folder().to_owned();
        let mut text = policy(cast.soak);
        if cast.gates {
            for gate in ["approve-failover", "approve-failback", "reconcile-venues"] {
                let (off, on) = (format!("{gate} = false"), format!("{gate} = true"));
                assert!(text.contains(&off), "the default policy has no line `{off}` any more");
                text = text.replacen(&off, &on, 1);
            }
        }
        write(&folder.join("policy.toml"), &text);
        write(&folder.join("token"), "0123456789abcdef0123456789abcdef\n");
        write(&folder.join("peer-token"), "fedcba9876543210fedcba9876543210\n");
        let ports: Vec<Vec<u16>> = cast
            .sidecars
            .iter()
            .map(|count| (0..*count).map(|_| free_port()).collect())
            .collect();
        let platform = |who: &str, parts: &str| {
            let at = format!("http://127.0.0.1:{}/{who}", world.port);
            let region = |name: &str, ports: &[u16]| {
                let sidecars: Vec<_> = ports
                    .iter()
                    .map(|port| format!("\"http://127.0.0.1:{port}\""))
                    .collect();
                format!(
                    "health = \"{at}/health/{name}\"\ndatabase-health = \"{at}/deep/{name}\"\nsidecars = [{}]\n",
                    sidecars.join(", ")
                )
            };
            let text = format!(
                "version = 1\nenvironment = \"sweep\"\nhealthy-answer = \"ok\"\nreferences = [\"{at}/reference\"]\n\n\
                 [primary]\n{}\n[standby]\n{}\n[played]\naddress = \"{at}\"\nparts = [{parts}]\n",
                region("us-east-1", &ports[0]),
                region("us-east-2", &ports[1]),
            );
            let path = folder.join(format!("{who}.toml"));
            write(&path, &text);
            path
        };
        let engine = |who: &str, region: &str, more: Vec<String>| {
            let parts = "\"lease\", \"database\", \"switches\", \"name\", \"order-path\", \"humans\"";
            let file = |path: std::path::PathBuf| path.to_string_lossy().into_owned();
            let mut arguments: Vec<String> = ["run", "--region", region].map(str::to_owned).into();
            for (option, value) in [
                ("--policy", file(folder.join("policy.toml"))),
                ("--platform", file(platform(who, parts))),
                ("--token-file", file(folder.join("token"))),
                ("--peer-token-file", file(folder.join("peer-token"))),
                ("--drill-clock", file(world.time_file())),
                ("--listen", format!("127.0.0.1:{}", free_port())),
            ] {
                arguments.extend([option.to_owned(), value]);
            }
            arguments.extend(more);
            let log = folder.join(format!("{who}.log"));
            Engine::new(who, arguments, log, Some(world.shared().clone()))
        };
        let sidecars = [("home", "us-east-1", 0), ("away", "us-east-2", 1)].map(|(side, region, index)| {
            let numbered = ports[index].iter().zip(1..);
            numbered
                .map(|(port, number)| {
                    let who = format!("{side}-{number}");
                    let more = [
                        "--sidecar".to_owned(),
                        number.to_string(),
                        "--peer-listen".to_owned(),
                        format!("127.0.0.1:{port}"),
                        "--journal".to_owned(),
                        folder.join(&who).to_string_lossy().into_owned(),
                        "--drill-journal".to_owned(),
                    ];
                    engine(&who, region, more.into())
                })
                .collect()
        });
        let observer = engine("observer", "us-west-2", vec!["--observer".to_owned()]);
        Self {
            sidecars,
            observer,
            world,
        }
    }

    /// Both regions' engines run, and everything rests.
    pub(crate) fn settled(cast: Cast) -> Self {
        let stage = Self::build(cast);
        for engine in stage.engines() {
            engine.start();
        }
        let rest = match cast.holder {
            Region::Home => [StateName::Serving, StateName::Steady],
            Region::Away => [StateName::Steady, StateName::Soaking],
        };
        stage.until("the platform settles", 60 * SECOND, |stage| {
            stage.is_at(rest) && stage.serves(cast.holder)
        });
        // Witnesses have to be heard before they are missed.
        stage.world.pass(8 * SECOND);
        stage
    }

    pub(crate) fn engines(&self) -> impl Iterator<Item = &Engine> {
        self.sidecars.iter().flatten().chain([&self.observer])
    }

    pub(crate) fn home(&self) -> &Engine {
        &self.sidecars[0][0]
    }

    pub(crate) fn away(&self) -> &Engine {
        &self.sidecars[1][0]
    }

    /// The sidecar that drives a region.
    pub(crate) fn driver(&self, region: Region) -> Engine {
        let driver = self.world.lock().lease.drivers[region.index()];
        let number = usize::from(driver.expect("the region has a driver").sidecar.0);
        self.sidecars[region.index()][number - 1].clone()
    }

    /// Whether a sidecar of a region is in this state.
    pub(crate) fn is_anywhere(&self, region: Region, state: StateName) -> bool {
        let mut engines = self.sidecars[region.index()].iter();
        engines.any(|engine| engine.state() == Some(state))
    }

    /// Nothing in a region answers, and its sidecars are gone.
    pub(crate) fn lose(&self, region: Region) {
        self.world.lock().regions[region.index()].lost = true;
        for engine in &self.sidecars[region.index()] {
            engine.kill();
        }
    }

    /// The region is back, with new sidecars. Its database is what it was.
    pub(crate) fn bring_back(&self, region: Region) {
        self.world.lock().regions[region.index()].lost = false;
        for engine in &self.sidecars[region.index()] {
            engine.start();
        }
    }

    /// Whether a sidecar of each region is in these states, home first.
    pub(crate) fn is_at(&self, states: [StateName; 2]) -> bool {
        let mut regions = Region::BOTH.into_iter().zip(states);
        regions.all(|(region, state)| self.is_anywhere(region, state))
    }

    /// Whether orders commit in this region now, and in no other.
    pub(crate) fn serves(&self, region: Region) -> bool {
        let now = self.world.shared().micros();
        let state = self.world.lock();
        state.commits_in(region, now).is_some() && state.commits_in(region.other(), now).is_none()
    }

    /// Waits until something holds, or ends with everything that helps to see why it does not.
    pub(crate) fn until(&self, what: &str, most: Duration, holds: impl Fn(&Self) -> bool) {
        if !self.world.holds_within(most, |_| holds(self)) {
            panic!("{what}: not within {most:?} of the drill\n{}", self.story());
        }
    }

    /// What happened, for whoever has to find out why.
    pub(crate) fn story(&self) -> String {
        let mut story = String::new();
        {
            let now = self.world.shared().micros();
            let state = self.world.lock();
            story += &format!(
                "at {now}\nlease {:?}\nregions {:?}\nwriter {:?}, moving {}, attached {}, switches {:?}, pinned {:?}\n",
                state.lease,
                state.regions,
                state.writer,
                state.moving,
                state.replica_attached,
                state.switches,
                state.pinned
            );
            for seen in state.seen.iter().filter(|seen| !seen.effect.intent.is_routine()) {
                story += &format!(
                    "{:>12} {} step {} {:?} -> {:?}{}\n",
                    seen.at,
                    seen.who,
                    seen.effect.key.step,
                    seen.effect.intent,
                    seen.outcome,
                    if seen.answered { "" } else { " (unanswered)" }
                );
            }
        }
        for engine in self.engines() {
            story += &format!(
                "\n== {}: {:?}, alive: {}\n",
                engine.name(),
                engine.state(),
                engine.is_alive()
            );
            for entry in engine.entries() {
                if let understudy_engine::core::journal::Happening::Moved { from, to, edge } = entry.what {
                    story += &format!(
                        "{:>12} {} -> {} ({edge:?})\n",
                        entry.at.boot.as_micros(),
                        from.name(),
                        to.name()
                    );
                }
            }
            let log = engine.log();
            let tail: Vec<_> = log.lines().rev().take(15).collect();
            for line in tail.iter().rev() {
                story += line;
                story.push('\n');
            }
        }
        story
    }
}
