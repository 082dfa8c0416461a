//! From entries to news: an effect and its end on one line, witnesses that say the same on one line.

use crate::report::{Kind, TimelineEntry};

/// One line's worth of a timeline.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct News<'a> {
    /// When it began.
    pub(super) at_seconds: f64,
    /// Whose.
    pub(super) who: &'a str,
    /// What kind of thing.
    pub(super) kind: Kind,
    /// In a sentence.
    pub(super) text: String,
    /// How many entries it stands for.
    pub(super) entries: usize,
}

/// An effect that ends within this is told together with its end.
const AT_ONCE_SECONDS: f64 = 5.0;
/// Witnesses that say the same within this are told together.
const TOGETHER_SECONDS: f64 = 1.0;

const ASKED: &str = "asks: ";
const DONE: &str = "done: ";

/// Turns entries into news, an effect and its end into one.
pub(super) fn news(timeline: &[TimelineEntry]) -> Vec<News<'_>> {
    let mut news: Vec<News<'_>> = Vec::new();
    for entry in timeline {
        if joins_effect(&mut news, entry) {
            continue;
        }
        news.push(News {
            at_seconds: entry.at_seconds,
            who: &entry.who,
            kind: entry.kind,
            text: entry.text.clone(),
            entries: 1,
        });
    }
    news
}

/// The end of an effect that was asked for just now.
fn joins_effect(news: &mut [News<'_>], entry: &TimelineEntry) -> bool {
    let Some(what) = entry.text.strip_prefix(DONE) else {
        return false;
    };
    let recent = news
        .iter_mut()
        .rev()
        .take_while(|told| entry.at_seconds - told.at_seconds <= AT_ONCE_SECONDS);
    let is_it = |told: &&mut News<'_>| told.who == entry.who && told.text.strip_prefix(ASKED) == Some(what);
    let mut asked: Vec<&mut News<'_>> = recent.filter(is_it).collect();
    // The oldest one: outcomes of the same intent arrive in the order in which it was asked for.
    let Some(asked) = asked.pop() else { return false };
    let after = entry.at_seconds - asked.at_seconds;
    asked.text = format!("{what}: done after {after:.3} s");
    asked.entries += 1;
    true
}

/// Joins one more witness that says what the last one of the same engine said, and tells whether it could. Nothing else
/// may have happened to that engine in between, so that cause and effect keep their order.
pub(super) fn join_witness<'n, 'a: 'n>(told: impl Iterator<Item = &'n mut News<'a>>, news: &News<'_>) -> bool {
    if news.kind != Kind::Witness {
        return false;
    }
    let Some((witness, said)) = news.text.split_once(' ') else {
        return false;
    };
    let mut same_engine = told.filter(|told| told.who == news.who);
    let Some(last) = same_engine.next() else {
        return false;
    };
    let together = last.kind == Kind::Witness
        && news.at_seconds - last.at_seconds <= TOGETHER_SECONDS
        && last
            .text
            .strip_suffix(said)
            .is_some_and(|witnesses| witnesses.ends_with(' '));
    if !together {
        return false;
    }
    let witnesses = &last.text[..last.text.len() - said.len() - 1];
    last.text = format!("{witnesses}, {witness} {said}");
    last.entries += news.entries;
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(at_seconds: f64, who: &str, kind: Kind, text: &str) -> TimelineEntry {
        TimelineEntry {
            at_seconds,
            who: who.to_owned(),
            kind,
            text: text.to_owned(),
        }
    }

    fn texts(timeline: &[TimelineEntry]) -> Vec<String> {
        news(timeline).into_iter().map(|news| news.text).collect()
    }

    #[test]
    fn an_effect_is_told_with_its_end() {
        let timeline = [
            entry(5.0, "a", Kind::Effect, "asks: claim the lease"),
            entry(5.0, "b", Kind::Effect, "asks: claim the lease"),
            entry(5.1, "a", Kind::Effect, "asks: engage switch A"),
            entry(5.5, "a", Kind::Effect, "done: claim the lease"),
        ];
        let told = [
            "claim the lease: done after 0.500 s",
            "asks: claim the lease",
            "asks: engage switch A",
        ];
        assert_eq!(texts(&timeline), told);
    }

    #[test]
    fn an_effect_that_takes_long_is_told_twice() {
        let timeline = [
            entry(5.0, "a", Kind::Effect, "asks: promote the own database"),
            entry(35.0, "a", Kind::Effect, "done: promote the own database"),
        ];
        assert_eq!(texts(&timeline), [timeline[0].text.as_str(), timeline[1].text.as_str()]);
    }
}
