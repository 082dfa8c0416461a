//! How the functions' program is compiled: for Lambda, and the same bytes wherever it is done.

use std::path::Path;
use std::process::Command;

/// Who compiles.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Compiler<'a> {
    /// The compiler.
    pub(crate) rustc: &'a str,
    /// Its linker, if not the target's usual one.
    pub(crate) linker: Option<&'a str>,
    /// For what it compiles, as `x86_64-unknown-linux-gnu`.
    pub(crate) target: &'a str,
}

/// What Lambda calls the processors of a system, if it runs programs of that system.
pub(crate) fn architecture(os: &str, processor: &str) -> Option<&'static str> {
    match (os, processor) {
        ("linux", "x86_64") => Some("x86_64"),
        ("linux", "aarch64") => Some("arm64"),
        _ => None,
    }
}

/// Compiles the program that is in a folder into a file.
///
/// # Errors
/// What the compiler says.
pub(crate) fn compile(compiler: &Compiler<'_>, folder: &Path, into: &Path) -> Result<(), String> {
    let says = |arguments: &[&str]| -> Result<String, String> {
        let output = Command::new(compiler.rustc).args(arguments).output();
        let output = output.map_err(|why| format!("cannot start `{}`: {why}", compiler.rustc))?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let sysroot = says(&["--print", "sysroot"])?;
    let version = says(&["-vV"])?;
    let commit = version.lines().find_map(|line| line.strip_prefix("commit-hash: "));

    let mut command = Command::new(compiler.rustc);
    // What stands in messages of panics is then `src/main.rs`.
    command.current_dir(folder).arg("src/main.rs");
    command.args(["--crate-name", "bootstrap", "--crate-type", "bin", "--edition", "2024"]);
    command.args(["--target", compiler.target]);
    if let Some(linker) = compiler.linker {
        command.arg("-C").arg(format!("linker={linker}"));
    }
    for option in [
        // Lambda's system has a C library of its own, which may be older than this machine's.
        "target-feature=+crt-static",
        "opt-level=s",
        "lto=fat",
        "codegen-units=1",
        "panic=abort",
        "strip=symbols",
        // As in everything else that ships.
        "overflow-checks=on",
    ] {
        command.args(["-C", option]);
    }
    // No path of this machine gets into the program. Where the standard library's source is installed, the compiler names
    // it by where it is, and otherwise by where it was made.
    let library = format!("{sysroot}/lib/rustlib/src/rust");
    let made_in = format!("/rustc/{}", commit.unwrap_or("unknown"));
    for (path, name) in [(folder.display().to_string(), "."), (library, &made_in)] {
        command.arg(format!("--remap-path-prefix={path}={name}"));
    }
    command.arg("-o").arg(into);
    let output = command.output();
    let output = output.map_err(|why| format!("cannot start `{}`: {why}", compiler.rustc))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!(
        "the functions' program does not compile for {}. If its linker misses the C library: the program is linked with a \
         static one, which Debian has in `libc6-dev`, Fedora and Amazon Linux in `glibc-static`.\n{}",
        compiler.target,
        String::from_utf8_lossy(&output.stderr)
    ))
}
