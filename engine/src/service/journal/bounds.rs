//! How much is kept, and how the oldest goes.

use redb::{ReadableTable, StorageError, Table};

/// Entries that are kept. A choice: a failover and its failback are about 200, so it is weeks of a quiet platform.
pub const ENTRIES_MAX: u64 = 20_000;
/// The bytes of all entries together. A choice: a decision with its reasons is 2 KiB.
pub const BYTES_MAX: u64 = 16 << 20;
/// Episodes that are kept. A choice: ten in a day for a year.
pub const EPISODES_MAX: u64 = 3_650;
/// Rows of witnesses by day that are kept. A choice: 20 witnesses of two regions for 400 days.
pub const WITNESS_DAYS_MAX: u64 = 16_000;

/// What the entries amount to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) entries: u64,
    pub(super) bytes: u64,
}

impl Held {
    pub(super) fn add(&mut self, bytes: usize) {
        self.entries += 1;
        self.bytes += u64::try_from(bytes).unwrap_or(u64::MAX);
    }

    /// Removes the oldest entries beyond the bounds, in the transaction that added the newest.
    pub(super) fn trim(&mut self, entries: &mut Table<'_, u64, &'static [u8]>) -> Result<(), StorageError> {
        while self.entries > ENTRIES_MAX || self.bytes > BYTES_MAX {
            let Some((_, value)) = entries.pop_first()? else {
                break;
            };
            self.entries -= 1;
            self.bytes = self
                .bytes
                .saturating_sub(u64::try_from(value.value().len()).unwrap_or(0));
        }
        Ok(())
    }
}

/// Removes the first rows of a table until it has no more than `most`.
pub(super) fn trim<K: redb::Key + 'static>(
    table: &mut Table<'_, K, &'static [u8]>,
    most: u64,
) -> Result<(), StorageError> {
    while redb::ReadableTableMetadata::len(table)? > most {
        if table.pop_first()?.is_none() {
            break;
        }
    }
    Ok(())
}

/// Counts what a table of entries holds.
pub(super) fn count(entries: &impl ReadableTable<u64, &'static [u8]>) -> Result<Held, StorageError> {
    let mut held = Held::default();
    for row in entries.iter()? {
        held.add(row?.1.value().len());
    }
    Ok(held)
}
