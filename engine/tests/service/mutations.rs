//! Everything that is read is thrown at its reader with bytes changed: nothing panics, hangs or is taken for more than it
//! is. The corpora lie in `tests/corpus` and in the fixtures; the changes follow from a seed, so a failure can be
//! repeated. `UNDERSTUDY_MUTATIONS` says how many are tried of each; a few seconds' worth if it is not set.

use std::path::{Path, PathBuf};
use std::time::Duration;

use understudy_engine::core::effect::{Effect, Outcome};
use understudy_engine::core::ids::SidecarId;
use understudy_engine::core::journal::JournalEntry;
use understudy_engine::core::memory::Memory;
use understudy_engine::core::time::WallTime;
use understudy_engine::decode::{Decoder, Directory, Environment};
use understudy_engine::service::journal::{Journal, Owner, Span, Written};
use understudy_engine::service::platform;
use understudy_policies::policy::Document;
use understudy_policies::source::{Source, Style};
use understudy_policies::{check, shipped};

use crate::lease_safety::Dice;

const RECEIVED: WallTime = WallTime::from_millis(1_795_444_860_000);

/// How many changes are tried of each file.
fn tries(by_default: u64) -> u64 {
    let asked = std::env::var("UNDERSTUDY_MUTATIONS").ok();
    asked.map_or(by_default, |asked| {
        asked.parse().expect("UNDERSTUDY_MUTATIONS is a number")
    })
}

fn files(folder: &str, ending: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|found| found == ending));
    paths.sort();
    assert!(!paths.is_empty(), "{} holds no .{ending}", folder.display());
    let read = |path: PathBuf| (path.display().to_string(), std::fs::read(&path).unwrap());
    paths.into_iter().map(read).collect()
}

/// What is likely to mean something to a reader of text.
const WORDS: &[&[u8]] = &[
    b"\"",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"=",
    b"\\",
    b"\\u0000",
    b"null",
    b"true",
    b"-1",
    b"1e999",
    b"0",
    b"18446744073709551616",
    b"99999999999999999999d",
    b"\xff\xfe",
    b"\xc3\x28",
    b"\n",
    b"\0",
    b"[[",
    b"'''",
    b"#",
    b"1970-01-01T00:00:00Z",
    b"arn:aws:",
    b"us-east-1",
];

/// Changes some bytes: what a disk, a network or a person in a hurry does.
fn change(dice: &mut Dice, bytes: &mut Vec<u8>) {
    for _ in 0..=dice.roll(4) {
        let length = bytes.len() as u64;
        let place = |dice: &mut Dice| usize::try_from(dice.roll(length + 1)).unwrap();
        let (a, b) = (place(dice), place(dice));
        let (from, to) = (a.min(b), a.max(b).min(bytes.len()));
        match dice.roll(8) {
            0 => bytes.truncate(from),
            1 => drop(bytes.drain(from..to)),
            2 => {
                let word = WORDS[usize::try_from(dice.roll(WORDS.len() as u64)).unwrap()];
                bytes.splice(from..from, word.iter().copied());
            }
            3 => {
                let word = WORDS[usize::try_from(dice.roll(WORDS.len() as u64)).unwrap()];
                let end = (from + word.len()).min(bytes.len());
                bytes.splice(from..end, word.iter().copied());
            }
            4 if to - from < 4_096 => {
                let again = bytes[from..to].to_vec();
                bytes.splice(to..to, again);
            }
            _ => {
                if let Some(byte) = bytes.get_mut(from) {
                    *byte ^= 1 << dice.roll(8);
                }
            }
        }
    }
}

/// Tries changes of every file, and says which one it was if that goes wrong.
fn storm(corpus: &[(String, Vec<u8>)], tries: u64, mut read: impl FnMut(&[u8])) {
    for (name, whole) in corpus {
        read(whole);
        for seed in 0..tries {
            let mut bytes = whole.clone();
            change(
                &mut Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ whole.len() as u64),
                &mut bytes,
            );
            let tried = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| read(&bytes)));
            assert!(
                tried.is_ok(),
                "{name}, change {seed}: {}",
                String::from_utf8_lossy(&bytes)
            );
        }
    }
}

#[test]
fn events() {
    let policy = shipped::trading();
    let environment = Environment::new("prod").unwrap();
    let mut decoder = Decoder::new(Directory::new(&policy.regions, &policy.witnesses, &environment));
    let mut taken = 0_u64;
    let mut tried = 0_u64;
    storm(&files("tests/fixtures/events", "json"), tries(400), |bytes| {
        tried += 1;
        match decoder.decode(bytes, RECEIVED) {
            Ok(_) => taken += 1,
            // Whoever reads the log must not be shown what an attacker wants them to read.
            Err(rejection) => assert!(!rejection.to_string().chars().any(char::is_control), "{rejection:?}"),
        }
    });
    assert!(taken > 0 && taken < tried, "{taken} of {tried}");
}

