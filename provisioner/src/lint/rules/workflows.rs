//! State machines: each region its own copy, which acts in its own region.

use super::aurora::properties_differ;
use super::rules;
use crate::lint::finding::{Findings, Spot, named};
use crate::lint::pair::Pair;
use crate::lint::side::{Resource, Side};
use crate::lint::value::{Node, Piece, Value, push};

rules! {
    ABROAD = "UL561": "a state machine that calls another region",
        "a state machine calls AWS in its own region only: the step fails, just in the failover",
        "call the function, queue or machine of this region, and run the failover in the surviving region";
    UNLIKE = "UL562": "definitions differ",
        "a failover from one region does something else than from the other, and only one was tried",
        "deploy the same definition in both regions, with the regions' names as its input";
    KIND = "UL563": "types of two state machines differ",
        "an express machine ends after five minutes and keeps no history: a failover may not end in it",
        "make both STANDARD";
    FIXED_NAME = "UL564": "a fixed name for an execution",
        "names are unique for 90 days: the second failover cannot be started",
        "make the name of what makes the execution unique, such as the epoch";
    SWITCHOVER = "UL565": "a failover of the global database that waits for the lost region",
        "without AllowDataLoss FailoverGlobalCluster is a switchover, which needs the lost primary's consent",
        "set AllowDataLoss to true, behind a gate that judges the lag";
    RECORD = "UL566": "a record change that can stop the failover",
        "Route 53's control plane is in us-east-1 and is lost with it: the failover ends at this step",
        "catch every error of the step, and go on without it";
}

const MACHINE: &str = "AWS::StepFunctions::StateMachine";

pub(super) fn check(pair: &Pair<'_>, found: &mut Findings<'_>) {
    // A definition is a large text: each is read once.
    let mut read: Vec<(&Resource, Node)> = Vec::new();
    for side in pair.sides() {
        for machine in side.of(MACHINE) {
            let Some(definition) = definition(machine) else {
                continue;
            };
            read.push((machine, definition));
            let mut states = Vec::new();
            let definition = &read[read.len() - 1].1;
            collect(definition, false, &mut states);
            for (name, state, caught) in states {
                judge(side, machine, name, state, caught, found);
            }
        }
    }
    for couple in pair.couples(&[MACHINE]) {
        properties_differ(pair, couple, &[("StateMachineType", "STANDARD")], &KIND, found);
        let of = |machine: &Resource| {
            read.iter()
                .find(|(read, _)| std::ptr::eq(*read, machine))
                .map(|(_, node)| node)
        };
        let (Some(a), Some(b)) = (of(couple.0), of(couple.1)) else {
            continue;
        };
        if pair.differ(a, b) {
            let (mut x, mut y) = (Vec::new(), Vec::new());
            collect(a, false, &mut x);
            collect(b, false, &mut y);
            let state = |states: &[(&str, &Node, bool)], name: &str| {
                states
                    .iter()
                    .find(|(state, ..)| *state == name)
                    .map(|(_, node, _)| (*node).clone())
            };
            let mut names: Vec<&str> = x.iter().chain(&y).map(|(name, ..)| *name).collect();
            names.sort_unstable();
            names.dedup();
            let differing: Vec<String> = names
                .into_iter()
                .filter(|name| match (state(&x, name), state(&y, name)) {
                    (Some(x), Some(y)) => pair.differ(&x, &y),
                    _ => true,
                })
                .map(|name| format!("`{name}`"))
                .collect();
            let which = if differing.is_empty() {
                String::new()
            } else {
                format!(": {}", differing.join(", "))
            };
            let path = if couple.1.get("DefinitionString").is_present() {
                "DefinitionString"
            } else {
                "Definition"
            };
            found.differ(
                &UNLIKE,
                couple,
                path,
                format!("`{}` differs{which}", couple.1.logical()),
            );
        }
    }
}

/// The definition with its substitutions made.
fn definition(machine: &Resource) -> Option<Node> {
    let node = ["DefinitionString", "Definition"]
        .iter()
        .map(|key| machine.get(key))
        .find(|node| node.is_present())?;
    let parsed = node.parsed()?;
    let names_a_value = |piece: &Piece| matches!(piece, Piece::Literal(letters) if letters.contains("${"));
    if matches!(node.value, Value::Text(_)) && !node.pieces().iter().any(names_a_value) {
        return Some(parsed);
    }
    Some(substituted(&parsed, machine.get("DefinitionSubstitutions")))
}

