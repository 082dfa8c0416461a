//! An ordered graph across both regions: what needs nothing that is missing runs at once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use futures_util::future::LocalBoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};

use crate::aws::Trouble;

/// The work of a node.
pub type Work<'a> = Box<dyn FnOnce() -> LocalBoxFuture<'a, Result<Done, Trouble>> + 'a>;

/// What a node led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// Nothing had to be done.
    Same,
    /// Something was changed.
    Changed,
}

/// One node.
pub struct Node<'a> {
    /// Its name, unique in the graph.
    pub name: String,
    /// The nodes that come before it. Names that are not in the graph are left out.
    pub after: Vec<String>,
    /// Seconds that it takes where it makes something, for the ETA.
    pub seconds: u64,
    /// What it does.
    pub work: Work<'a>,
}

impl Debug for Node<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Node")
            .field("name", &self.name)
            .field("after", &self.after)
            .finish_non_exhaustive()
    }
}

/// Who hears how the graph goes on.
pub trait Listen: Send + Sync {
    /// A node begins.
    fn node_begins(&self, name: &str, eta_s: u64);
    /// A node is done.
    fn node_ends(&self, name: &str, done: Result<Done, &Trouble>, eta_s: u64);
}

/// How a run ended.
#[derive(Debug)]
pub struct Outcome {
    /// The nodes that changed something.
    pub changed: Vec<String>,
    /// The nodes that had nothing to do.
    pub same: Vec<String>,
    /// The first failure, with its node. What ran beside it was let go where it was: the next run takes it up.
    pub failure: Option<(String, Trouble)>,
    /// The nodes that were not reached, or not finished.
    pub open: Vec<String>,
}

/// Runs a graph. Stops at the first failure.
///
/// # Errors
/// When two nodes have one name, or nodes wait for each other: a mistake in the graph.
pub async fn run(nodes: Vec<Node<'_>>, listen: &dyn Listen) -> Result<Outcome, String> {
    check(&nodes)?;
    let names: BTreeSet<String> = nodes.iter().map(|node| node.name.clone()).collect();
    let costs: BTreeMap<String, (u64, Vec<String>)> = nodes
        .iter()
        .map(|node| (node.name.clone(), (node.seconds, node.after.clone())))
        .collect();
    let mut waiting: Vec<Node<'_>> = nodes;
    let mut running = FuturesUnordered::new();
    let mut ended: BTreeSet<String> = BTreeSet::new();
    let mut outcome = Outcome {
        changed: Vec::new(),
        same: Vec::new(),
        failure: None,
        open: Vec::new(),
    };
    loop {
        let (ready, rest): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|node| {
            let mut before = node.after.iter().filter(|name| names.contains(*name));
            before.all(|name| ended.contains(name))
        });
        waiting = rest;
        for node in ready {
            listen.node_begins(&node.name, eta(&costs, &ended));
            let name = node.name;
            let work = (node.work)();
            running.push(async move { (name, work.await) });
        }
        let Some((name, result)) = running.next().await else {
            break;
        };
        if let Err(trouble) = result {
            listen.node_ends(&name, Err(&trouble), eta(&costs, &ended));
            outcome.failure = Some((name, trouble));
            break;
        }
        ended.insert(name.clone());
        let done = result.unwrap_or(Done::Same);
        listen.node_ends(&name, Ok(done), eta(&costs, &ended));
        match done {
            Done::Same => outcome.same.push(name),
            Done::Changed => outcome.changed.push(name),
        }
    }
    outcome.open = names.difference(&ended).cloned().collect();
    Ok(outcome)
}

