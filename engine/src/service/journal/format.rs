//! The format of the file: what it says of itself, and how an earlier one is read.
//!
//! - **1**: tables `entries` and `kept` with values in JSON, and nothing else.
//! - **2**: `meta` states the format and the owner; an entry begins with its wall time (8 bytes, milliseconds, the most
//!   significant first), so that a range is found without decoding what is outside of it; `episodes` and `witness-days`.
//!
//! Format 1 is read by adding what it lacks. Its entries stay as they are: they begin with `{`, which no wall time does
//! before the year 280,000,000. So a sidecar can go back to the version before, and come again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use redb::{
    Builder, Database, ReadableDatabase, ReadableTable, TableDefinition, TableError, TableHandle, WriteTransaction,
};

use super::Owner;
use super::bounds::{Held, count};
use super::chronicle::{self, Chronicle};
use super::failure::{JournalFailure, Trouble};
use crate::core::journal::JournalEntry;
use crate::core::memory::Memory;
use crate::core::time::WallTime;

/// The format that this version writes. It reads this one and all before it.
pub const FORMAT: u64 = 2;

pub(super) const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
pub(super) const ENTRIES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("entries");
pub(super) const KEPT: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("kept");
pub(super) const EPISODES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("episodes");
/// By day since 1970, witness and region (0: home).
pub(super) const WITNESS_DAYS: TableDefinition<'_, (u32, &str, u8), &[u8]> = TableDefinition::new("witness-days");

pub(super) const MEMORY: &str = "memory";
const FORMAT_KEY: &str = "format";
const OWNER_KEY: &str = "owner";

/// What redb may keep of the file in memory. The file is small, and read rarely.
const CACHE_BYTES: usize = 2 << 20;

/// A journal as it was found, or begun.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) database: Database,
    pub(super) memory: Option<Memory>,
    pub(super) next: u64,
    pub(super) held: Held,
    pub(super) chronicle: Chronicle,
}

/// Opens a file, or begins it, and looks at every page of it.
pub(super) fn open(path: &Path, owner: &Owner) -> Result<Opened, Trouble> {
    // A file that was damaged cleverly enough may still make redb panic; that is damage, and no reason to end.
    let opened = catch_unwind(AssertUnwindSafe(|| {
        let database = Builder::new()
            .set_cache_size(CACHE_BYTES)
            .set_check_integrity_on_open(true)
            .create(path)
            .map_err(|error| Trouble::of(path, error.into()))?;
        prepare(database, path, owner)
    }));
    opened.unwrap_or_else(|_| Err(Trouble::Damaged("its pages contradict each other".to_owned())))
}

/// Reads what a database holds, and brings it to the present format.
pub(super) fn prepare(database: Database, path: &Path, owner: &Owner) -> Result<Opened, Trouble> {
    let trouble = |error: redb::Error| Trouble::of(path, error);
    check(&database, path, owner)?;
    let transaction = database.begin_write().map_err(|error| trouble(error.into()))?;
    let found = bring_up(&transaction, owner).map_err(|wrong| match wrong {
        Wrong::Redb(error) => trouble(error),
        Wrong::Content(because) => Trouble::Damaged(because),
    })?;
    transaction.commit().map_err(|error| trouble(error.into()))?;
    let (memory, next, held, chronicle) = found;
    Ok(Opened {
        database,
        memory,
        next,
        held,
        chronicle,
    })
}

