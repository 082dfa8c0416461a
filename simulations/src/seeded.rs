//! Bugs that are put in on purpose, in the engine's core or in the model of what surrounds it, and which invariants
//! find them. Test-only: the feature `seeded-bugs` is off by default.

use understudy_engine::core::seeded::SeededBug;

use crate::invariants;

/// A bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// One of the engine's core.
    Core(SeededBug),
    /// The shell begins effects whose last moment is over.
    ShellIgnoresLastMoment,
    /// The commit fence of the databases does not look at the clock.
    FenceIgnoresClock,
}

impl Bug {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        let core = SeededBug::ALL.iter().map(|bug| Self::Core(*bug));
        core.chain([Self::ShellIgnoresLastMoment, Self::FenceIgnoresClock])
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Core(bug) => bug.name(),
            Self::ShellIgnoresLastMoment => "shell-ignores-last-moment",
            Self::FenceIgnoresClock => "fence-ignores-clock",
        }
    }

    /// What it does.
    #[must_use]
    pub const fn what(self) -> &'static str {
        match self {
            Self::Core(bug) => bug.what(),
            Self::ShellIgnoresLastMoment => "The shell begins effects whose last moment is over. (A bug of the shell.)",
            Self::FenceIgnoresClock => {
                "The databases let orders commit after the serving row's end. (A bug of the commit fence.)"
            }
        }
    }

    /// The files of the invariants that are there to find it.
    #[must_use]
    pub const fn found_by(self) -> &'static [&'static str] {
        use SeededBug as Core;
        match self {
            // Whoever commits after a promotion sooner or later commits beside the new writer.
            Self::FenceIgnoresClock => &["commits_fenced.rs", "one_open_region.rs"],
            Self::ShellIgnoresLastMoment | Self::Core(Core::NoLastMoment) => &["stale_refused.rs"],
            Self::Core(Core::SkipsTheWait) => &["promotion_with_lease.rs"],
            Self::Core(Core::NeverLapses | Core::OverstatesTheRow) => &["one_tenure.rs"],
            Self::Core(Core::ActsInTheNextEpoch) => &["epochs_rise.rs"],
            Self::Core(Core::SecretPromotion) => &["intent_first.rs"],
            Self::Core(Core::PromotesAgain) => &["looked_up_first.rs"],
            Self::Core(Core::LeavesSwitches) => &["name_agrees.rs"],
            Self::Core(Core::IgnoresLag) => &["loss_bounded.rs"],
            Self::Core(Core::KeepsLossQuiet) => &["losses_reported.rs"],
            Self::Core(Core::NoCoolDown) => &["cool_down.rs"],
            Self::Core(Core::CountsAlarms) => &["loss_was_visible.rs"],
            Self::Core(Core::ShadowActs | Core::IgnoresPause | Core::ActsDisarmed) => &["hands_off.rs"],
            Self::Core(Core::ForgetsDeadlines | Core::ResumesByItself) => &["no_stuck_state.rs"],
            Self::Core(Core::StaysClosed) => &["convergence.rs"],
            Self::Core(Core::HiddenState) => &["replay.rs"],
        }
    }
}

/// `docs/invariants.md`.
#[must_use]
pub fn page() -> String {
    let mut page = String::from(PAGE_HEAD);
    for invariant in invariants::ALL {
        let (name, meaning, file) = (invariant.name, invariant.meaning, invariant.file);
        let link = format!("[{file}](../simulations/src/invariants/{file})");
        let found = Bug::all().filter(|bug| bug.found_by().contains(&file));
        let names: Vec<String> = found.map(|bug| format!("`{}`", bug.name())).collect();
        page.push_str(&format!("| {name} | {meaning} | {link} | {} |\n", names.join(", ")));
    }
    page.push_str(PAGE_BUGS);
    for bug in Bug::all() {
        page.push_str(&format!("| `{}` | {} |\n", bug.name(), bug.what()));
    }
    page
}

const PAGE_HEAD: &str = "\
# Invariants

What must hold in every run, whatever breaks. This page is written by
`cargo run --release -p understudy-simulations --features seeded-bugs --example invariants_page`.

An invariant is a sentence about the world of the simulator: about the lease item, the databases, the orders, and what
engines did, never about what they believed. All of them are looked at in every run and in every timeline of a campaign.
`understudy-sim run` prints how many hold, or which were broken and when; `--json` names each. Outside the assumptions
that a policy declares, such as clocks that drift further apart than `lease.drift-max`, some cannot hold. They are judged
all the same, and a run that breaks one is wrong.

Every invariant is shown to find something: a bug that was put in on purpose breaks it, and no other invariant that it
does not imply, in a scenario that is clean without the bug
([seeded_bugs.rs](../simulations/tests/seeded_bugs.rs)).

| Invariant | What it means | File | Seeded bugs |
|--|--|--|--|
";

const PAGE_BUGS: &str = "
## The seeded bugs

One line each, at the place where a real bug would be ([seeded.rs](../engine/src/core/seeded.rs); the last two sit in the
simulator's model of what surrounds the core). The feature `seeded-bugs` builds them in. It is for tests only, is in no
default, and without it they cost nothing.

| Bug | What it does |
|--|--|
";
