//! What is kept on disk: the journal of one sidecar, and what must outlive its restart.
//!
//! ```text
//!   journal.lock       held while a process uses the folder
//!   journal.redb       meta           the format, and whose journal it is
//!                      kept           the engine's memory
//!                      entries        what happened, in its order: the newest ENTRIES_MAX, or BYTES_MAX
//!                      episodes       one summary for each suspicion and role change: months of them
//!                      witness-days   how often each witness changed its mind, by day
//!   journal.redb.set-aside-*           what could not be read, as it was found
//! ```
//!
//! A turn of the core is one transaction: entries, memory, summaries, and the removal of what is beyond the bounds. A
//! file that is damaged or foreign is set aside and a new one begun, because a sidecar must start; what it remembered
//! is gone then, and operators are told. A file of somebody else, or of a later version, is refused instead.

mod bounds;
mod chronicle;
mod episode;
mod failure;
mod folder;
mod format;
mod reader;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::{Database, Durability};

pub use bounds::{BYTES_MAX, ENTRIES_MAX, EPISODES_MAX, WITNESS_DAYS_MAX};
pub use episode::{Episode, EpisodeKind, WitnessDay};
pub use failure::JournalFailure;
pub use format::FORMAT;
pub use reader::{Page, Reader, Recorded, Span, WitnessDayRow};

use crate::core::ids::SidecarId;
use crate::core::journal::JournalEntry;
use crate::core::memory::Memory;
use crate::core::time::WallTime;
use bounds::Held;
use chronicle::Chronicle;
use failure::Trouble;
use folder::Folder;

/// Whose journal it is.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Owner {
    /// The region's name.
    pub region: String,
    /// Which of its sidecars.
    pub sidecar: SidecarId,
}

/// How far a write has to get before it is reported as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// Onto the disk.
    Durably,
    /// Into the process's own memory; onto the disk with the next durable write.
    Soon,
}

/// One sidecar's journal.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    database: Arc<Database>,
    memory: Option<Memory>,
    next: u64,
    held: Held,
    chronicle: Chronicle,
    witnesses: Vec<String>,
    set_aside: Vec<PathBuf>,
    /// Held for as long as the journal is used; none: it lives in no folder.
    _folder: Option<Folder>,
}

impl Journal {
    /// Opens the journal of a folder, or begins one. `now` names what has to be set aside.
    ///
    /// # Errors
    /// When it is somebody else's, another process uses it, or it can be neither read nor begun.
    pub fn open(folder: &Path, owner: &Owner, now: WallTime) -> Result<Self, JournalFailure> {
        let folder = Folder::take(folder)?;
        let path = folder.journal();
        match format::open(&path, owner) {
            Ok(opened) => return Ok(Self::opened(path, opened, Some(folder))),
            Err(Trouble::Refused(failure)) => return Err(failure),
            Err(Trouble::Damaged(because)) => {
                let aside = folder.set_aside(now)?;
                tracing::error!(
                    because,
                    file = %aside.display(),
                    "the journal cannot be read: it is set aside and a new one begun; a pause, a mode that an \
                     operator set and the cool-down are forgotten, so check `status`"
                );
            }
        }
        let opened = format::open(&path, owner).map_err(|trouble| trouble.into_failure(&path))?;
        folder.keep_names()?;
        Ok(Self::opened(path, opened, Some(folder)))
    }

    /// A journal in a database that is open already: in memory, or one that fails, for tests.
    ///
    /// # Errors
    /// When it cannot be read or begun.
    pub fn in_database(database: Database, owner: &Owner) -> Result<Self, JournalFailure> {
        let path = PathBuf::from("(no file)");
        let opened = format::prepare(database, &path, owner).map_err(|trouble| trouble.into_failure(&path))?;
        Ok(Self::opened(path, opened, None))
    }

    fn opened(path: PathBuf, opened: format::Opened, folder: Option<Folder>) -> Self {
        Self {
            path,
            database: Arc::new(opened.database),
            memory: opened.memory,
            next: opened.next,
            held: opened.held,
            chronicle: opened.chronicle,
            witnesses: Vec::new(),
            set_aside: folder.as_ref().map(Folder::all_set_aside).unwrap_or_default(),
            _folder: folder,
        }
    }

    /// The policy's witnesses by name, in its order: summaries that are kept for months name them.
    pub fn name_witnesses(&mut self, names: Vec<String>) {
        self.witnesses = names;
    }

    /// What was written down last.
    #[must_use]
    pub fn memory(&self) -> Option<Memory> {
        self.memory.clone()
    }

    /// The files that could not be read and were set aside, now or earlier, oldest first. An operator who has looked at
    /// one removes it.
    #[must_use]
    pub fn set_aside(&self) -> &[PathBuf] {
        &self.set_aside
    }

    /// Where the journal is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// For whoever reads it while it is written.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader::new(self.path.clone(), Arc::clone(&self.database))
    }

    /// Writes one turn down, whole or not at all.
    ///
    /// # Errors
    /// When it is not written. Nothing else can be written then, either.
    pub fn write(
        &mut self,
        entries: &[JournalEntry],
        memory: Option<&Memory>,
        written: Written,
    ) -> Result<(), JournalFailure> {
        self.commit(entries, memory, written)
            .map_err(|error| JournalFailure::unusable(&self.path, error.to_string()))
    }

    /// Brings everything onto the disk.
    ///
    /// # Errors
    /// When it is not there.
    pub fn flush(&mut self) -> Result<(), JournalFailure> {
        self.write(&[], None, Written::Durably)
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
        let mut held = self.held;
        let mut chronicle = self.chronicle.clone();
        if !entries.is_empty() {
            let mut table = transaction.open_table(format::ENTRIES)?;
            for entry in entries {
                let value = format::encode(entry)?;
                held.add(value.len());
                table.insert(next, value.as_slice())?;
                next += 1;
            }
            held.trim(&mut table)?;
            chronicle::write(&mut chronicle, &transaction, entries, &self.witnesses)?;
        }
        if let Some(memory) = memory {
            let mut kept = transaction.open_table(format::KEPT)?;
            kept.insert(format::MEMORY, serde_json::to_vec(memory)?.as_slice())?;
        }
        transaction.commit()?;
        // Only now: a transaction that failed has changed nothing.
        (self.next, self.held, self.chronicle) = (next, held, chronicle);
        if let Some(memory) = memory {
            self.memory = Some(memory.clone());
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests;