fn check(nodes: &[Node<'_>]) -> Result<(), String> {
    let mut left: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for node in nodes {
        let after = node.after.iter().map(String::as_str).collect();
        if left.insert(&node.name, after).is_some() {
            return Err(format!("two nodes are called {}", node.name));
        }
    }
    loop {
        let names: BTreeSet<&str> = left.keys().copied().collect();
        if names.is_empty() {
            return Ok(());
        }
        let before = left.len();
        left.retain(|_, after| after.iter().any(|name| names.contains(name)));
        if left.len() == before {
            return Err(format!(
                "these nodes wait for each other: {}",
                names.into_iter().collect::<Vec<_>>().join(", ")
            ));
        }
    }
}

/// The longest way that is left, in seconds.
fn eta(costs: &BTreeMap<String, (u64, Vec<String>)>, ended: &BTreeSet<String>) -> u64 {
    let mut longest: BTreeMap<&str, u64> = BTreeMap::new();
    // The graph has no cycle, so as many rounds as nodes settle it; usually a few do.
    for _ in 0..costs.len() {
        let mut moved = false;
        for (name, (seconds, after)) in costs {
            let own = if ended.contains(name) { 0 } else { *seconds };
            let before = after
                .iter()
                .filter_map(|name| longest.get(name.as_str()))
                .max()
                .copied()
                .unwrap_or(0);
            let all = own + before;
            if longest.get(name.as_str()) != Some(&all) {
                longest.insert(name, all);
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    longest.values().max().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    struct Quiet;

    impl Listen for Quiet {
        fn node_begins(&self, _: &str, _: u64) {}
        fn node_ends(&self, _: &str, _: Result<Done, &Trouble>, _: u64) {}
    }

    fn node<'a>(log: &'a Mutex<Vec<&'static str>>, name: &'static str, after: &[&str], good: bool) -> Node<'a> {
        Node {
            name: name.to_owned(),
            after: after.iter().map(|name| (*name).to_owned()).collect(),
            seconds: 10,
            work: Box::new(move || {
                Box::pin(async move {
                    log.lock().unwrap().push(name);
                    tokio::task::yield_now().await;
                    if good {
                        Ok(Done::Changed)
                    } else {
                        Err(Trouble::refused("no"))
                    }
                })
            }),
        }
    }

    #[tokio::test]
    async fn nothing_begins_before_what_it_needs() {
        let log = Mutex::new(Vec::new());
        let nodes = vec![
            node(&log, "d", &["b", "c"], true),
            node(&log, "b", &["a"], true),
            node(&log, "c", &["a", "elsewhere"], true),
            node(&log, "a", &[], true),
        ];
        let outcome = run(nodes, &Quiet).await.unwrap();
        let order = log.lock().unwrap().clone();
        assert_eq!((order[0], order[3]), ("a", "d"));
        assert_eq!(outcome.changed.len(), 4);
        assert!(outcome.open.is_empty() && outcome.failure.is_none());
    }

    #[tokio::test]
    async fn after_a_failure_nothing_begins() {
        let log = Mutex::new(Vec::new());
        let nodes = vec![node(&log, "a", &[], false), node(&log, "b", &["a"], true)];
        let outcome = run(nodes, &Quiet).await.unwrap();
        assert_eq!(outcome.failure.unwrap().0, "a");
        assert_eq!(outcome.open, ["a", "b"]);
        assert_eq!(*log.lock().unwrap(), ["a"]);
    }

    #[tokio::test]
    async fn a_circle_is_found_before_anything_runs() {
        let log = Mutex::new(Vec::new());
        let nodes = vec![node(&log, "a", &["b"], true), node(&log, "b", &["a"], true)];
        assert_eq!(
            run(nodes, &Quiet).await.unwrap_err(),
            "these nodes wait for each other: a, b"
        );
    }

    #[test]
    fn the_eta_is_the_longest_way() {
        let cost = |seconds, after: &[&str]| (seconds, after.iter().map(|name| (*name).to_owned()).collect());
        let costs = BTreeMap::from([
            ("a".to_owned(), cost(10, &[])),
            ("b".to_owned(), cost(20, &["a"])),
            ("c".to_owned(), cost(5, &["a"])),
        ]);
        assert_eq!(eta(&costs, &BTreeSet::new()), 30);
        assert_eq!(eta(&costs, &BTreeSet::from(["b".to_owned()])), 15);
    }
}