fn substituted(node: &Node, values: &Node) -> Node {
    let value = match &node.value {
        Value::Text(pieces) => {
            let mut made = Vec::new();
            for piece in pieces {
                match piece {
                    Piece::Literal(letters) => substitute(letters, values, &mut made),
                    piece => push(&mut made, piece.clone()),
                }
            }
            Value::Text(if made.is_empty() { pieces.clone() } else { made })
        }
        Value::List(items) => Value::List(items.iter().map(|item| substituted(item, values)).collect()),
        Value::Map(entries) => Value::Map(
            entries
                .iter()
                .map(|(key, value)| (key.clone(), substituted(value, values)))
                .collect(),
        ),
        other => other.clone(),
    };
    Node { at: node.at, value }
}

fn substitute(letters: &str, values: &Node, made: &mut Vec<Piece>) {
    let mut rest = letters;
    while let Some((before, name, after)) = rest.split_once("${").and_then(|(before, tail)| {
        let (name, after) = tail.split_once('}')?;
        Some((before, name, after))
    }) {
        push(made, Piece::Literal(before.to_owned()));
        match values.get(name).pieces() {
            [] => push(made, Piece::Unknown),
            pieces => pieces.iter().for_each(|piece| push(made, piece.clone())),
        }
        rest = after;
    }
    push(made, Piece::Literal(rest.to_owned()));
}

/// All states, those of branches and maps included, and whether something around them catches every error.
fn collect<'a>(machine: &'a Node, caught: bool, states: &mut Vec<(&'a str, &'a Node, bool)>) {
    for (name, state) in machine.get("States").entries() {
        let catches = |catcher: &Node| {
            catcher
                .get("ErrorEquals")
                .texts()
                .iter()
                .any(|error| matches!(*error, "States.ALL" | "States.TaskFailed"))
        };
        let caught = caught || state.get("Catch").items().iter().any(catches);
        states.push((name, state, caught));
        for branch in state.get("Branches").items() {
            collect(branch, caught, states);
        }
        for inner in ["Iterator", "ItemProcessor"] {
            collect(state.get(inner), caught, states);
        }
    }
}

fn judge(side: &Side, machine: &Resource, name: &str, state: &Node, caught: bool, found: &mut Findings<'_>) {
    let spot = [Spot::value(side, machine, state)];
    let mut called = vec![state.get("Resource")];
    let arguments = [state.get("Parameters"), state.get("Arguments")];
    for arguments in arguments {
        for key in [
            "FunctionName",
            "StateMachineArn",
            "QueueUrl",
            "TopicArn",
            "TableName",
            "Cluster",
        ] {
            called.push(arguments.get(key));
        }
    }
    for node in called {
        if let Some(region) = side.abroad(node) {
            let reason = format!(
                "state `{name}` of `{}` calls {region} from {}",
                machine.logical(),
                named(side)
            );
            found.add(&ABROAD, reason, &spot);
        }
    }
    let Some(resource) = state.get("Resource").text().map(str::to_lowercase) else {
        return;
    };
    if resource.contains(":states:startexecution") || resource.contains(":sfn:startexecution") {
        let fixed = arguments
            .iter()
            .filter_map(|arguments| arguments.get("Name").text())
            .find(|name| !name.starts_with("{%"));
        if let Some(fixed) = fixed {
            found.add(
                &FIXED_NAME,
                format!("state `{name}` of `{}` starts `{fixed}`", machine.logical()),
                &spot,
            );
        }
    }
    if resource.ends_with("rds:failoverglobalcluster") {
        let says = |key: &str| {
            let path = format!("{key}.$");
            arguments
                .iter()
                .any(|arguments| arguments.get(key).yes_or(false) != Some(false) || arguments.get(&path).is_present())
        };
        // A switchover that says so is the way home, while both regions live.
        let allows = says("AllowDataLoss") || says("Switchover");
        let unknown = arguments.iter().any(|arguments| arguments.is_unknown());
        if !allows && !unknown {
            found.add(
                &SWITCHOVER,
                format!("state `{name}` of `{}` does not set AllowDataLoss", machine.logical()),
                &spot,
            );
        }
    }
    if resource.ends_with("route53:changeresourcerecordsets") && !caught {
        found.add(
            &RECORD,
            format!("state `{name}` of `{}` catches nothing", machine.logical()),
            &spot,
        );
    }
}
