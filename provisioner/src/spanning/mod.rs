//! What spans regions, or moves in a failover: one reconciler each.
//!
//! ```text
//!   what should be  --+
//!                     +--> differences --> converge: act on each that can be acted on, look again, until there is none
//!   what is there   --+                    plan:     print them
//!                                          drift:    print them
//! ```
//!
//! A reconciler keeps no state. It finds what is there by name, takes it for ours only if it carries our tag, and says
//! what differs. Each difference carries the one call that lessens it. So a run that was interrupted anywhere is resumed by
//! running it again, and `plan` and `apply` cannot disagree. Removal is the same: what is left is a difference too.
//!
//! No reconciler ever changes a role. [`situation`] says who writes and in which epoch, and holds everything back while that
//! is about to change.

pub mod account;
pub mod certificates;
pub mod checks;
pub mod database;
pub mod forwarding;
pub mod hosted;
pub mod left_behind;
pub mod parameters;
pub mod peering;
pub mod records;
pub mod replication;
pub mod secrets;
pub mod sidecar_names;
pub mod situation;
pub mod switches;
pub mod tables;
pub mod zone;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use serde::Serialize;
use tokio::time::Instant;
use understudy_policies::model::RegionName;

use crate::aws::trouble::TroubleKind;
use crate::aws::{Connections, Trouble};

/// What every reconciler needs.
#[derive(Debug, Clone)]
pub struct Shared {
    /// How AWS is asked.
    pub aws: Connections,
    /// The account.
    pub account: String,
    /// Home, then away.
    pub regions: [RegionName; 2],
    /// The witness region.
    pub witness: RegionName,
    /// What every resource of ours carries, [`Shared::owner`]'s key included.
    pub tags: BTreeMap<String, String>,
    /// The key of the tag by which we know our own.
    pub owner_key: String,
}

impl Shared {
    /// The tag by which we know our own.
    #[must_use]
    pub fn owner(&self) -> (&str, &str) {
        let value = self.tags.get(&self.owner_key).map_or("", String::as_str);
        (&self.owner_key, value)
    }

    /// Whether tags say that something is ours.
    #[must_use]
    pub fn owns(&self, tags: &BTreeMap<String, String>) -> bool {
        let (key, value) = self.owner();
        tags.get(key).is_some_and(|found| found == value)
    }

    /// A refusal to touch what is not ours.
    #[must_use]
    pub fn not_ours(&self, what: &str, region: &RegionName) -> Trouble {
        Trouble::not_ours(what, region, self.owner())
    }

    /// Those of our tags that are missing, or say something else.
    #[must_use]
    pub fn missing_tags(&self, found: &BTreeMap<String, String>) -> Vec<(String, String)> {
        let wanted = self.tags.iter();
        wanted
            .filter(|(key, value)| found.get(*key) != Some(*value))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }

    /// All of our tags.
    pub fn each_tag(&self) -> impl Iterator<Item = (String, String)> {
        self.tags.iter().map(|(key, value)| (key.clone(), value.clone()))
    }
}

/// What a change does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// It is not there.
    Add,
    /// It is there, and differs.
    Change,
    /// It is there, and can only be made anew.
    Replace,
    /// It should not be there.
    Remove,
}

/// The one call that lessens a difference.
pub type Act = Box<dyn FnOnce() -> BoxFuture<'static, Result<(), Trouble>> + Send>;

/// What can be done about a difference now.
pub enum Next {
    /// Make this call.
    Act(Act),
    /// Wait: AWS is at it.
    Wait,
    /// Nothing, until an earlier difference is gone.
    After,
    /// Nothing: this is why.
    Refuse(Trouble),
}

impl Debug for Next {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Act(_) => f.write_str("Act"),
            Self::Wait => f.write_str("Wait"),
            Self::After => f.write_str("After"),
            Self::Refuse(trouble) => f.debug_tuple("Refuse").field(trouble).finish(),
        }
    }
}

/// One thing that is not as it should be.
#[derive(Debug)]
pub struct Difference {
    /// What changes.
    pub change: ChangeKind,
    /// The resource: its kind and its name.
    pub what: String,
    /// Where; `global` for what has no region.
    pub region: String,
    /// In what it differs.
    pub detail: String,
    /// Why it is risky, if it is.
    pub risk: Option<String>,
    /// What can be done about it.
    pub next: Next,
}

