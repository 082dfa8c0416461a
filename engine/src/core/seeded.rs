//! Bugs that are put in on purpose, to show that they are found. Test-only: the feature `seeded-bugs` is off by default.
//!
//! Each is one line that deviates, at the place where a real one would be: look for `seeded!` with its name. Which
//! invariant finds it, and in which scenario, is shown by the simulator's tests (`docs/invariants.md`).

macro_rules! bugs {
    ($($bug:ident { $name:literal, $what:literal })*) => {
        /// A bug.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum SeededBug {
            $(#[doc = $what] $bug,)*
        }

        impl SeededBug {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$bug,)*];

            /// The name, for command lines and documents.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$bug => $name,)* }
            }

            /// What it does.
            #[must_use]
            pub const fn what(self) -> &'static str {
                match self { $(Self::$bug => $what,)* }
            }
        }
    };
}

bugs! {
    SkipsTheWait { "skips-the-wait", "The taker raises the epoch as soon as its claim is accepted." }
    NeverLapses { "never-lapses", "A renewal that failed extends the lease as if it had got through." }
    OverstatesTheRow { "overstates-the-row", "The serving row is written for a minute more than the lease." }
    ActsInTheNextEpoch { "acts-in-the-next-epoch", "The holder acts in the epoch after its own." }
    NoLastMoment { "no-last-moment", "Effects of the workflow may be begun at any time." }
    SecretPromotion { "secret-promotion", "The promotion is not written into the journal." }
    PromotesAgain { "promotes-again", "A promotion that timed out is asked for again without a look." }
    LeavesSwitches { "leaves-switches", "Undoing a failover leaves the switches as they are, and nobody looks after them." }
    IgnoresLag { "ignores-lag", "The guard of the data-loss bound always agrees." }
    KeepsLossQuiet { "keeps-loss-quiet", "Nobody is paged about orders that were found lost." }
    NoCoolDown { "no-cool-down", "The guard of the cool-down always agrees." }
    CountsAlarms { "counts-alarms", "The quorum counts breached witnesses, not failure domains." }
    ShadowActs { "shadow-acts", "The policy's mode is not looked at: every engine begins armed." }
    IgnoresPause { "ignores-pause", "The guard of a pause always agrees." }
    ActsDisarmed { "acts-disarmed", "The guard of an armed engine always agrees, and its effects go out." }
    ForgetsDeadlines { "forgets-deadlines", "No state has a deadline." }
    ResumesByItself { "resumes-by-itself", "An engine that asked for an operator goes on without one." }
    StaysClosed { "stays-closed", "An order path that was closed is never opened again outside a workflow." }
    HiddenState { "hidden-state", "The ids of effects come from a counter that all engines share." }
}

/// What [`SeededBug::HiddenState`] counts.
pub(crate) fn shared_serial() -> u64 {
    static SERIAL: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1 << 40);
    SERIAL.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}
