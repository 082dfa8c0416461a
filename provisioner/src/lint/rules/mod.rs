//! The rules. Each has a code, says why it is there and how to mend what it finds, and speaks only of what it knows.

mod alarms;
mod api;
mod aurora;
mod buckets;
mod collisions;
mod dns;
mod dynamodb;
mod events;
mod functions;
mod identity;
mod keys;
mod network;
mod operations;
mod presence;
mod queues;
mod references;
mod routes;
mod workflows;

use super::finding::{Finding, Findings, Rule};
use super::pair::Pair;

/// Declares rules, and `ALL` of a file.
macro_rules! rules {
    ($($name:ident = $code:literal: $title:literal, $why:literal, $mend:literal;)*) => {
        $(pub(super) static $name: $crate::lint::finding::Rule = $crate::lint::finding::Rule {
            code: $code,
            title: $title,
            why: $why,
            mend: $mend,
        };)*
        pub(super) static ALL: &[&$crate::lint::finding::Rule] = &[$(&$name),*];
    };
}
use rules;

/// A suppression without a reason.
pub static SUPPRESSION_UNREASONED: Rule = Rule {
    code: "UL001",
    title: "a suppression without a reason",
    why: "nobody can tell later whether it still holds, so it does not count",
    mend: "say in `Reason` why the finding is right as it is",
};
/// A suppression of a code that no rule has.
pub static SUPPRESSION_UNKNOWN: Rule = Rule {
    code: "UL002",
    title: "a suppression of an unknown code",
    why: "it suppresses nothing, though somebody believes that it does",
    mend: "write the code of a rule, such as UL101",
};
/// A suppression that suppresses nothing.
pub static SUPPRESSION_UNUSED: Rule = Rule {
    code: "UL003",
    title: "a suppression that suppresses nothing",
    why: "what it was for is mended or has moved, and the next such finding would pass unseen",
    mend: "remove it, or name the resource that it is for",
};

type Check = fn(&Pair<'_>, &mut Findings<'_>);

static GROUPS: &[(Check, &[&Rule])] = &[
    (presence::check, presence::ALL),
    (references::check, references::ALL),
    (collisions::check, collisions::ALL),
    (network::check, network::ALL),
    (aurora::check, aurora::ALL),
    (dynamodb::check, dynamodb::ALL),
    (buckets::check, buckets::ALL),
    (keys::check, keys::ALL),
    (functions::check, functions::ALL),
    (api::check, api::ALL),
    (events::check, events::ALL),
    (queues::check, queues::ALL),
    (alarms::check, alarms::ALL),
    (dns::check, dns::ALL),
    (workflows::check, workflows::ALL),
    (identity::check, identity::ALL),
    (operations::check, operations::ALL),
];

/// All rules, in the order of their codes.
#[must_use]
pub fn all() -> Vec<&'static Rule> {
    let mut all = vec![&SUPPRESSION_UNREASONED, &SUPPRESSION_UNKNOWN, &SUPPRESSION_UNUSED];
    all.extend(GROUPS.iter().flat_map(|(_, rules)| rules.iter().copied()));
    all.sort_by_key(|rule| rule.code);
    all
}

/// The rule with this code.
#[must_use]
pub fn find(code: &str) -> Option<&'static Rule> {
    all().into_iter().find(|rule| rule.code == code)
}

/// Applies every rule.
#[must_use]
pub fn run(pair: &Pair<'_>) -> Vec<Finding> {
    let mut found = Findings::new(pair);
    for (check, _) in GROUPS {
        check(pair, &mut found);
    }
    found.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_a_code_and_a_cause_of_its_own() {
        let all = all();
        for (index, rule) in all.iter().enumerate() {
            assert!(rule.code.len() == 5 && rule.code.starts_with("UL"), "{}", rule.code);
            for other in &all[index + 1..] {
                assert_ne!(rule.code, other.code);
                assert_ne!(rule.title, other.title);
                assert_ne!(rule.why, other.why);
            }
        }
    }
}