impl Difference {
    /// A difference that waits for an earlier one, until told otherwise.
    pub fn new(
        change: ChangeKind,
        region: &(impl std::fmt::Display + ?Sized),
        what: impl Into<String>,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            change,
            what: what.into(),
            region: region.to_string(),
            detail: detail.into(),
            risk: None,
            next: Next::After,
        }
    }

    /// It can be acted on.
    #[must_use]
    pub fn by<F>(mut self, act: F) -> Self
    where
        F: Future<Output = Result<(), Trouble>> + Send + 'static,
    {
        self.next = Next::Act(Box::new(move || Box::pin(act)));
        self
    }

    /// It can be acted on if nothing earlier is in the way.
    #[must_use]
    pub fn by_if<F>(self, ready: bool, act: F) -> Self
    where
        F: Future<Output = Result<(), Trouble>> + Send + 'static,
    {
        if ready { self.by(act) } else { self }
    }

    /// AWS is at it.
    #[must_use]
    pub fn waits(mut self) -> Self {
        self.next = Next::Wait;
        self
    }

    /// It will not be done.
    #[must_use]
    pub fn refused(mut self, trouble: Trouble) -> Self {
        self.next = Next::Refuse(trouble);
        self
    }

    /// It deserves a second look.
    #[must_use]
    pub fn risky(mut self, why: impl Into<String>) -> Self {
        self.risk = Some(why.into());
        self
    }
}

/// The region of what has none.
pub const GLOBAL: &str = "global";

/// One reconciler.
#[async_trait]
pub trait Reconciler: Debug + Send + Sync {
    /// What it looks after, in one or two words.
    fn name(&self) -> &'static str;

    /// What is not as it should be, in the order in which it is mended. Reads only.
    async fn differences(&self) -> Result<Vec<Difference>, Trouble>;

    /// What is left to remove, in order. Reads only. Data stays unless `data`.
    async fn leftovers(&self, data: bool) -> Result<Leftovers, Trouble>;
}

/// What is left.
#[derive(Debug, Default)]
pub struct Leftovers {
    /// What is to be removed.
    pub remove: Vec<Difference>,
    /// What is kept, and why.
    pub kept: Vec<Kept>,
}

/// Something that a removal keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// The resource.
    pub what: String,
    /// Where.
    pub region: String,
    /// Why it is kept, and how it is removed.
    pub why: String,
}

impl Leftovers {
    /// Keeps a data store.
    pub fn keep_data(&mut self, what: impl Into<String>, region: &(impl std::fmt::Display + ?Sized)) {
        self.kept.push(Kept {
            what: what.into(),
            region: region.to_string(),
            why: "it holds data: `--delete-data` removes it".to_owned(),
        });
    }
}

/// Who hears what is done.
pub trait Watch: Send + Sync {
    /// A call is about to be made.
    fn begins<'a>(&'a self, node: &'a str, difference: &'a Difference) -> BoxFuture<'a, Result<(), Trouble>>;
    /// It was made.
    fn done<'a>(&'a self, node: &'a str, what: &'a str) -> BoxFuture<'a, ()>;
    /// AWS is waited for.
    fn waits(&self, node: &str, what: &str, since: Duration);
}

/// How long AWS is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Between two looks.
    pub look_every: Duration,
    /// For one reconciler, in all. A new Aurora cluster takes 5 to 15 minutes.
    pub wait_max: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            look_every: Duration::from_secs(5),
            wait_max: Duration::from_secs(60 * 60),
        }
    }
}

/// The same difference is acted on this often. More means that AWS does not keep what it is told.
const TIMES_MAX: u32 = 3;
/// Looks that led to a call; those that only wait have a bound in time. Far above what any reconciler needs; a bound, so that nothing turns for ever.
const ROUNDS_MAX: usize = 200;