/// Whether it is a journal, ours, and not too new. Changes nothing.
fn check(database: &Database, path: &Path, owner: &Owner) -> Result<(), Trouble> {
    let trouble = |error: redb::Error| Trouble::of(path, error);
    let transaction = database.begin_read().map_err(|error| trouble(error.into()))?;
    let names: Vec<String> = transaction
        .list_tables()
        .map_err(|error| trouble(error.into()))?
        .map(|table| table.name().to_owned())
        .collect();
    if names.is_empty() {
        return Ok(());
    }
    let is_there = |name: &str| names.iter().any(|found| found == name);
    if !is_there(KEPT.name()) || !is_there(ENTRIES.name()) {
        return Err(Trouble::Damaged("it is a database, and no journal".to_owned()));
    }
    let meta = match transaction.open_table(META) {
        Ok(meta) => meta,
        Err(TableError::TableDoesNotExist(_)) => return Ok(()),
        Err(error) => return Err(trouble(error.into())),
    };
    let value = |key: &str| meta.get(key).map_err(|error| trouble(error.into()));
    let stated = value(FORMAT_KEY)?.and_then(|format| serde_json::from_slice::<u64>(format.value()).ok());
    match stated {
        Some(1..=FORMAT) => {}
        Some(format) => {
            let path = path.to_owned();
            return Err(Trouble::Refused(JournalFailure::TooNew { path, format }));
        }
        None => return Err(Trouble::Damaged("it does not state its format".to_owned())),
    }
    let whose = value(OWNER_KEY)?.and_then(|owner| serde_json::from_slice::<Owner>(owner.value()).ok());
    match whose {
        Some(whose) if whose == *owner => Ok(()),
        Some(whose) => Err(Trouble::Refused(JournalFailure::NotOurs {
            path: path.to_owned(),
            owner: whose,
            asked: owner.clone(),
        })),
        None => Err(Trouble::Damaged("it does not state whose it is".to_owned())),
    }
}

enum Wrong {
    Redb(redb::Error),
    Content(String),
}

impl<E: Into<redb::Error>> From<E> for Wrong {
    fn from(error: E) -> Self {
        Self::Redb(error.into())
    }
}

type Found = (Option<Memory>, u64, Held, Chronicle);

fn bring_up(transaction: &WriteTransaction, owner: &Owner) -> Result<Found, Wrong> {
    let content = |what: &str, error: &dyn std::fmt::Display| Wrong::Content(format!("{what}: {error}"));
    let memory = {
        let kept = transaction.open_table(KEPT)?;
        let memory = kept.get(MEMORY)?.map(|memory| serde_json::from_slice(memory.value()));
        memory.transpose().map_err(|error| content("its memory", &error))?
    };
    let mut entries = transaction.open_table(ENTRIES)?;
    let is_stated = {
        let mut meta = transaction.open_table(META)?;
        let stated = meta.get(FORMAT_KEY)?.is_some();
        if !stated {
            meta.insert(FORMAT_KEY, FORMAT.to_string().as_bytes())?;
            let owner = serde_json::to_vec(owner).map_err(|error| content("its owner", &error))?;
            meta.insert(OWNER_KEY, owner.as_slice())?;
        }
        stated
    };
    drop(transaction.open_table(WITNESS_DAYS)?);
    let mut chronicle = {
        let episodes = transaction.open_table(EPISODES)?;
        let last = episodes.last()?;
        let last = last.map(|(number, episode)| (number.value(), serde_json::from_slice(episode.value()).ok()));
        Chronicle::after(last)
    };
    if !is_stated {
        // What the last version wrote down is summarized as this one would have.
        let mut earlier = Vec::new();
        for row in entries.iter()? {
            earlier.extend(decode(row?.1.value()));
        }
        chronicle::write(&mut chronicle, transaction, &earlier, &[]).map_err(|error| content("its entries", &error))?;
    }
    let mut held = count(&entries)?;
    held.trim(&mut entries)?;
    let next = entries.last()?.map_or(0, |(number, _)| number.value() + 1);
    Ok((memory, next, held, chronicle))
}

/// An entry as it is stored.
pub(super) fn encode(entry: &JournalEntry) -> Result<Vec<u8>, serde_json::Error> {
    let mut value = entry.at.wall.as_millis().to_be_bytes().to_vec();
    serde_json::to_writer(&mut value, entry)?;
    Ok(value)
}

/// An entry as it was stored; none: it cannot be read.
pub(super) fn decode(value: &[u8]) -> Option<JournalEntry> {
    let json = match value.first()? {
        b'{' => value,
        _ => value.get(8..)?,
    };
    serde_json::from_slice(json).ok()
}

/// When a stored entry was written, without decoding the rest if that can be avoided.
pub(super) fn wall(value: &[u8]) -> Option<WallTime> {
    match value.first_chunk::<8>()? {
        [b'{', ..] => decode(value).map(|entry| entry.at.wall),
        wall => Some(WallTime::from_millis(i64::from_be_bytes(*wall))),
    }
}
