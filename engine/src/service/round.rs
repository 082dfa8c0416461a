//! One round of a sidecar: from the start of its core until the process ends, or starts a core with another policy.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::{error, info, warn};
use understudy_policies::Policy;
use understudy_policies::source::Style;

use super::clock::Clock;
use super::context::Sidecar;
use super::given::Given;
use super::journal::Journal;
use super::policy_file;
use super::shell::{Inbox, Input, Left, Shell, ShellEnd, rests};
use super::signals::{Signals, Told};
use super::standing::{Reload, Standings, change};
use crate::core::engine::Refusal;
use crate::core::signal::Command;

/// How often a sidecar that may not leave during a role change asks again, in real time.
const ASK_AGAIN: Duration = Duration::from_millis(500);
/// Beyond the lease's and the policy's own figures, for what nobody foresaw.
const LEAVE_SPARE: Duration = Duration::from_secs(10);

/// How a round ends.
pub(super) enum RoundEnd {
    /// The process ends.
    Over(ShellEnd),
    /// Another round, with another policy.
    Next(Box<Next>),
}

/// What the next round begins with.
pub(super) struct Next {
    pub(super) policy: Policy,
    pub(super) journal: Journal,
}

/// How far leaving has come.
enum Leaving {
    No,
    /// Asked, and waiting for the answer.
    Asked(oneshot::Receiver<Result<(), Refusal>>),
    /// Refused because of a role change; asked again then.
    Again(Instant),
    /// Under way; over by then.
    Until(Instant),
}

/// One round, and what signals have asked of it.
pub(super) struct Round {
    clock: Clock,
    inbox: Arc<Inbox>,
    sidecar: Sidecar,
    policy_file: Given,
    standings: Standings,
    leaving: Leaving,
    /// A policy that is good, and waits for the engine to rest.
    next: Option<Policy>,
}

impl Round {
    pub(super) fn new(sidecar: &Sidecar, policy_file: &Given, standings: &Standings) -> Self {
        Self {
            clock: sidecar.context.clock,
            inbox: Arc::clone(&sidecar.inbox),
            sidecar: sidecar.clone(),
            policy_file: policy_file.clone(),
            standings: standings.clone(),
            leaving: Leaving::No,
            next: None,
        }
    }

    /// Lasts until the core ends.
    pub(super) async fn last(mut self, shell: &mut Shell, signals: &mut Signals) -> RoundEnd {
        loop {
            tokio::select! {
                left = shell.ended() => return self.over(left),
                told = signals.next() => match told {
                    Told::End => self.leave(),
                    Told::Reload => self.reload(),
                },
                due = self.leaving.is_due() => self.go_on_leaving(due),
            }
        }
    }

    fn over(self, left: Left) -> RoundEnd {
        match (left.end, self.next, left.journal) {
            (ShellEnd::Rested, Some(policy), Some(journal)) => {
                let at = self.clock.wall();
                change(&self.standings, |standing| standing.reload = Reload::Applied { at });
                RoundEnd::Next(Box::new(Next { policy, journal }))
            }
            (end, _, _) => RoundEnd::Over(end),
        }
    }

    /// The first signal asks the engine to leave, which hands its seat over and may take a while; the second ends at once.
    fn leave(&mut self) {
        if !matches!(self.leaving, Leaving::No) {
            warn!("told to end twice: ending at once, without handing anything over");
            self.inbox.close();
            return;
        }
        info!("told to end: handing over what depends on this sidecar");
        change(&self.standings, |standing| standing.leaving = true);
        if self.next.take().is_some() {
            self.inbox.put(Input::GoOn);
        }
        self.ask_to_leave();
    }

    fn ask_to_leave(&mut self) {
        let (answer, answered) = oneshot::channel();
        self.inbox.put(Input::Command(Command::ShutDown, answer));
        self.leaving = Leaving::Asked(answered);
    }

    fn go_on_leaving(&mut self, due: Due) {
        match due {
            Due::Answered(Some(Ok(()))) => self.leaving = Leaving::Until(Instant::now() + self.patience()),
            // Unanswered: the inbox was full, or the core has ended.
            Due::Answered(answer) => {
                if let Some(Err(refusal)) = answer {
                    info!(%refusal, "not yet: asking again until it is over; a second signal ends at once");
                }
                self.leaving = Leaving::Again(Instant::now() + ASK_AGAIN);
            }
            Due::AskAgain => self.ask_to_leave(),
            Due::Overdue => {
                error!("leaving took longer than it may: ending without it");
                self.inbox.close();
                self.leaving = Leaving::Until(Instant::now() + LEAVE_SPARE);
            }
        }
    }

    /// How long leaving may take, in real time: another sidecar takes the seat, or the orders in hand are finished.
    fn patience(&self) -> Duration {
        let policy = &self.sidecar.context.policy;
        let lease = &policy.lease;
        let handover = lease.ttl + lease.drift_max + lease.renew_every * 8;
        self.clock.real_span(handover + policy.deadlines.draining) + LEAVE_SPARE
    }

    fn reload(&mut self) {
        let at = self.clock.wall();
        if !matches!(self.leaving, Leaving::No) {
            warn!("told to reload while leaving: the policy stays as it is");
            return;
        }
        match read_next(&self.policy_file, &self.sidecar.context.policy) {
            Err(because) => {
                log_refusal(&because);
                change(&self.standings, |standing| {
                    standing.reload = Reload::Refused { at, because }
                });
                // An earlier one that still waits is not what the file says any more.
                if self.next.take().is_some() {
                    self.inbox.put(Input::GoOn);
                }
            }
            Ok(policy) => {
                let state = self.sidecar.views.status.borrow().state;
                if !rests(state) {
                    info!(
                        state = state.name(),
                        "the new policy is good; it is applied once the engine rests"
                    );
                }
                change(&self.standings, |standing| {
                    standing.reload = Reload::Postponed { since: at, state };
                });
                self.next = Some(policy);
                self.inbox.put(Input::Rest);
            }
        }
    }
}

/// What leaving waited for.
#[derive(Clone, Copy)]
enum Due {
    Answered(Option<Result<(), Refusal>>),
    AskAgain,
    Overdue,
}

impl Leaving {
    /// Waits for what comes next; for ever, if nothing does.
    async fn is_due(&mut self) -> Due {
        match self {
            Self::No => std::future::pending().await,
            Self::Asked(answered) => Due::Answered(answered.await.ok()),
            Self::Again(at) => {
                tokio::time::sleep_until(*at).await;
                Due::AskAgain
            }
            Self::Until(at) => {
                tokio::time::sleep_until(*at).await;
                Due::Overdue
            }
        }
    }
}

/// The policy of the file, if it is good and this process can go over to it.
pub(super) fn read_next(file: &Given, now: &Policy) -> Result<Policy, String> {
    let next = policy_file::read(file, Style::Plain)?;
    policy_file::can_follow(now, &next)?;
    Ok(next)
}

pub(super) fn log_refusal(because: &str) {
    error!("the policy is not reloaded, and the one before goes on:\n{because}");
}