/// Acts on differences until there are none. Answers how many calls it took.
///
/// # Errors
/// The first thing that is refused or fails; nothing is left half done that the next run would not take up.
pub async fn converge<L>(node: &str, watch: &dyn Watch, patience: Patience, look: L) -> Result<usize, Trouble>
where
    L: AsyncFn() -> Result<Vec<Difference>, Trouble>,
{
    let began = Instant::now();
    let mut calls = 0;
    let mut acted_on: BTreeMap<(String, String, String), u32> = BTreeMap::new();
    let mut rounds = 0;
    while rounds < ROUNDS_MAX {
        let differences = look().await?;
        if differences.is_empty() {
            return Ok(calls);
        }
        let mut acted = false;
        let mut waits_for = None;
        let mut open = None;
        for difference in differences {
            let what = format!("{} in {}", difference.what, difference.region);
            open = open.or_else(|| Some(format!("{what} ({})", difference.detail)));
            if matches!(difference.next, Next::Act(_)) {
                watch.begins(node, &difference).await?;
            }
            match difference.next {
                Next::Refuse(trouble) => return Err(trouble),
                Next::Wait => waits_for = waits_for.or(Some(what)),
                Next::After => {}
                Next::Act(act) => {
                    let key = (difference.what, difference.region, difference.detail);
                    let times = acted_on.entry(key).or_default();
                    *times += 1;
                    if *times > 1 {
                        // Services take a while to show what they were told.
                        tokio::time::sleep(patience.look_every).await;
                    }
                    if *times > TIMES_MAX {
                        return Err(Trouble::own(
                            TroubleKind::Call,
                            format!("{what} was set {TIMES_MAX} times and reads back otherwise each time"),
                        ));
                    }
                    act().await?;
                    watch.done(node, &what).await;
                    acted = true;
                    calls += 1;
                }
            }
        }
        if acted {
            rounds += 1;
        } else {
            let Some(what) = waits_for else {
                return Err(Trouble::own(
                    TroubleKind::Unfit,
                    format!(
                        "{} cannot be done: what it builds on is not there; apply the stacks first",
                        open.unwrap_or_else(|| node.to_owned())
                    ),
                ));
            };
            if began.elapsed() >= patience.wait_max {
                return Err(Trouble::own(
                    TroubleKind::TooLong,
                    format!(
                        "{what} is not ready after {} minutes; see its events in the console, and run the same command \
                         again: it goes on waiting",
                        patience.wait_max.as_secs() / 60
                    ),
                ));
            }
            watch.waits(node, &what, began.elapsed());
            tokio::time::sleep(patience.look_every).await;
        }
    }
    Err(Trouble::own(
        TroubleKind::Call,
        format!("{node} still differs after {ROUNDS_MAX} looks"),
    ))
}

/// A reconciler that several threads may hold.
pub type Part = Arc<dyn Reconciler>;

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    struct Quiet;

    impl Watch for Quiet {
        fn begins<'a>(&'a self, _: &'a str, _: &'a Difference) -> BoxFuture<'a, Result<(), Trouble>> {
            Box::pin(async { Ok(()) })
        }

        fn done<'a>(&'a self, _: &'a str, _: &'a str) -> BoxFuture<'a, ()> {
            Box::pin(async {})
        }

        fn waits(&self, _: &str, _: &str, _: Duration) {}
    }

    fn region() -> RegionName {
        RegionName::new("us-east-1").unwrap()
    }

    /// Waits for something that is ready at a look.
    async fn waits_for(ready_at: usize, wait_max: Duration) -> Result<usize, Trouble> {
        let patience = Patience {
            look_every: Duration::from_micros(100),
            wait_max,
        };
        let looks = AtomicUsize::new(0);
        converge("database", &Quiet, patience, async || {
            let ready = looks.fetch_add(1, Ordering::Relaxed) >= ready_at;
            let difference = Difference::new(ChangeKind::Add, &region(), "cluster", "is made").waits();
            Ok(if ready { Vec::new() } else { vec![difference] })
        })
        .await
    }

    /// A cluster of Aurora takes longer than any number of looks that would be a bound for calls.
    #[tokio::test]
    async fn waiting_has_a_bound_in_time_and_not_in_looks() {
        assert_eq!(waits_for(2 * ROUNDS_MAX, Duration::from_secs(600)).await.unwrap(), 0);
        let trouble = waits_for(usize::MAX, Duration::from_millis(5)).await.unwrap_err();
        assert_eq!(trouble.kind, TroubleKind::TooLong);
    }

    /// What differs in another way after each call would turn for ever.
    #[tokio::test]
    async fn calls_have_a_bound_of_their_own() {
        let looks = AtomicUsize::new(0);
        let trouble = converge("database", &Quiet, Patience::default(), async || {
            let look = looks.fetch_add(1, Ordering::Relaxed);
            let act = async { Ok(()) };
            Ok(vec![
                Difference::new(ChangeKind::Add, &region(), format!("thing {look}"), "").by(act),
            ])
        })
        .await
        .unwrap_err();
        assert!(trouble.to_string().contains("still differs"), "{trouble}");
        assert_eq!(looks.into_inner(), ROUNDS_MAX);
    }
}
