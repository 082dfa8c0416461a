//! Failover and failback as Step Functions machines, rendered from the engine's own [`workflow`](understudy_engine::workflow).
//!
//! ```text
//!   recovering ── may it? ── claiming ── acquiring ── moving ── verifying ── rejoining ── reconciling ── protected
//!                                 └──────────┴──────────┴── reverting ── reverted
//! ```
//!
//! What carries over from a state into later ones is a branch beside all of them: see `carry.rs`.
//!
//! Each state of the engine is one `Parallel` of the same name, and each step one `Task` of the same name inside it. Steps
//! without an order between them run in branches of their own. A step that fails ends in a `Fail` with a name and a reason of
//! its own; what that leads to, the step's definition says. Nothing is repeated that must not be done twice: a promotion is
//! looked for, and a write into the lease item carries a mark by which it is found again.
//!
//! A state machine calls AWS in its own region only. So each region has its own copy, which takes over *to* this region, or
//! hands back *from* it. What needs another region, or SQL, is done by the function `steps`.

mod asl;
mod carry;
mod database;
mod find;
mod lease;
mod order;
mod record;
mod steps;

use std::time::Duration;

use serde_json::{Map, Value, json};
use understudy_engine::core::lease::RoleChangeKind;
use understudy_engine::core::machine::StateName;
use understudy_engine::workflow::{Definition, FAILBACK, FAILOVER, OnFailure, Step};
use understudy_policies::Policy;
use understudy_policies::model::RegionName;

use crate::deployment::{Deployment, Names};
use asl::{choice, fail, states};
pub(crate) use database::resources as clusters;
pub use record::{CHECK_PARAMETER, ZONE_PARAMETER};

/// Where a machine runs, and what it finds there.
#[derive(Debug)]
pub struct Place<'a> {
    /// The policy: time-outs, gates, the database's method.
    pub policy: &'a Policy,
    /// The deployment: the public name.
    pub deployment: &'a Deployment,
    /// The names.
    pub names: &'a Names,
    /// The region that runs it.
    pub region: &'a RegionName,
    /// The other one.
    pub peer: &'a RegionName,
}

impl Place<'_> {
    fn cluster_arn(&self, region: &RegionName) -> String {
        self.names
            .arn("rds", Some(region), &format!("cluster:{}", self.names.cluster(region)))
    }

    fn steps_function(&self) -> String {
        self.names.arn(
            "lambda",
            Some(self.region),
            &format!("function:{}", self.names.regional(self.region, "steps")),
        )
    }

    fn topic_arn(&self) -> String {
        self.names.arn("sns", Some(self.region), &self.names.topic(self.region))
    }
}

/// The machine for one way, in the Amazon States Language.
#[must_use]
pub fn render(way: RoleChangeKind, place: &Place<'_>) -> Value {
    let machine = match way {
        RoleChangeKind::Failover => Machine {
            definition: FAILOVER,
            place,
            path: FAILOVER_PATH,
            undoing: StateName::Reverting,
            undone: "reverted",
            done: "protected",
        },
        RoleChangeKind::Failback => Machine {
            definition: FAILBACK,
            place,
            path: FAILBACK_PATH,
            undoing: StateName::RollingBack,
            undone: "rolled_back",
            done: "home",
        },
    };
    machine.render(way)
}

struct Machine<'a> {
    definition: Definition,
    place: &'a Place<'a>,
    path: &'static [StateName],
    undoing: StateName,
    undone: &'static str,
    done: &'static str,
}

/// The states of a failover, if all goes well.
const FAILOVER_PATH: &[StateName] = &[
    StateName::Claiming,
    StateName::Acquiring,
    StateName::Moving,
    StateName::Verifying,
    StateName::Rejoining,
    StateName::Reconciling,
];

/// The states of a failback, if all goes well.
const FAILBACK_PATH: &[StateName] = &[
    StateName::Quiescing,
    StateName::SwitchingOver,
    StateName::Redirecting,
    StateName::Confirming,
];

/// Where nothing more can be done without a human.
const NEEDS_OPERATOR: &str = "needs_operator";

