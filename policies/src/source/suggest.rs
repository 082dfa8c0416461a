//! "Did you mean".

/// The candidate that a mistyped name most likely stands for, if one is near enough to be worth naming.
#[must_use]
pub fn nearest<'a>(wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = wrong.to_lowercase().replace('_', "-");
    // A third of the letters may be wrong; more than that is a guess, not a suggestion.
    let distance_max = (wrong.chars().count() / 3).max(1);
    // A name that was cut short, or that has a word too many, is near however long the rest is.
    let begins_alike = |candidate: &str| {
        let shorter = wrong.len().min(candidate.len());
        shorter >= 4 && (wrong.starts_with(candidate) || candidate.starts_with(&wrong))
    };
    let distance = |candidate: &str| {
        let distance = strsim::damerau_levenshtein(&wrong, candidate);
        if begins_alike(candidate) {
            distance.min(distance_max)
        } else {
            distance
        }
    };
    candidates
        .into_iter()
        .map(|candidate| (distance(candidate), candidate))
        .filter(|(distance, _)| *distance <= distance_max)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn suggests_only_what_is_near() {
        let names = ["renew-every", "ttl", "margin"];
        assert_eq!(nearest("renew_every", names), Some("renew-every"));
        assert_eq!(nearest("tll", names), Some("ttl"));
        assert_eq!(nearest("margn", names), Some("margin"));
        assert_eq!(nearest("renew", names), Some("renew-every"));
        assert_eq!(nearest("colour", names), None);
        assert_eq!(nearest("", names), None);
    }
}
