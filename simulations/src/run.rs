//! Running a scenario.
//!
//! The same scenario, policy, seed and conditions give the same report, byte for byte.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use understudy_policies::Policy;

use crate::conditions::Conditions;
use crate::digest::Digest;
use crate::report::Report;
use crate::scenario::Scenario;
use crate::world;

/// The stream of the seed's generator that conditions are drawn from. The world draws from another one, so that a run
/// under conditions of one's own is otherwise the same run.
const CONDITIONS_STREAM: u64 = 1;

/// Runs a scenario under a policy, with modelled conditions.
#[must_use]
pub fn run(scenario: &Scenario, policy: &Policy, seed: u64) -> Report {
    let conditions = Conditions::modelled(policy, &mut conditions_rng(seed));
    run_with(scenario, policy, seed, conditions)
}

/// Runs a scenario under a policy, with these conditions.
#[must_use]
pub fn run_with(scenario: &Scenario, policy: &Policy, seed: u64, conditions: Conditions) -> Report {
    world::run(scenario, &scenario.under(policy), seed, conditions)
}

/// Runs a scenario with a bug in the engines, or in what surrounds them.
#[cfg(feature = "seeded-bugs")]
#[must_use]
pub fn with_bug(
    bug: crate::seeded::Bug,
    scenario: &Scenario,
    policy: &Policy,
    seed: u64,
    conditions: Conditions,
) -> Report {
    world::with_bug(bug, scenario, &scenario.under(policy), seed, conditions)
}

/// Runs the same with a bug, without writing a timeline.
#[cfg(feature = "seeded-bugs")]
#[must_use]
pub fn digest_with_bug(
    bug: crate::seeded::Bug,
    scenario: &Scenario,
    policy: &Policy,
    seed: u64,
    conditions: Conditions,
) -> Digest {
    world::digest_with_bug(bug, scenario, &scenario.under(policy), seed, conditions)
}

/// Runs the same without writing a timeline, and keeps what a campaign adds up.
#[must_use]
pub fn digest_with(scenario: &Scenario, policy: &Policy, seed: u64, conditions: Conditions) -> Digest {
    world::digest(scenario, &scenario.under(policy), seed, conditions)
}

/// The generator that the conditions of a seed are drawn from.
#[must_use]
pub fn conditions_rng(seed: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(CONDITIONS_STREAM);
    rng
}
