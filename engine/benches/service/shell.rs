//! The shell in this process: from an input to the call of its effect.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use understudy_engine::core::effect::{DatabaseView, Effect, Intent, Outcome};
use understudy_engine::core::engine::Identity;
use understudy_engine::core::ids::{Epoch, Nonce, Region, SidecarId};
use understudy_engine::core::lease::LeaseRecord;
use understudy_engine::core::machine::StateName;
use understudy_engine::core::signal::{DatabaseChange, Notice, PeerMessage};
use understudy_engine::core::time::DatabaseTime;
use understudy_engine::service::clock::Clock;
use understudy_engine::service::journal::{Journal, Owner};
use understudy_engine::service::parts::Executor;
use understudy_engine::service::shell::{Input, Shell};
use understudy_policies::shipped;

use crate::figures::Report;

const ROUNDS: usize = 2_000;
const PATIENCE: Duration = Duration::from_secs(10);

/// Answers at once, and tells when it was called for what.
#[derive(Debug)]
struct Called {
    lease: Mutex<LeaseRecord>,
    called: Mutex<Sender<(Intent, Instant)>>,
}

#[async_trait]
impl Executor for Called {
    async fn carry_out(&self, effect: &Effect) -> Outcome {
        let now = Instant::now();
        // Nobody listens between two rounds.
        let _ = self.called.lock().unwrap().send((effect.intent, now));
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
                writer: Some(Region::Home),
                moving: false,
                replica_attached: true,
            }),
            Intent::ReadSwitches => Outcome::Switches([Some(false); 2]),
            _ => Outcome::Done,
        }
    }
}

pub(crate) fn measure(report: &mut Report) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let folder = tempfile::tempdir_in(".").unwrap();
    report.times("disk: 4 KiB and fdatasync, same folder", fsyncs(folder.path()), None);
    let owner = Owner {
        region: "us-east-2".to_owned(),
        sidecar: SidecarId(1),
    };
    let clock = Clock::real();
    let journal = Journal::open(&folder.path().join("journal"), &owner, clock.wall()).unwrap();
    let (called, calls) = channel();
    let executor = Arc::new(Called {
        lease: Mutex::new(LeaseRecord::initial()),
        called: Mutex::new(called),
    });
    let identity = Identity {
        region: Region::Away,
        sidecar: SidecarId(1),
        incarnation: 7,
    };
    let mut shell = Shell::start(
        &shipped::trading(),
        identity,
        clock,
        journal,
        executor,
        runtime.handle(),
    )
    .unwrap();
    runtime.block_on(async {
        let mut status = shell.views().status.clone();
        let steady = status.wait_for(|status| status.state == StateName::Steady && status.drives);
        tokio::time::timeout(PATIENCE, steady).await.unwrap().unwrap();
    });
    let put = |input: Input| shell.inbox().put(input);
    // A request of a peer is answered without the journal: nothing of it has to outlive a restart.
    let without = rounds(&calls, |round| {
        let nonce = Nonce {
            incarnation: 1,
            serial: round,
        };
        put(Input::Peer(PeerMessage::GrantRequest {
            from: Region::Home,
            epoch: Epoch(99),
            nonce,
        }));
        Box::new(
            move |intent| matches!(intent, Intent::TellPeer(PeerMessage::GrantAnswer { nonce: answered, .. }) if *answered == nonce),
        )
    });
    report.times(
        "shell: input to effect, without journal",
        without,
        Some(Duration::from_millis(1)),
    );
    // A look at the database is an effect like a promotion: its intent is durable before it begins.
    let with = rounds(&calls, |_| {
        let notice = Notice::Database {
            region: Region::Home,
            change: DatabaseChange::FailoverStarted,
        };
        put(Input::Notice(notice, None));
        Box::new(|intent| matches!(intent, Intent::DescribeDatabase))
    });
    report.times(
        "shell: input to effect, durable journal",
        with,
        Some(Duration::from_millis(5)),
    );
    shell.inbox().close();
    runtime.block_on(shell.ended());
}

type Wanted = Box<dyn Fn(&Intent) -> bool>;

fn rounds(calls: &Receiver<(Intent, Instant)>, mut begin: impl FnMut(u64) -> Wanted) -> Vec<Duration> {
    (0..ROUNDS)
        .map(|round| {
            while calls.try_recv().is_ok() {}
            let began = Instant::now();
            let wanted = begin(round as u64);
            loop {
                let (intent, at) = calls.recv_timeout(PATIENCE).expect("the effect is called");
                if wanted(&intent) {
                    // Its outcome is on its way back: the next round does not meet it.
                    std::thread::sleep(Duration::from_millis(2));
                    return at.duration_since(began);
                }
            }
        })
        .collect()
}

/// What the disk itself takes for a page.
pub(crate) fn fsyncs(folder: &Path) -> Vec<Duration> {
    let file = File::create(folder.join("fsync")).unwrap();
    let page = [7; 4_096];
    (0..ROUNDS as u64)
        .map(|round| {
            let began = Instant::now();
            file.write_all_at(&page, round % 64 * 4_096).unwrap();
            file.sync_data().unwrap();
            began.elapsed()
        })
        .collect()
}
