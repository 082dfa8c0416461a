//! Reads the journal while it is written.

use std::path::PathBuf;
use std::sync::Arc;

use redb::{Database, ReadableDatabase, ReadableTable};
use serde::{Deserialize, Serialize};

use super::episode::{Episode, WitnessDay};
use super::failure::JournalFailure;
use super::format;
use crate::core::ids::Region;
use crate::core::journal::JournalEntry;
use crate::core::time::WallTime;

/// The most rows of one page.
const PAGE_MAX: usize = 1_000;

/// Reads the journal while it is written. Cheap to clone; sees a moment of its own, so it never waits for the writer and
/// the writer never waits for it. A page is read from the disk: call it where blocking for some milliseconds is fine.
#[derive(Debug, Clone)]
pub struct Reader {
    path: PathBuf,
    database: Arc<Database>,
}

/// A span of wall time. Empty ends are open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// Not before this moment.
    pub from: Option<WallTime>,
    /// Before this moment.
    pub until: Option<WallTime>,
}

/// One page, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// What was found.
    pub rows: Vec<T>,
    /// Where the next page begins: to be handed in as `before`. None: there is no more.
    pub next: Option<u64>,
    /// Rows that could not be read and were left out.
    pub unreadable: u64,
}

/// An entry with its place in the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// Rises by one with each entry.
    pub number: u64,
    /// The entry.
    pub entry: JournalEntry,
}

/// One witness's changes of mind about one region on one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WitnessDayRow {
    /// Midnight of the day in UTC.
    pub day: WallTime,
    /// The witness by its name in the policy.
    pub witness: String,
    /// About which region.
    pub target: Region,
    /// How often.
    pub counted: WitnessDay,
}

impl Span {
    fn holds(self, at: WallTime) -> bool {
        self.from.is_none_or(|from| at >= from) && self.until.is_none_or(|until| at < until)
    }
}

impl Reader {
    pub(super) const fn new(path: PathBuf, database: Arc<Database>) -> Self {
        Self { path, database }
    }

    /// The entries of a span, the newest first: at most `most`, and at most 1,000. `before`: only those with a lower
    /// number.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn entries(&self, span: Span, before: Option<u64>, most: usize) -> Result<Page<Recorded>, JournalFailure> {
        self.page(format::ENTRIES, before, most, |number, value| {
            let at = format::wall(value);
            if at.is_some_and(|at| !span.holds(at)) {
                return Row::Outside;
            }
            match format::decode(value) {
                Some(entry) => Row::Found(Recorded { number, entry }),
                None => Row::Unreadable,
            }
        })
    }

    /// The episodes that began in a span, the newest first, by pages like [`entries`](Self::entries).
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn episodes(&self, span: Span, before: Option<u64>, most: usize) -> Result<Page<Episode>, JournalFailure> {
        self.page(
            format::EPISODES,
            before,
            most,
            |_, value| match serde_json::from_slice::<Episode>(value) {
                Ok(episode) if span.holds(episode.began) => Row::Found(episode),
                Ok(_) => Row::Outside,
                Err(_) => Row::Unreadable,
            },
        )
    }

    /// How often each witness changed its mind on the days of a span, oldest day first. At most as many rows as are
    /// kept.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn witness_days(&self, span: Span) -> Result<Vec<WitnessDayRow>, JournalFailure> {
        let read = || -> Result<_, redb::Error> {
            let table = self.database.begin_read()?.open_table(format::WITNESS_DAYS)?;
            let mut rows = Vec::new();
            for row in table.iter()? {
                let (key, value) = row?;
                let (day, witness, region) = key.value();
                let day = WallTime::from_millis(i64::from(day) * 24 * 3600 * 1000);
                if let Ok(counted) = serde_json::from_slice(value.value())
                    && span.holds(day)
                {
                    rows.push(WitnessDayRow {
                        day,
                        witness: witness.to_owned(),
                        target: if region == 0 { Region::Home } else { Region::Away },
                        counted,
                    });
                }
            }
            Ok(rows)
        };
        read().map_err(|error| JournalFailure::unusable(&self.path, error.to_string()))
    }

    fn page<T>(
        &self,
        table: redb::TableDefinition<'_, u64, &'static [u8]>,
        before: Option<u64>,
        most: usize,
        look: impl Fn(u64, &[u8]) -> Row<T>,
    ) -> Result<Page<T>, JournalFailure> {
        let most = most.clamp(1, PAGE_MAX);
        let read = || -> Result<_, redb::Error> {
            let table = self.database.begin_read()?.open_table(table)?;
            let mut page = Page {
                rows: Vec::new(),
                next: None,
                unreadable: 0,
            };
            for row in table.range(..before.unwrap_or(u64::MAX))?.rev() {
                let (number, value) = row?;
                match look(number.value(), value.value()) {
                    Row::Found(_) if page.rows.len() == most => {
                        page.next = Some(number.value() + 1);
                        break;
                    }
                    Row::Found(found) => page.rows.push(found),
                    Row::Outside => {}
                    Row::Unreadable => page.unreadable += 1,
                }
            }
            Ok(page)
        };
        read().map_err(|error| JournalFailure::unusable(&self.path, error.to_string()))
    }
}

enum Row<T> {
    Found(T),
    Outside,
    Unreadable,
}
