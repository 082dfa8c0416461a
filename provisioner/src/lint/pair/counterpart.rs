//! Which resource of one side stands for which of the other. Logical ids may be generated, so they are only one hint
//! among others. From the strongest hint to the weakest, and only where exactly one resource answers on each side:
//!
//! 1. the same name, then the same whatever the region,
//! 2. the same construct path below the stack (the CDK's metadata),
//! 3. the same logical id, whatever the region, with and without the CDK's hash,
//! 4. the only ones of their type that are left,
//! 5. properties that are mostly the same.

use std::collections::BTreeMap;

use crate::lint::side::{Leeway, Resource, Side, neutral};
use crate::lint::value::{Node, Piece};

/// Below this share of equal properties two resources are not taken for each other.
const ALIKE_MIN: f64 = 0.6;

pub(super) fn find(primary: &Side, standby: &Side) -> Vec<(usize, usize)> {
    let mut couples = Vec::new();
    let mut free = [vec![true; primary.resources.len()], vec![true; standby.resources.len()]];
    let tried = [name as Hint, path, logical, unhashed]
        .into_iter()
        .flat_map(|hint| Leeway::ALL.map(|leeway| (hint, leeway)));
    for (hint, leeway) in tried.chain([(only as Hint, Leeway::None)]) {
        let of_primary = keyed(primary, &free[0], hint, leeway);
        let of_standby = keyed(standby, &free[1], hint, leeway);
        for (key, a) in &of_primary {
            if let ([a], Some([b])) = (a.as_slice(), of_standby.get(key).map(Vec::as_slice)) {
                free[0][*a] = false;
                free[1][*b] = false;
                couples.push((*a, *b));
            }
        }
    }
    couples.extend(alike(primary, standby, &mut free));
    couples.sort_unstable();
    couples
}

type Key = (String, String);
type Hint = fn(&Side, &Resource, Leeway) -> Option<String>;

fn keyed(side: &Side, free: &[bool], hint: Hint, leeway: Leeway) -> BTreeMap<Key, Vec<usize>> {
    let mut keyed: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
    for (index, resource) in side.resources.iter().enumerate().filter(|(index, _)| free[*index]) {
        if let Some(key) = hint(side, resource, leeway) {
            keyed
                .entry((family(&resource.kind).to_owned(), key))
                .or_default()
                .push(index);
        }
    }
    keyed
}

/// Types that may stand for each other: a replica is its primary's counterpart.
fn family(kind: &str) -> &str {
    match kind {
        "AWS::KMS::ReplicaKey" => "AWS::KMS::Key",
        "AWS::DynamoDB::GlobalTable" => "AWS::DynamoDB::Table",
        kind => kind,
    }
}

fn name(side: &Side, resource: &Resource, leeway: Leeway) -> Option<String> {
    let pieces = resource.name().pieces();
    let known = pieces.iter().any(|piece| matches!(piece, Piece::Literal(_)));
    let known = known
        && !pieces
            .iter()
            .any(|piece| matches!(piece, Piece::Unknown | Piece::Resource(..)));
    known.then(|| {
        let key = |piece: &Piece| match piece {
            Piece::Literal(letters) => neutral(side, letters, leeway),
            Piece::Stack(_) => "{stack}".to_owned(),
            _ => "{account}".to_owned(),
        };
        pieces.iter().map(key).collect()
    })
}

fn path(side: &Side, resource: &Resource, leeway: Leeway) -> Option<String> {
    let path = resource.metadata.get("aws:cdk:path").text()?;
    let below = path.split_once('/').map_or(path, |(_, below)| below);
    Some(neutral(side, below, leeway))
}

fn logical(side: &Side, resource: &Resource, leeway: Leeway) -> Option<String> {
    Some(neutral(side, resource.logical(), leeway))
}

/// The CDK ends its logical ids with eight hexadecimal digits, made from the construct's path.
fn unhashed(side: &Side, resource: &Resource, leeway: Leeway) -> Option<String> {
    let id = resource.logical();
    let cut = id.len().checked_sub(8).filter(|cut| id.is_char_boundary(*cut))?;
    let (body, hash) = id.split_at(cut);
    let hashed = !body.is_empty()
        && hash
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte));
    hashed.then(|| neutral(side, body, leeway))
}

fn only(_: &Side, resource: &Resource, _: Leeway) -> Option<String> {
    // A side's bookkeeping says nothing of what it is for, and neither does a policy or a permission.
    const TELLING: &[&str] = &["AWS::IAM::Policy", "AWS::Lambda::Permission", "AWS::CDK::Metadata"];
    (!TELLING.contains(&resource.kind.as_str()) && !renames(resource)).then(String::new)
}

/// Two resources that both carry a name which is known are what their names say.
fn renames(resource: &Resource) -> bool {
    matches!(
        resource.kind.as_str(),
        "AWS::SSM::Parameter" | "AWS::CloudWatch::Alarm" | "AWS::Route53::RecordSet"
    ) && resource.name().text().is_some()
}

/// The best pairs among those that are left, by the share of equal properties.
fn alike(primary: &Side, standby: &Side, free: &mut [Vec<bool>; 2]) -> Vec<(usize, usize)> {
    let mut scored = Vec::new();
    for (a, x) in primary
        .resources
        .iter()
        .enumerate()
        .filter(|(index, _)| free[0][*index])
    {
        for (b, y) in standby
            .resources
            .iter()
            .enumerate()
            .filter(|(index, _)| free[1][*index])
        {
            if family(&x.kind) != family(&y.kind) || renames(x) || renames(y) {
                continue;
            }
            let share = share(&facts(primary, x), &facts(standby, y));
            if share >= ALIKE_MIN {
                scored.push((share, a, b));
            }
        }
    }
    scored.sort_by(|x, y| y.0.total_cmp(&x.0).then((x.1, x.2).cmp(&(y.1, y.2))));
    let mut found = Vec::new();
    for (_, a, b) in scored {
        if free[0][a] && free[1][b] {
            free[0][a] = false;
            free[1][b] = false;
            found.push((a, b));
        }
    }
    found
}

/// What a resource says of itself, one line per text.
fn facts(side: &Side, resource: &Resource) -> Vec<String> {
    fn collect(side: &Side, path: &str, node: &Node, facts: &mut Vec<String>) {
        if let Some(text) = node.text() {
            facts.push(format!("{path}={}", neutral(side, text, Leeway::Roles)));
        } else if let Some((target, attribute)) = node.target() {
            facts.push(format!(
                "{path}={}.{attribute}",
                neutral(side, &target.logical, Leeway::Roles)
            ));
        }
        for item in node.items() {
            collect(side, path, item, facts);
        }
        for (key, value) in node.entries() {
            collect(side, &format!("{path}.{key}"), value, facts);
        }
    }
    let mut facts = Vec::new();
    collect(side, "", &resource.properties, &mut facts);
    facts.sort_unstable();
    facts
}

fn share(x: &[String], y: &[String]) -> f64 {
    if x.is_empty() || y.is_empty() {
        return 0.0;
    }
    let mut left: Vec<&String> = y.iter().collect();
    let mut equal = 0_u32;
    for fact in x {
        if let Some(index) = left.iter().position(|other| *other == fact) {
            left.swap_remove(index);
            equal += 1;
        }
    }
    let most = u32::try_from(x.len().max(y.len())).unwrap_or(u32::MAX);
    f64::from(equal) / f64::from(most)
}
