use std::fs;

use tempfile::TempDir;

use super::*;
use crate::core::decision::Verdict;
use crate::core::evidence::WitnessState;
use crate::core::ids::{Epoch, Region, WitnessId};
use crate::core::journal::Happening;
use crate::core::machine::{Edge, StateName};
use crate::core::time::{Now, Timestamp};

const NOON: i64 = 1_780_502_400_000;

fn owner() -> Owner {
    Owner {
        region: "us-east-2".to_owned(),
        sidecar: SidecarId(1),
    }
}

fn open(folder: &TempDir) -> Result<Journal, JournalFailure> {
    Journal::open(folder.path(), &owner(), WallTime::from_millis(NOON))
}

fn folder() -> TempDir {
    TempDir::new().unwrap()
}

fn at(ms: i64) -> WallTime {
    WallTime::from_millis(NOON + ms)
}

fn entry(ms: i64, what: Happening) -> JournalEntry {
    let at = Now {
        boot: Timestamp::from_micros(7),
        wall: at(ms),
    };
    JournalEntry { at, what }
}

fn witness(ms: i64, to: WitnessState) -> JournalEntry {
    entry(
        ms,
        Happening::Witness {
            witness: WitnessId(0),
            target: Region::Home,
            from: WitnessState::Healthy,
            to,
        },
    )
}

fn moved(ms: i64, from: StateName, to: StateName, edge: Edge) -> JournalEntry {
    entry(ms, Happening::Moved { from, to, edge })
}

/// What a machine that ends while the file is written leaves behind.
fn damage(path: &Path, how: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    how(&mut bytes);
    fs::write(path, bytes).unwrap();
}

fn format_1(folder: &TempDir) {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/service/fixtures/journal-format-1.redb");
    fs::copy(fixture, folder.path().join("journal.redb")).unwrap();
}

#[test]
fn what_was_written_is_there_after_a_restart() {
    let folder = folder();
    let memory = Memory {
        paused: true,
        epoch: Some(Epoch(3)),
        ..Memory::default()
    };
    let mut journal = open(&folder).unwrap();
    journal
        .write(&[witness(0, WitnessState::Breached)], Some(&memory), Written::Durably)
        .unwrap();
    drop(journal);
    let journal = open(&folder).unwrap();
    assert_eq!(journal.memory(), Some(memory));
    let page = journal.reader().entries(Span::default(), None, 10).unwrap();
    assert_eq!(page.rows.len(), 1);
    assert_eq!(page.rows[0].entry, witness(0, WitnessState::Breached));
    assert!(journal.set_aside().is_empty());
}

#[test]
fn the_format_before_is_read_and_summarized() {
    let folder = folder();
    format_1(&folder);
    let mut journal = open(&folder).unwrap();
    assert!(journal.set_aside().is_empty(), "it is no damaged one");
    let memory = journal.memory().unwrap();
    assert!(memory.paused && memory.epoch == Some(Epoch(1)) && memory.role_changes.len() == 1);
    let reader = journal.reader();
    let page = reader.entries(Span::default(), None, 100).unwrap();
    assert_eq!((page.rows.len(), page.unreadable), (10, 0));
    let kinds: Vec<_> = reader.episodes(Span::default(), None, 10).unwrap().rows;
    let kinds: Vec<_> = kinds.iter().map(|e| (e.kind, e.ended.is_some(), e.epoch)).collect();
    assert_eq!(
        kinds,
        [
            (EpisodeKind::Failover, false, Some(Epoch(2))),
            (EpisodeKind::NearMiss, true, None)
        ],
        "the newest first; the failover was under way when the file was closed"
    );
    // New entries go beside the old ones, and what was under way ends.
    journal
        .write(
            &[moved(
                70_000,
                StateName::Verifying,
                StateName::Rejoining,
                Edge::FailoverVerified,
            )],
            None,
            Written::Durably,
        )
        .unwrap();
    let page = reader.entries(Span::default(), None, 2).unwrap();
    assert_eq!(page.rows[0].number, page.rows[1].number + 1);
    let episodes = reader.episodes(Span::default(), None, 1).unwrap();
    assert_eq!(episodes.rows[0].ended, Some(at(70_000)));
}

