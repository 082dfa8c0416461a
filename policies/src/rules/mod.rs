//! Every rule: what it says, why it is there, how to mend it. One catalogue, in groups, as the codes are.

macro_rules! rules {
    ($group:ident; $($name:ident = $code:literal $severity:ident [$($key:literal),*]: $title:literal,
        why $why:literal, mend $mend:literal;)+) => {
        $(
            #[doc = $title]
            pub const $name: Rule = Rule {
                code: $code,
                group: Group::$group,
                severity: Severity::$severity,
                keys: &[$($key),*],
                title: $title,
                why: $why,
                mend: $mend,
            };
        )+

        /// The rules of this group, by code.
        pub(super) const RULES: &[Rule] = &[$($name),+];
    };
}

pub mod budget;
pub mod database;
pub mod evidence;
pub mod failback;
pub mod guards;
pub mod infrastructure;
pub mod lease;
pub mod structure;
pub mod traffic;

use serde::Serialize;

use crate::source::Severity;

/// What a rule is about: the first digit of its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// UP0xx: the form of the file.
    Structure,
    /// UP1xx: the 60 seconds.
    Budget,
    /// UP2xx: witnesses and quorum.
    Evidence,
    /// UP3xx: the lease.
    Lease,
    /// UP4xx: how clients are moved.
    Traffic,
    /// UP5xx: how the database is moved, and what may be lost.
    Database,
    /// UP6xx: coming home, and the trading calendar.
    Failback,
    /// UP7xx: alarms and health checks.
    Infrastructure,
    /// UP8xx: regions, mode, guards and gates.
    Guards,
}

/// One rule. Its code never changes its meaning, and a retired code is not used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Rule {
    /// Its code, such as `UP301`.
    pub code: &'static str,
    /// What it is about.
    pub group: Group,
    /// How much a finding matters.
    pub severity: Severity,
    /// The keys that it looks at.
    pub keys: &'static [&'static str],
    /// What it says, in a line.
    pub title: &'static str,
    /// Why it is there: the fact that it rests on. The facts and their sources are in `docs/figures.md`.
    pub why: &'static str,
    /// How to mend what it finds.
    pub mend: &'static str,
}

/// Every rule, by code.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    let groups = [
        structure::RULES,
        budget::RULES,
        evidence::RULES,
        lease::RULES,
        traffic::RULES,
        database::RULES,
        failback::RULES,
        infrastructure::RULES,
        guards::RULES,
    ];
    groups.into_iter().flatten()
}

/// The rule of a code, in either case.
#[must_use]
pub fn find(code: &str) -> Option<&'static Rule> {
    all().find(|rule| rule.code.eq_ignore_ascii_case(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_rise_and_tell_the_group() {
        let rules: Vec<&Rule> = all().collect();
        assert!(rules.windows(2).all(|pair| pair[0].code < pair[1].code));
        for rule in rules {
            let number: usize = rule.code.strip_prefix("UP").unwrap().parse().unwrap();
            assert_eq!(number / 100, rule.group as usize, "{}", rule.code);
        }
    }
}
