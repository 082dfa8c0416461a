//! The package, as `synth` writes it and as somebody else's unzip reads it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, str};

use serde_json::{Value, json};
use understudy_provisioner::templates::package;

#[path = "../../build/program.rs"]
mod program;

/// Says what is in an archive, checks its sums, and unpacks it into a folder.
const UNZIP: &str = "
import json, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as archive:
    assert archive.testzip() is None
    archive.extractall(sys.argv[2])
    print(json.dumps([
        {'name': one.filename, 'mode': one.external_attr >> 16, 'system': one.create_system, 'date': one.date_time,
         'bytes': one.file_size, 'comment': len(one.comment) + len(one.extra)}
        for one in archive.infolist()]))
";

/// The package that `synth` writes, with what its manifest says of it.
fn written(into: &Path) -> (PathBuf, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_understudy-provisioner"))
        .args(["synth", "--env", "dev1", "--out"])
        .arg(into)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let manifest: Value = serde_json::from_slice(&fs::read(into.join("manifest.json")).unwrap()).unwrap();
    let [package] = &manifest["packages"].as_array().unwrap()[..] else {
        panic!("{}", manifest["packages"]);
    };
    (into.join(package["file"].as_str().unwrap()), package.clone())
}

/// The program in the package, and its mode.
pub(crate) fn unpacked() -> (Vec<u8>, u32) {
    let folder = tempfile::tempdir().unwrap();
    let (archive, _) = written(&folder.path().join("out"));
    let into = folder.path().join("task");
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/emulators/venv/bin/python");
    let output = Command::new(python)
        .args(["-c", UNZIP])
        .args([&archive, &into])
        .output()
        .expect("`scripts/test emulators` installs it");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let program = fs::read(into.join("bootstrap")).unwrap();
    let listed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        listed,
        json!([{
            "name": "bootstrap", "mode": 0o100_755, "system": 3, "date": [1980, 1, 1, 0, 0, 0],
            "bytes": program.len(), "comment": 0,
        }])
    );
    let mode = listed[0]["mode"].as_u64().unwrap();
    (program, u32::try_from(mode).unwrap())
}

#[test]
fn the_package_is_what_its_manifest_says() {
    let folder = tempfile::tempdir().unwrap();
    let (archive, says) = written(folder.path());
    let sum = Command::new("sha256sum").arg(&archive).output().unwrap();
    let digest = str::from_utf8(&sum.stdout).unwrap().split(' ').next().unwrap();
    let architecture = match env::consts::ARCH {
        "aarch64" => "arm64",
        other => other,
    };
    assert_eq!(
        says,
        json!({
            "name": "functions", "sha256": digest, "architecture": architecture,
            "file": format!("packages/functions/{digest}.zip"),
        })
    );
    // With room to spare: the limit of a package that is not compressed is 250 MB, and `synth` writes it every time.
    assert!(fs::metadata(&archive).unwrap().len() < 2 * 1024 * 1024);
    assert_eq!(package::functions().unwrap().bytes, fs::read(&archive).unwrap());
}

/// A number of an ELF file.
fn number(program: &[u8], at: usize, bytes: usize) -> usize {
    let little_endian = program[at..at + bytes].iter().rev();
    little_endian.fold(0, |number, byte| number << 8 | usize::from(*byte))
}

#[test]
fn the_program_needs_nothing_but_its_processor() {
    let (program, _) = unpacked();
    assert_eq!(&program[..6], b"\x7fELF\x02\x01", "64 bits, little-endian");
    let wanted = match env::consts::ARCH {
        "aarch64" => 183,
        _ => 62,
    };
    assert_eq!(number(&program, 18, 2), wanted, "EM_X86_64 is 62, EM_AARCH64 183");
    let (at, size, count) = (
        number(&program, 32, 8),
        number(&program, 54, 2),
        number(&program, 56, 2),
    );
    assert!(count > 0);
    for header in 0..count {
        let kind = number(&program, at + header * size, 4);
        assert_ne!(
            kind, 3,
            "PT_INTERP: it asks for a loader, and so for this machine's C library"
        );
    }
}

#[test]
fn the_program_is_the_same_from_whatever_folder_it_is_compiled_and_names_none() {
    let linker = env!("UNDERSTUDY_FUNCTIONS_LINKER");
    let compiler = program::Compiler {
        rustc: env!("UNDERSTUDY_FUNCTIONS_RUSTC"),
        linker: Some(linker).filter(|linker| !linker.is_empty()),
        target: env!("UNDERSTUDY_FUNCTIONS_TARGET"),
    };
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("functions/src");
    let (packaged, _) = unpacked();
    for name in ["a", "a folder with = a long name/below/another"] {
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join(name);
        fs::create_dir_all(copy.join("src")).unwrap();
        for file in fs::read_dir(&source).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), copy.join("src").join(file.file_name())).unwrap();
        }
        let into = folder.path().join("made");
        program::compile(&compiler, &copy, &into).unwrap();
        assert!(
            fs::read(&into).unwrap() == packaged,
            "another program from {}",
            copy.display()
        );
    }
    let home = env::var("HOME").unwrap_or_default();
    let here = env!("CARGO_MANIFEST_DIR");
    for path in [here, env!("CARGO_TARGET_TMPDIR"), &home] {
        let found = packaged.windows(path.len()).any(|bytes| bytes == path.as_bytes());
        assert!(path.len() < 5 || !found, "{path} is in the program");
    }
}

#[test]
fn a_program_that_does_not_compile_says_what_may_be_missing() {
    let compiler = program::Compiler {
        rustc: env!("UNDERSTUDY_FUNCTIONS_RUSTC"),
        linker: Some("no-such-linker"),
        target: env!("UNDERSTUDY_FUNCTIONS_TARGET"),
    };
    let folder = tempfile::tempdir().unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("functions");
    let why = program::compile(&compiler, &source, &folder.path().join("made")).unwrap_err();
    assert!(
        why.contains("`no-such-linker` not found") && why.contains("`glibc-static`"),
        "{why}"
    );
}

#[test]
fn only_lambdas_own_system_and_processors_have_a_program() {
    assert_eq!(program::architecture("linux", "x86_64"), Some("x86_64"));
    assert_eq!(program::architecture("linux", "aarch64"), Some("arm64"));
    for (os, processor) in [
        ("macos", "aarch64"),
        ("windows", "x86_64"),
        ("linux", "riscv64"),
        ("android", "aarch64"),
    ] {
        assert_eq!(program::architecture(os, processor), None, "{os} {processor}");
    }
}