#[test]
fn a_later_format_is_refused_and_stays_as_it_is() {
    let folder = folder();
    let mut journal = open(&folder).unwrap();
    journal.flush().unwrap();
    let transaction = journal.database.begin_write().unwrap();
    transaction
        .open_table(format::META)
        .unwrap()
        .insert("format", b"3".as_slice())
        .unwrap();
    transaction.commit().unwrap();
    drop(journal);
    let failure = open(&folder).unwrap_err();
    assert!(matches!(failure, JournalFailure::TooNew { format: 3, .. }), "{failure}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing was set aside");
}

#[test]
fn another_sidecars_journal_is_refused() {
    let folder = folder();
    drop(open(&folder).unwrap());
    let other = Owner {
        sidecar: SidecarId(2),
        ..owner()
    };
    let failure = Journal::open(folder.path(), &other, at(0)).unwrap_err();
    assert!(failure.is_usage());
    let said = failure.to_string();
    assert!(
        said.contains("belongs to sidecar 1 of us-east-2, and this is sidecar 2"),
        "{said}"
    );
}

#[test]
fn a_second_process_is_refused() {
    let folder = folder();
    let journal = open(&folder).unwrap();
    let failure = open(&folder).unwrap_err();
    assert!(matches!(failure, JournalFailure::Busy { .. }), "{failure}");
    drop(journal);
    assert!(open(&folder).is_ok(), "the lock goes with the process");
}

#[test]
fn a_damaged_file_is_set_aside_and_a_new_one_begun() {
    type How = fn(&mut Vec<u8>);
    let cases: [(&str, How); 6] = [
        ("foreign", |bytes| *bytes = b"-- nothing of ours --\n".repeat(400)),
        ("truncated", |bytes| bytes.truncate(bytes.len() / 2)),
        ("truncated to its header", |bytes| bytes.truncate(100)),
        ("zeroes in the middle", |bytes| {
            let middle = bytes.len() / 4;
            bytes[middle..].fill(0);
        }),
        ("a header that is gone", |bytes| bytes[..512].fill(0xff)),
        ("every page is wrong", |bytes| {
            for byte in bytes.iter_mut().skip(4096) {
                *byte ^= 0x55;
            }
        }),
    ];
    for (name, how) in cases {
        let folder = folder();
        let mut journal = open(&folder).unwrap();
        journal
            .write(
                &[witness(0, WitnessState::Breached)],
                Some(&Memory::default()),
                Written::Durably,
            )
            .unwrap();
        drop(journal);
        let path = folder.path().join("journal.redb");
        damage(&path, how);
        let was = fs::read(&path).unwrap();
        let mut journal = open(&folder).unwrap_or_else(|failure| panic!("{name}: {failure}"));
        assert_eq!(journal.memory(), None, "{name}");
        let [aside] = journal.set_aside() else {
            panic!("{name}: nothing was set aside")
        };
        assert!(
            aside.to_string_lossy().ends_with("set-aside-20260603T160000Z"),
            "{}",
            aside.display()
        );
        assert_eq!(
            fs::read(aside).unwrap().len(),
            was.len(),
            "{name}: it is kept as it was found"
        );
        journal
            .write(&[witness(1, WitnessState::Missing)], None, Written::Durably)
            .unwrap();
        assert_eq!(
            journal.reader().entries(Span::default(), None, 9).unwrap().rows.len(),
            1
        );
        drop(journal);
        // It is named until an operator has removed it.
        assert_eq!(open(&folder).unwrap().set_aside().len(), 1, "{name}");
    }
}

#[test]
fn what_is_set_aside_is_bounded() {
    let folder = folder();
    for again in 0..7 {
        fs::write(folder.path().join("journal.redb"), format!("damaged {again}")).unwrap();
        let journal = open(&folder).unwrap();
        assert_eq!(journal.set_aside().len(), (again + 1).min(4));
    }
}

#[test]
fn an_empty_file_is_a_new_journal() {
    let folder = folder();
    fs::write(folder.path().join("journal.redb"), b"").unwrap();
    assert!(open(&folder).unwrap().set_aside().is_empty());
}

