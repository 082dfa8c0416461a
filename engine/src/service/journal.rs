//! What is kept on disk: the journal, and what must outlive a restart.

use std::path::{Path, PathBuf};

use redb::{Database, Durability, ReadableDatabase, ReadableTable, TableDefinition};

use crate::core::journal::JournalEntry;
use crate::core::memory::Memory;

const ENTRIES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("entries");
const KEPT: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("kept");

/// How far a write has to get before it is reported as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// Onto the disk.
    Durably,
    /// To the operating system; it is on the disk with the next durable one, at the latest.
    Soon,
}

/// Why the journal could not be opened or written.
#[derive(Debug, thiserror::Error)]
#[error("the journal {} cannot be used: {because}", path.display())]
pub struct JournalFailure {
    path: PathBuf,
    because: String,
}

/// One sidecar's journal.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    database: Database,
    memory: Option<Memory>,
    next: u64,
}

impl Journal {
    /// Opens the journal of a folder, or begins one.
    ///
    /// # Errors
    /// When it can be neither read nor begun.
    pub fn open(folder: &Path) -> Result<Self, JournalFailure> {
        let path = folder.join("journal.redb");
        let failed = |because: String| JournalFailure {
            path: path.clone(),
            because,
        };
        std::fs::create_dir_all(folder).map_err(|error| failed(error.to_string()))?;
        let database = Database::create(&path).map_err(|error| failed(error.to_string()))?;
        let (memory, next) = look(&database).map_err(|error| failed(error.to_string()))?;
        Ok(Self {
            path,
            database,
            memory,
            next,
        })
    }

    /// What was written down before the restart.
    #[must_use]
    pub fn memory(&self) -> Option<Memory> {
        self.memory.clone()
    }

    /// Writes one turn down.
    ///
    /// # Errors
    /// When it is not written.
    pub fn write(
        &mut self,
        entries: &[JournalEntry],
        memory: Option<&Memory>,
        written: Written,
    ) -> Result<(), JournalFailure> {
        self.commit(entries, memory, written).map_err(|error| JournalFailure {
            path: self.path.clone(),
            because: error.to_string(),
        })
    }

    /// Brings everything onto the disk. False: it is not there.
    #[must_use]
    pub fn close(mut self) -> bool {
        self.commit(&[], None, Written::Durably).is_ok()
    }

    fn commit(
        &mut self,
        entries: &[JournalEntry],
        memory: Option<&Memory>,
        written: Written,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(match written {
            Written::Durably => Durability::Immediate,
            Written::Soon => Durability::None,
        })?;
        let mut next = self.next;
        {
            let mut table = transaction.open_table(ENTRIES)?;
            for entry in entries {
                table.insert(next, serde_json::to_vec(entry)?.as_slice())?;
                next += 1;
            }
            if let Some(memory) = memory {
                let mut kept = transaction.open_table(KEPT)?;
                kept.insert("memory", serde_json::to_vec(memory)?.as_slice())?;
            }
        }
        transaction.commit()?;
        self.next = next;
        Ok(())
    }
}

fn look(database: &Database) -> Result<(Option<Memory>, u64), Box<dyn std::error::Error>> {
    let transaction = database.begin_write()?;
    let next = {
        let entries = transaction.open_table(ENTRIES)?;
        entries.last()?.map_or(0, |(number, _)| number.value() + 1)
    };
    drop(transaction.open_table(KEPT)?);
    transaction.commit()?;
    let transaction = database.begin_read()?;
    let kept = transaction.open_table(KEPT)?;
    let memory = kept.get("memory")?;
    let memory = memory
        .map(|memory| serde_json::from_slice(memory.value()))
        .transpose()?;
    Ok((memory, next))
}
