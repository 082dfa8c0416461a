//! The shell around a real core, with made-up parts.
#![expect(
    clippy::disallowed_types,
    reason = "the shell is where threads meet, and so do its tests"
)]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use understudy_policies::Policy;
use understudy_policies::policy::Document;
use understudy_policies::source::Source;

use super::{Input, Receipt, Shell, ShellEnd};
use crate::core::effect::{DatabaseView, Effect, Intent, Outcome};
use crate::core::engine::Identity;
use crate::core::ids::{Region, SidecarId};
use crate::core::journal::Happening;
use crate::core::lease::{LeaseRecord, LeaseRequest};
use crate::core::machine::StateName;
use crate::core::memory::Memory;
use crate::core::signal::{Command, Notice};
use crate::core::time::DatabaseTime;
use crate::service::clock::{Clock, DrillTime, Pace};
use crate::service::journal::tests::full_disk::Disk;
use crate::service::journal::{Journal, Owner, Span};
use crate::service::parts::Executor;

type Matches = fn(&Intent) -> bool;

/// A world in which everything works, and which writes down what reached it.
#[derive(Debug)]
struct World {
    lease: Mutex<LeaseRecord>,
    seen: Mutex<Vec<Intent>>,
    panics: Mutex<VecDeque<Matches>>,
    /// What the journal held when an effect arrived that is no routine.
    history: Mutex<Option<crate::service::journal::Reader>>,
    unwritten: Mutex<Vec<Intent>>,
}

impl World {
    fn new(holder: Region) -> Arc<Self> {
        let record = match holder {
            Region::Home => LeaseRecord::initial(),
            Region::Away => LeaseRecord::away_from_home(),
        };
        Arc::new(Self {
            lease: Mutex::new(record),
            seen: Mutex::default(),
            panics: Mutex::default(),
            history: Mutex::default(),
            unwritten: Mutex::default(),
        })
    }

    fn saw(&self, matches: Matches) -> usize {
        self.seen
            .lock()
            .unwrap()
            .iter()
            .filter(|intent| matches(intent))
            .count()
    }
}

#[async_trait]
impl Executor for World {
    async fn carry_out(&self, effect: &Effect) -> Outcome {
        self.seen.lock().unwrap().push(effect.intent);
        if let Some(history) = &*self.history.lock().unwrap()
            && !effect.intent.is_routine()
        {
            let page = history.entries(Span::default(), None, 1_000).unwrap();
            let asked = |happening: &Happening| matches!(happening, Happening::Asked(asked) if asked.id == effect.id);
            if !page.rows.iter().any(|row| asked(&row.entry.what)) {
                self.unwritten.lock().unwrap().push(effect.intent);
            }
        }
        let panics = self
            .panics
            .lock()
            .unwrap()
            .pop_front_if(|matches| matches(&effect.intent));
        assert!(panics.is_none(), "an adapter with a bug");
        match effect.intent {
            Intent::Lease { request, nonce } => {
                let mut record = self.lease.lock().unwrap();
                match record.apply(&request, nonce) {
                    Ok(next) => {
                        *record = next;
                        Outcome::Lease(next)
                    }
                    Err(conflict) => Outcome::Conflict(conflict.0),
                }
            }
            Intent::ReadDatabaseClock => Outcome::DatabaseClock(DatabaseTime(1)),
            Intent::DescribeDatabase => Outcome::Database(DatabaseView {
                writer: Some(self.lease.lock().unwrap().holder),
                moving: false,
                replica_attached: true,
            }),
            Intent::ReadSwitches => Outcome::Switches([Some(false); 2]),
            _ => Outcome::Done,
        }
    }
}

fn policy() -> Policy {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../policies/trading.toml");
    let source = Source::read(path.as_ref()).unwrap();
    Document::read(&source).unwrap().into_policy()
}

