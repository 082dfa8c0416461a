//! The files under `deploy`: what they start exists and takes what they pass, and they keep what they promise: not root,
//! nothing to write but the journal, operators on loopback, secrets by reference.

mod command;
mod containers;
mod kubernetes;
mod machine;
mod yaml;

use std::path::{Path, PathBuf};

/// The root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
