//! Gives a call up if the process was suspended during it.
//!
//! A call that changes a role may wait for a connection when the process is suspended. When it wakes up, what it was
//! about to send would be sent, however late that is: the lease that allowed it may have run out long ago. So such a
//! call is never looked at again after a gap; dropping it cancels what was not sent. What was sent already may have
//! happened: that is an unknown outcome.

use std::future::Future;
use std::time::Duration;

use crate::core::time::Timestamp;
use crate::service::clock::Clock;

/// How often a call that waits is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// A longer gap than this, on the engine's clock, is a suspension. A choice: the lease's margin is a second; a machine
/// that is so busy that it takes as long loses nothing but an attempt.
const GAP_MAX: Duration = Duration::from_millis(900);
/// In a fast drill a gap of this length, in real time, is none yet.
const REAL_GAP_MIN: Duration = Duration::from_millis(300);

/// The call's result; none: the process was suspended during it.
pub(super) async fn while_awake<T>(clock: Clock, call: impl Future<Output = T>) -> Option<T> {
    let mut call = std::pin::pin!(call);
    let mut alive = Alive::new(clock);
    loop {
        let slice = tokio::time::timeout(LOOK_EVERY, Watched(&mut alive, call.as_mut()));
        match slice.await {
            Ok(outcome) => return outcome,
            Err(_) if alive.was_suspended() => return None,
            Err(_) => {}
        }
    }
}

/// When the process was last seen to run.
struct Alive {
    clock: Clock,
    seen: Timestamp,
}

impl Alive {
    fn new(clock: Clock) -> Self {
        Self {
            clock,
            seen: clock.boot(),
        }
    }

    fn was_suspended(&mut self) -> bool {
        let now = self.clock.boot();
        let gap = now.since(self.seen);
        self.seen = now;
        gap > GAP_MAX && self.clock.real_span(gap) > REAL_GAP_MIN
    }
}

/// Polls a future only if the process has run since the last look.
struct Watched<'a, F>(&'a mut Alive, std::pin::Pin<&'a mut F>);

impl<F: Future> Future for Watched<'_, F> {
    type Output = Option<F::Output>;

    fn poll(mut self: std::pin::Pin<&mut Self>, context: &mut std::task::Context<'_>) -> std::task::Poll<Self::Output> {
        if self.0.was_suspended() {
            return std::task::Poll::Ready(None);
        }
        self.1.as_mut().poll(context).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_call_that_goes_on_is_waited_for() {
        let call = async {
            tokio::time::sleep(LOOK_EVERY * 2).await;
            7
        };
        assert_eq!(while_awake(Clock::real(), call).await, Some(7));
    }

    #[tokio::test]
    #[expect(
        clippy::disallowed_methods,
        reason = "blocks the only thread: what a suspended process looks like"
    )]
    async fn a_call_is_not_looked_at_again_after_a_gap() {
        let sent = std::cell::Cell::new(false);
        let call = async {
            tokio::task::yield_now().await;
            sent.set(true);
        };
        let suspended = async {
            std::thread::sleep(GAP_MAX * 2);
            std::future::pending::<()>().await;
        };
        let outcome = tokio::select! {
            biased;
            outcome = while_awake(Clock::real(), call) => outcome,
            () = suspended => None,
        };
        assert_eq!(outcome, None);
        assert!(!sent.get(), "what it was about to send was not sent");
    }
}