#[test]
fn policies() {
    let corpus = files("../policies", "toml");
    let corpus: Vec<_> = corpus
        .into_iter()
        .filter(|(name, _)| !name.contains("clippy") && !name.contains("Cargo"))
        .collect();
    let mut good = 0_u64;
    storm(&corpus, tries(150), |bytes| {
        let text = String::from_utf8_lossy(bytes);
        match Document::read(&Source::new("policy.toml", &text)) {
            Ok(document) => {
                let _ = check(&document);
                good += 1;
            }
            // Its place in the file is shown: rendering must not fail either.
            Err(wrong) => assert!(!wrong.render(Style::Plain).is_empty()),
        }
    });
    assert!(good >= corpus.len() as u64);
}

#[test]
fn platforms() {
    storm(&files("tests/corpus/platforms", "toml"), tries(2_000), |bytes| {
        let text = String::from_utf8_lossy(bytes);
        if let Err(wrong) = platform::read(&Source::new("platform.toml", &text)) {
            let said = wrong.render(Style::Plain);
            assert!(!said.is_empty());
        }
    });
}

#[test]
fn what_the_journal_and_the_parts_hold() {
    storm(&files("tests/corpus/records", "json"), tries(4_000), |bytes| {
        // Each is read as each: whoever mixes them up is told, and nothing worse.
        drop(serde_json::from_slice::<JournalEntry>(bytes));
        drop(serde_json::from_slice::<Memory>(bytes));
        drop(serde_json::from_slice::<Effect>(bytes));
        drop(serde_json::from_slice::<Outcome>(bytes));
    });
}

/// A journal of which any bytes are changed is either read or set aside; and what is opened can be written.
#[test]
fn journals() {
    let owner = Owner {
        region: "us-east-2".to_owned(),
        sidecar: SidecarId(1),
    };
    let mut corpus = files("tests/service/fixtures", "redb");
    {
        // And one of the present format.
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("journal.redb"), &corpus[0].1).unwrap();
        let mut journal = Journal::open(folder.path(), &owner, RECEIVED).unwrap();
        journal.flush().unwrap();
        let path = journal.path().to_owned();
        drop(journal);
        corpus.push(("the present format".to_owned(), std::fs::read(path).unwrap()));
    }
    let (mut read, mut aside) = (0, 0);
    storm(&corpus, tries(60), |bytes| {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("journal.redb"), bytes).unwrap();
        let mut journal = Journal::open(folder.path(), &owner, RECEIVED).unwrap();
        if journal.set_aside().is_empty() {
            read += 1;
        } else {
            aside += 1;
        }
        let memory = journal.memory().unwrap_or_default();
        journal.write(&[], Some(&memory), Written::Durably).unwrap();
        drop(journal.reader().entries(Span::default(), None, 100).unwrap());
        drop(journal.reader().episodes(Span::default(), None, 100).unwrap());
        drop(journal.reader().witness_days(Span::default()).unwrap());
    });
    assert!(read > 0 && aside > 0, "{read} read, {aside} set aside");
}

#[test]
fn nothing_that_is_sent_to_a_listener_ends_the_sidecar() {
    use std::io::{Read, Write};
    use std::net::{Shutdown, TcpStream};

    use crate::stage::{Cast, SECOND, Stage};
    use understudy_engine::core::machine::StateName;

    let stage = Stage::build(Cast::default());
    stage.home().start();
    stage.until("serving", 60 * SECOND, |stage| {
        stage.home().state() == Some(StateName::Serving)
    });
    let arguments = stage.home().arguments().to_vec();
    let address = |option: &str| {
        let at = arguments.iter().position(|argument| argument == option).unwrap();
        arguments[at + 1].clone()
    };
    let addresses = [address("--listen"), address("--peer-listen")];
    let mut turn = 0;
    let mut corpus = files("tests/corpus/requests", "http");
    for (_, request) in &mut corpus {
        // As they go over the wire; in the repository lines end like everywhere else.
        *request = String::from_utf8_lossy(request).replace('\n', "\r\n").into_bytes();
    }
    storm(&corpus, tries(150), |bytes| {
        turn += 1;
        let mut stream = TcpStream::connect(&addresses[turn % 2]).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        // It may be answered and closed before all of it is sent.
        if stream.write_all(bytes).is_ok() && stream.shutdown(Shutdown::Write).is_ok() {
            let _ = stream.read(&mut [0; 1_024]);
        }
    });
    assert!(stage.home().is_alive());
    assert!(!stage.home().log().contains("panicked"), "{}", stage.home().log());
    assert_eq!(stage.home().state(), Some(StateName::Serving));
}
