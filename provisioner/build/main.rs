//! Compiles the functions' program, and packs it: the provisioner carries the archive with it, as Lambda takes it.
//!
//! ```text
//!   ../functions/src --> program: the compiler --> archive: a ZIP file --> OUT_DIR/functions.zip, and its digest
//! ```
//!
//! Now and not in `synth`, because then it is there on every machine, whether or not it has a compiler, and costs `synth`
//! nothing. Cargo cannot build it as a dependency: it would be linked as this crate's other programs are.

mod archive;
mod program;

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use sha2::{Digest as _, Sha256};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let folder = PathBuf::from(variable("CARGO_MANIFEST_DIR")?).join("functions");
    let out = PathBuf::from(variable("OUT_DIR")?);
    println!("cargo::rerun-if-changed=functions/src");
    let target = variable("TARGET")?;
    // Cargo says which, where the target's usual linker will not do.
    let (rustc, linker) = (variable("RUSTC")?, env::var("RUSTC_LINKER").unwrap_or_default());
    let architecture = program::architecture(&variable("CARGO_CFG_TARGET_OS")?, &variable("CARGO_CFG_TARGET_ARCH")?);
    let archive = match architecture {
        Some(_) => {
            let compiler = program::Compiler {
                rustc: &rustc,
                linker: Some(linker.as_str()).filter(|linker| !linker.is_empty()),
                target: &target,
            };
            let program = out.join("bootstrap");
            program::compile(&compiler, &folder, &program)?;
            let bytes = fs::read(&program).map_err(|why| format!("cannot read `{}`: {why}", program.display()))?;
            archive::of(&bytes)?
        }
        // The linter is of use everywhere. Whatever needs the package says that there is none.
        None => Vec::new(),
    };
    let path = out.join("functions.zip");
    fs::write(&path, &archive).map_err(|why| format!("cannot write `{}`: {why}", path.display()))?;
    let mut digest = String::new();
    for byte in Sha256::digest(&archive) {
        // Writing into a text cannot fail.
        let _ = write!(digest, "{byte:02x}");
    }
    for (name, value) in [
        ("DIGEST", digest.as_str()),
        ("ARCHITECTURE", architecture.unwrap_or_default()),
        ("TARGET", &target),
        // For the test that compiles it once more.
        ("RUSTC", &rustc),
        ("LINKER", &linker),
    ] {
        println!("cargo::rustc-env=UNDERSTUDY_FUNCTIONS_{name}={value}");
    }
    Ok(())
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|why| format!("{name}: {why}; this is started by cargo"))
}