impl Machine<'_> {
    fn render(&self, way: RoleChangeKind) -> Value {
        let mut all = states();
        self.look_first(way, &mut all);
        self.walk(self.path, Some(self.done), true, &mut all);
        self.state(self.undoing, Some(self.undone), true, &mut all);
        all.insert(self.done.to_owned(), json!({"Type": "Succeed"}));
        for name in [self.undone, NEEDS_OPERATOR] {
            let reason = json!({"Type": "Fail", "ErrorPath": "$.failure.Error", "CausePath": "$.failure.Cause"});
            all.insert(name.to_owned(), reason);
        }
        let names = self.place.names;
        let what = match way {
            RoleChangeKind::Failover => "takes over to",
            RoleChangeKind::Failback => "hands back from",
        };
        json!({
            "Comment": format!("understudy {}: {what} {}", names.environment(), self.place.region),
            "StartAt": StateName::Recovering.name(),
            "TimeoutSeconds": self.timeout().as_secs(),
            "States": all,
        })
    }

    /// No state outlives its deadline, so the machine ends after all of them; a human who is asked has a week.
    fn timeout(&self) -> Duration {
        let deadlines = &self.place.policy.deadlines;
        let states = self.path.iter().chain([&self.undoing]);
        let states: Duration = states.filter_map(|state| state.deadline(deadlines)).sum();
        let gates = self
            .definition
            .steps
            .iter()
            .filter(|step| steps::asks(step, self.place));
        let humans: Duration = gates.map(|step| step.patience.under(self.place.policy)).sum();
        deadlines.recovering + states + humans
    }

    /// Reads lease and writer before anything else, and goes on only from where this way can be gone.
    fn look_first(&self, way: RoleChangeKind, all: &mut Map<String, Value>) {
        let place = self.place;
        let (holder, refusal) = match way {
            RoleChangeKind::Failover => (lease::OTHER, "this region holds the lease already"),
            RoleChangeKind::Failback => (lease::OWN, "this region does not hold the lease"),
        };
        let mut look = lease::read(place);
        look["ResultPath"] = "$.lease".into();
        look["Next"] = "lease_there".into();
        look["Retry"] = json!([asl::retry(Duration::from_secs(1), 5)]);
        look["Catch"] = json!([asl::catch("lease_unreadable", "$.failure")]);
        all.insert(StateName::Recovering.name().to_owned(), look);
        all.insert(
            "lease_unreadable".to_owned(),
            fail(
                "LeaseUnreadable",
                "the lease item could not be read: nothing was changed",
            ),
        );
        let there = ["epoch.N", "holder.S", "protected.BOOL", "renewals.N"]
            .map(|field| json!({"Variable": format!("$.lease.Item.{field}"), "IsPresent": true}));
        all.insert(
            "lease_there".to_owned(),
            choice(&[(json!({"And": there}), "mark")], "lease_missing"),
        );
        all.insert(
            "lease_missing".to_owned(),
            fail(
                "LeaseMissing",
                "there is no lease item, or it is not whole: make it with `understudy-engine create-lease`; nothing was changed",
            ),
        );
        // The epochs, and what marks the writes of this execution.
        all.insert(
            "mark".to_owned(),
            json!({
                "Type": "Pass",
                "Parameters": {
                    "seen.$": "$.lease.Item.epoch.N",
                    "next.$": "States.Format('{}', States.MathAdd(States.StringToJson($.lease.Item.epoch.N), 1))",
                    "mark.$": "States.Format('{}', States.MathRandom(1, 2147483647))",
                },
                "ResultPath": "$.epochs",
                "Next": "region",
            }),
        );
        self.find_place(all);
        let dry = json!({"And": [
            {"Variable": "$.dryRun", "IsPresent": true}, {"Variable": "$.dryRun", "BooleanEquals": true},
        ]});
        let first = self.entry(self.path[0]);
        let held = json!({"Variable": "$.lease.Item.holder.S", "StringEqualsPath": holder});
        let protected = json!({"Variable": "$.lease.Item.protected.BOOL", "BooleanEquals": true});
        let may = json!({"And": [held, protected]});
        all.insert(
            "may_it".to_owned(),
            choice(&[(dry, "dry_run"), (may, &first)], "refused"),
        );
        all.insert(
            "dry_run".to_owned(),
            json!({"Type": "Succeed", "Comment": "the lease can be read; nothing was changed"}),
        );
        all.insert(
            "refused".to_owned(),
            fail(
                "Refused",
                &format!("{refusal}, or the other region could not take over again: nothing was changed"),
            ),
        );
    }

    /// What the lease item calls this region: read from the execution's own name, so that both regions run the same.
    fn find_place(&self, all: &mut Map<String, Value>) {
        let regions = &self.place.policy.regions;
        let region = "States.ArrayGetItem(States.StringSplit($$.Execution.Id, ':'), 3)";
        all.insert(
            "region".to_owned(),
            json!({"Type": "Pass", "Parameters": {"name.$": region}, "ResultPath": "$.region", "Next": "place"}),
        );
        let is = |name: &RegionName| json!({"Variable": "$.region.name", "StringEquals": name.as_str()});
        all.insert(
            "place".to_owned(),
            choice(
                &[
                    (is(&regions.primary), "at_home"),
                    (is(&regions.standby), "away_from_home"),
                ],
                "elsewhere",
            ),
        );
        // A switch is engaged while the standby serves, and not while the home region does.
        for (id, own, other) in [("at_home", "home", "away"), ("away_from_home", "away", "home")] {
            let serves_here = own == "away";
            let result =
                json!({"own": own, "other": other, "engaged_here": serves_here, "engaged_there": !serves_here});
            all.insert(
                id.to_owned(),
                json!({"Type": "Pass", "Result": result, "ResultPath": "$.place", "Next": "may_it"}),
            );
        }
        all.insert(
            "elsewhere".to_owned(),
            fail(
                "Elsewhere",
                "the machine runs in a region that does not serve: nothing was changed",
            ),
        );
    }

    /// One state of the engine: its steps, side by side as far as their order lets them. `caught` says whether a failure is led on
    /// from here.
    fn state(&self, state: StateName, next: Option<&str>, caught: bool, all: &mut Map<String, Value>) {
        let steps = self.definition.steps;
        let own: Vec<&Step> = steps
            .iter()
            .filter(|step| step.state == state && !carry::is_carried(step, steps))
            .collect();
        let branches: Vec<Value> = order::branches(&own).iter().map(|branch| self.branch(branch)).collect();
        // Each branch ends with its whole input: kept, they would outgrow what an execution may carry.
        let mut parallel = json!({"Type": "Parallel", "Branches": branches, "ResultPath": null});
        if caught {
            parallel["Catch"] = self.catches(&[state]);
        }
        asl::go_on(&mut parallel, next);
        all.insert(state.name().to_owned(), parallel);
    }

    /// What the failures of some states' steps lead to.
    fn catches(&self, states: &[StateName]) -> Value {
        let steps = self.definition.steps;
        let own = || steps.iter().filter(|step| states.contains(&step.state));
        let leads_to = |wanted: OnFailure| -> Vec<String> {
            let those = own().filter(|step| step.on_failure == wanted);
            those.map(|step| steps::error(step.id)).collect()
        };
        let mut catches = Vec::new();
        let mut lead = |errors: Vec<String>, to: &str| {
            if !errors.is_empty() {
                catches.push(json!({"ErrorEquals": errors, "ResultPath": "$.failure", "Next": to}));
            }
        };
        if !states.contains(&self.undoing) {
            let mut undo = leads_to(OnFailure::Revert);
            undo.extend(leads_to(OnFailure::RollBack));
            lead(undo, self.undoing.name());
        }
        // The writer is at home after all.
        lead(leads_to(OnFailure::RollForward), StateName::Redirecting.name());
        lead(vec!["States.ALL".to_owned()], NEEDS_OPERATOR);
        catches.into()
    }

    fn branch(&self, levels: &[Vec<&Step>]) -> Value {
        let mut all = states();
        let entries: Vec<String> = levels
            .iter()
            .map(|level| match level.as_slice() {
                [step] => steps::entry(step, self.place),
                several => format!("{}_and_others", steps::name(several[0].id)),
            })
            .collect();
        for (index, level) in levels.iter().enumerate() {
            let next = entries.get(index + 1).map(String::as_str);
            if let [step] = level.as_slice() {
                steps::put(step, self.place, self.definition.kind, next, &mut all);
                continue;
            }
            let inner: Vec<Value> = level.iter().map(|step| self.branch(&[vec![*step]])).collect();
            let mut parallel = json!({"Type": "Parallel", "Branches": inner, "ResultPath": null});
            asl::go_on(&mut parallel, next);
            all.insert(entries[index].clone(), parallel);
        }
        json!({"StartAt": entries[0], "States": all})
    }
}