/// Twenty times as fast as life.
fn clock() -> Clock {
    let folder = tempfile::tempdir().unwrap();
    let pace = Pace::from_now(0, 20.0, 1_780_502_400_000);
    // The file stays open; its name is not needed any more.
    let time = DrillTime::begin(&folder.path().join("time"), &pace).unwrap();
    Clock::of_drill(time.forever())
}

fn owner() -> Owner {
    Owner {
        region: "us-east-1".to_owned(),
        sidecar: SidecarId(1),
    }
}

fn journal_on(disk: &Disk) -> Journal {
    let database = redb::Builder::new().create_with_backend(disk.clone()).unwrap();
    Journal::in_database(database, &owner()).unwrap()
}

fn start(world: &Arc<World>, journal: Journal) -> Shell {
    let identity = Identity {
        region: Region::Home,
        sidecar: SidecarId(1),
        incarnation: 7,
    };
    let executor: Arc<dyn Executor> = Arc::clone(world) as _;
    Shell::start(&policy(), identity, clock(), journal, executor, &Handle::current()).unwrap()
}

async fn until(shell: &Shell, state: StateName) {
    let mut status = shell.views().status.clone();
    let reached = status.wait_for(|status| status.state == state);
    tokio::time::timeout(Duration::from_secs(30), reached)
        .await
        .unwrap()
        .unwrap();
}

async fn end(shell: &mut Shell) -> super::Left {
    tokio::time::timeout(Duration::from_secs(30), shell.ended())
        .await
        .unwrap()
}

