//! The drill's folder: everything that its processes read and write, and nothing that stays.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

/// A folder that goes when it is dropped.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// A new one, for this drill alone.
    pub(crate) fn new() -> io::Result<Self> {
        let name = format!("understudy-drill-{}-{}", std::process::id(), random(8)?);
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path)?;
        Ok(Self(path))
    }

    /// The path of something in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file that only this user may read.
    pub(crate) fn write(&self, name: &str, text: &str) -> io::Result<PathBuf> {
        let path = self.path(name);
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).open(&path)?;
        file.write_all(text.as_bytes())?;
        Ok(path)
    }

    /// The end of a file, for whoever asks why something went wrong.
    pub(crate) fn end_of(&self, name: &str, lines: usize) -> String {
        let text = fs::read_to_string(self.path(name)).unwrap_or_default();
        let all: Vec<&str> = text.lines().collect();
        all[all.len().saturating_sub(lines)..].join("\n")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Somebody may have removed it already.
        drop(fs::remove_dir_all(&self.0));
    }
}

/// So many random bytes of the machine, as hexadecimal digits: a name or a secret that nobody guesses.
pub(crate) fn random(bytes: usize) -> io::Result<String> {
    let mut read = vec![0; bytes];
    File::open("/dev/urandom")?.read_exact(&mut read)?;
    Ok(read.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_goes_with_everything_in_it() {
        let folder = Folder::new().unwrap();
        let path = folder.write("token", &random(32).unwrap()).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap().len(), 64);
        assert!(folder.write("token", "again").is_err());
        let place = folder.0.clone();
        drop(folder);
        assert!(!place.exists());
    }
}