#[test]
fn a_memory_that_cannot_be_read_is_damage() {
    let folder = folder();
    let journal = open(&folder).unwrap();
    let transaction = journal.database.begin_write().unwrap();
    transaction
        .open_table(format::KEPT)
        .unwrap()
        .insert("memory", b"{\"paused\":7}".as_slice())
        .unwrap();
    transaction.commit().unwrap();
    drop(journal);
    let journal = open(&folder).unwrap();
    assert_eq!((journal.memory(), journal.set_aside().len()), (None, 1));
}

#[test]
fn the_oldest_entries_go_and_the_file_stays_small() {
    let folder = folder();
    let mut journal = open(&folder).unwrap();
    let batch: Vec<_> = (0..1_000).map(|ms| witness(ms, WitnessState::Breached)).collect();
    let batches = ENTRIES_MAX / 1_000 * 3;
    for _ in 0..batches {
        journal.write(&batch, None, Written::Durably).unwrap();
    }
    let reader = journal.reader();
    let newest = reader.entries(Span::default(), None, 1).unwrap().rows[0].number;
    assert_eq!(newest, batches * 1_000 - 1);
    let mut seen = 0;
    let mut before = None;
    loop {
        let page = reader.entries(Span::default(), before, 1_000).unwrap();
        seen += u64::try_from(page.rows.len()).unwrap();
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(seen, ENTRIES_MAX);
    let size = fs::metadata(journal.path()).unwrap().len();
    assert!(size < 4 * BYTES_MAX, "{size} bytes");
    drop((journal, reader));
    assert_eq!(
        open(&folder).unwrap().held.entries,
        ENTRIES_MAX,
        "counted again at the start"
    );
}

#[test]
fn entries_that_are_large_are_bounded_by_their_bytes() {
    let folder = folder();
    let mut journal = open(&folder).unwrap();
    let finding = crate::core::decision::Finding {
        guard: crate::core::decision::Guard::Quorum,
        passed: true,
        saw: crate::core::decision::Value::Count(2),
        relation: crate::core::decision::Relation::AtLeast,
        needs: crate::core::decision::Value::Count(2),
    };
    let decision = crate::core::decision::Decision {
        at: entry(0, Happening::Completed(crate::core::ledger::Ledger::default())).at,
        verdict: Verdict::HoldFailback,
        target: Region::Home,
        assessment: crate::core::evidence::Assessment::Steady,
        findings: vec![finding; 200],
        flip: None,
    };
    let batch = vec![entry(0, Happening::Decided(decision)); 500];
    for _ in 0..4 {
        journal.write(&batch, None, Written::Durably).unwrap();
    }
    assert!(
        journal.held.bytes <= BYTES_MAX && journal.held.entries < 2_000,
        "{:?}",
        journal.held
    );
}

#[test]
fn pages_are_of_a_span_newest_first_and_join_without_a_gap() {
    let folder = folder();
    let mut journal = open(&folder).unwrap();
    let entries: Vec<_> = (0..25).map(|n| witness(n * 1_000, WitnessState::Breached)).collect();
    journal.write(&entries, None, Written::Soon).unwrap();
    let reader = journal.reader();
    let span = Span {
        from: Some(at(5_000)),
        until: Some(at(20_000)),
    };
    let mut numbers = Vec::new();
    let mut before = None;
    loop {
        let page = reader.entries(span, before, 4).unwrap();
        numbers.extend(page.rows.iter().map(|row| row.number));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(numbers, (5..20).rev().collect::<Vec<_>>());
}

#[test]
fn an_entry_that_cannot_be_read_is_left_out_and_counted() {
    let folder = folder();
    let mut journal = open(&folder).unwrap();
    journal
        .write(&[witness(0, WitnessState::Breached)], None, Written::Durably)
        .unwrap();
    let transaction = journal.database.begin_write().unwrap();
    transaction
        .open_table(format::ENTRIES)
        .unwrap()
        .insert(7, b"{ what is this".as_slice())
        .unwrap();
    transaction.commit().unwrap();
    let page = journal.reader().entries(Span::default(), None, 10).unwrap();
    assert_eq!((page.rows.len(), page.unreadable), (1, 1));
}

#[test]
fn a_witness_that_changes_its_mind_is_counted_by_day_and_name() {
    let folder = folder();
    let mut journal = open(&folder).unwrap();
    journal.name_witnesses(vec!["peer-application".to_owned()]);
    let day = 24 * 3600 * 1000;
    journal
        .write(
            &[witness(0, WitnessState::Breached), witness(1, WitnessState::Missing)],
            None,
            Written::Soon,
        )
        .unwrap();
    journal
        .write(
            &[witness(2, WitnessState::Breached), witness(day, WitnessState::Breached)],
            None,
            Written::Soon,
        )
        .unwrap();
    let rows = journal.reader().witness_days(Span::default()).unwrap();
    let rows: Vec<_> = rows.iter().map(|row| (row.witness.as_str(), row.counted)).collect();
    let count = |changes, breached, missing| WitnessDay {
        changes,
        breached,
        missing,
    };
    assert_eq!(
        rows,
        [
            ("peer-application", count(3, 2, 1)),
            ("peer-application", count(1, 1, 0))
        ]
    );
}

#[test]
fn a_write_that_fails_is_reported_and_so_is_every_later_one() {
    let disk = full_disk::Disk::default();
    let database = redb::Builder::new().create_with_backend(disk.clone()).unwrap();
    let mut journal = Journal::in_database(database, &owner()).unwrap();
    journal
        .write(&[witness(0, WitnessState::Breached)], None, Written::Durably)
        .unwrap();
    disk.fill();
    for _ in 0..2 {
        let failure = journal
            .write(&[witness(1, WitnessState::Breached)], None, Written::Durably)
            .unwrap_err();
        assert!(failure.to_string().contains("cannot be used"), "{failure}");
    }
}

pub(crate) mod full_disk {
    //! A disk in memory that can be filled, hang, and be copied as it is.
    #![expect(clippy::disallowed_types, reason = "the disk is shared with whoever looks at it")]

    use std::io::ErrorKind;
    use std::sync::{Arc, Condvar, Mutex, MutexGuard};

    use redb::StorageBackend;

    #[derive(Debug, Clone, Default)]
    pub(crate) struct Disk(Arc<Shared>);

    #[derive(Debug, Default)]
    struct Shared {
        state: Mutex<State>,
        changed: Condvar,
    }

    #[derive(Debug, Clone, Default)]
    struct State {
        bytes: Vec<u8>,
        /// What a machine that loses its power now finds again.
        synced: Vec<u8>,
        full: bool,
        hangs: bool,
    }

    impl Disk {
        pub(crate) fn fill(&self) {
            self.lock().full = true;
        }

        pub(crate) fn hang(&self, hangs: bool) {
            self.lock().hangs = hangs;
            self.0.changed.notify_all();
        }

        /// What is on it for certain.
        pub(crate) fn copy(&self) -> Self {
            let synced = self.lock().synced.clone();
            let copy = Self::default();
            {
                let mut state = copy.lock();
                (state.bytes, state.synced) = (synced.clone(), synced);
            }
            copy
        }

        fn lock(&self) -> MutexGuard<'_, State> {
            self.0.state.lock().unwrap()
        }

        fn room(&self) -> std::io::Result<MutexGuard<'_, State>> {
            let state = self.0.changed.wait_while(self.lock(), |state| state.hangs).unwrap();
            if state.full {
                return Err(ErrorKind::StorageFull.into());
            }
            Ok(state)
        }
    }

    impl StorageBackend for Disk {
        fn len(&self) -> std::io::Result<u64> {
            Ok(self.lock().bytes.len() as u64)
        }

        fn read(&self, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
            let offset = usize::try_from(offset).unwrap();
            let state = self.lock();
            let found = state.bytes.get(offset..offset + out.len());
            out.copy_from_slice(found.ok_or(ErrorKind::UnexpectedEof)?);
            Ok(())
        }

        fn set_len(&self, len: u64) -> std::io::Result<()> {
            self.room()?.bytes.resize(usize::try_from(len).unwrap(), 0);
            Ok(())
        }

        fn sync_data(&self) -> std::io::Result<()> {
            let mut state = self.room()?;
            state.synced = state.bytes.clone();
            Ok(())
        }

        fn write(&self, offset: u64, data: &[u8]) -> std::io::Result<()> {
            let offset = usize::try_from(offset).unwrap();
            let mut state = self.room()?;
            let place = state.bytes.get_mut(offset..offset + data.len());
            place.ok_or(ErrorKind::UnexpectedEof)?.copy_from_slice(data);
            Ok(())
        }
    }
}