async fn command(shell: &Shell, command: Command) -> Result<(), String> {
    let (answer, answered) = oneshot::channel();
    shell.inbox().put(Input::Command(command, answer));
    let answer = tokio::time::timeout(Duration::from_secs(10), answered).await.unwrap();
    answer
        .map_err(|_| "unanswered".to_owned())?
        .map_err(|refusal| refusal.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_intent_is_in_the_journal_before_it_begins() {
    let world = World::new(Region::Home);
    let mut shell = start(&world, journal_on(&Disk::default()));
    *world.history.lock().unwrap() = Some(shell.views().history.clone());
    until(&shell, StateName::Serving).await;
    command(&shell, Command::ShutDown).await.unwrap();
    let left = end(&mut shell).await;
    assert_eq!(left.end, ShellEnd::MayEnd);
    // Without another sidecar it drains: it closes the order path and releases the lease.
    assert!(world.saw(|intent| matches!(intent, Intent::CloseOrderPath)) > 0);
    assert!(world.lease.lock().unwrap().released);
    assert_eq!(*world.unwritten.lock().unwrap(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_is_answered_once_it_outlives_a_restart() {
    let world = World::new(Region::Home);
    let disk = Disk::default();
    let mut shell = start(&world, journal_on(&disk));
    until(&shell, StateName::Serving).await;
    command(&shell, Command::Pause).await.unwrap();
    // What is on the disk now, whatever the process still holds in memory.
    let saved = disk.copy();
    assert!(journal_on(&saved).memory().unwrap().paused);
    shell.inbox().close();
    assert_eq!(end(&mut shell).await.end, ShellEnd::Closed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_ends_the_shell_and_begins_and_confirms_nothing() {
    let world = World::new(Region::Home);
    let disk = Disk::default();
    let mut shell = start(&world, journal_on(&disk));
    until(&shell, StateName::Serving).await;
    disk.fill();
    let (confirmed, was_confirmed) = oneshot::channel::<()>();
    let receipt = Receipt::new(move || confirmed.send(()).unwrap_or_default());
    // It makes the core look at the database, which is no routine.
    let notice = Notice::Database {
        region: Region::Home,
        change: crate::core::signal::DatabaseChange::FailoverStarted,
    };
    let looks = |intent: &Intent| matches!(intent, Intent::DescribeDatabase);
    let before = world.saw(looks);
    shell.inbox().put(Input::Notice(notice, Some(receipt)));
    let left = end(&mut shell).await;
    assert_eq!(left.end, ShellEnd::JournalFailed);
    assert!(left.journal.is_none());
    assert_eq!(world.saw(looks), before, "what is not written down is not begun");
    assert!(was_confirmed.await.is_err(), "nor confirmed");
    assert_eq!(command(&shell, Command::Pause).await, Err("unanswered".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_hangs_delays_no_renewal_and_ends_the_shell_in_the_end() {
    let world = World::new(Region::Home);
    let disk = Disk::default();
    let mut shell = start(&world, journal_on(&disk));
    until(&shell, StateName::Serving).await;
    let renewals = |intent: &Intent| {
        matches!(
            intent,
            Intent::Lease {
                request: LeaseRequest::Renew { .. },
                ..
            }
        )
    };
    disk.hang(true);
    let (answer, mut answered) = oneshot::channel();
    shell.inbox().put(Input::Command(Command::Pause, answer));
    let before = world.saw(renewals);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let renewed = world.saw(renewals) - before;
    assert!(renewed >= 20, "40 drill seconds with {renewed} renewals");
    assert!(answered.try_recv().is_err(), "not answered before it is on the disk");
    let left = end(&mut shell).await;
    assert_eq!(left.end, ShellEnd::JournalFailed);
    disk.hang(false);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_adapter_that_panics_leaves_no_step_waiting_for_ever() {
    let world = World::new(Region::Home);
    world
        .panics
        .lock()
        .unwrap()
        .push_back(|intent| matches!(intent, Intent::DescribeDatabase));
    let mut shell = start(&world, journal_on(&Disk::default()));
    // It recovers although the first look at the database never came back.
    until(&shell, StateName::Serving).await;
    shell.inbox().close();
    let left = end(&mut shell).await;
    let settled = left
        .journal
        .unwrap()
        .reader()
        .entries(Span::default(), None, 1_000)
        .unwrap();
    let unknown = |happening: &Happening| {
        matches!(
            happening,
            Happening::Settled {
                intent: Intent::DescribeDatabase,
                outcome: Outcome::TimedOut,
                ..
            }
        )
    };
    assert!(
        settled.rows.iter().any(|row| unknown(&row.entry.what)),
        "the panic is an unknown outcome"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_core_that_rests_gives_its_journal_to_the_next() {
    let world = World::new(Region::Home);
    let mut shell = start(&world, journal_on(&Disk::default()));
    // Asked while it recovers: it goes on until it rests.
    shell.inbox().put(Input::Rest);
    let left = end(&mut shell).await;
    assert_eq!(left.end, ShellEnd::Rested);
    let journal = left.journal.unwrap();
    let remembered = journal.memory().unwrap();
    assert_eq!(
        remembered.epoch,
        Some(crate::core::ids::Epoch(1)),
        "what it knew is handed on: {remembered:?}"
    );
    let mut next = {
        // Without the lease it recovers, and does not rest between the two.
        let _lease = world.lease.lock().unwrap();
        let next = start(&world, journal);
        next.inbox().put(Input::Rest);
        next.inbox().put(Input::GoOn);
        next
    };
    until(&next, StateName::Serving).await;
    command(&next, Command::Pause).await.unwrap();
    next.inbox().close();
    assert_eq!(
        end(&mut next).await.end,
        ShellEnd::Closed,
        "asked to rest, and then not to"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_operator_set_is_there_after_a_restart() {
    let world = World::new(Region::Home);
    let disk = Disk::default();
    let mut shell = start(&world, journal_on(&disk));
    until(&shell, StateName::Serving).await;
    command(&shell, Command::Pause).await.unwrap();
    command(&shell, Command::Disarm).await.unwrap();
    shell.inbox().close();
    drop(end(&mut shell).await);
    let mut shell = start(&world, journal_on(&disk.copy()));
    until(&shell, StateName::Serving).await;
    let status = Arc::clone(&shell.views().status.borrow());
    assert!(status.paused);
    assert_eq!(status.mode, understudy_policies::model::Mode::Shadow);
    assert_ne!(journal_on(&disk.copy()).memory(), Some(Memory::default()));
    shell.inbox().close();
    end(&mut shell).await;
}
