//! The functions' package: a ZIP archive of one file that is not compressed, the same bytes whenever and wherever it is made.

/// What Lambda starts.
const NAME: &[u8] = b"bootstrap";
/// 1980-01-01: archives know no earlier day, and the real one would change the digest.
const DATE: u16 = 0x21;
/// A file that everybody may read and start.
const MODE: u32 = 0o100_755 << 16;

/// The archive of a program.
///
/// # Errors
/// If it has 4 GiB, which no function may have.
pub(crate) fn of(program: &[u8]) -> Result<Vec<u8>, String> {
    let size = u32::try_from(program.len()).map_err(|_| "the functions' program is too large".to_owned())?;
    let name_length = NAME.len() as u16;
    let mut common = Vec::new();
    // Version 2.0, no flags, stored, midnight.
    for half in [20, 0, 0, 0, DATE] {
        common.extend(u16::to_le_bytes(half));
    }
    for whole in [crc32fast::hash(program), size, size] {
        common.extend(u32::to_le_bytes(whole));
    }
    common.extend(name_length.to_le_bytes());
    common.extend(0_u16.to_le_bytes());

    let mut bytes = b"PK\x03\x04".to_vec();
    bytes.extend(&common);
    bytes.extend(NAME);
    bytes.extend(program);
    let directory_at = bytes.len();
    bytes.extend(b"PK\x01\x02");
    // Made by Unix, so that the mode is looked at.
    bytes.extend(0x0314_u16.to_le_bytes());
    bytes.extend(&common);
    bytes.extend([0; 6]);
    bytes.extend(MODE.to_le_bytes());
    bytes.extend(0_u32.to_le_bytes());
    bytes.extend(NAME);
    let directory_size = bytes.len() - directory_at;
    bytes.extend(b"PK\x05\x06");
    bytes.extend([0; 4]);
    bytes.extend([1, 0, 1, 0]);
    for whole in [directory_size, directory_at] {
        let whole = u32::try_from(whole).map_err(|_| "the functions' package is too large".to_owned())?;
        bytes.extend(whole.to_le_bytes());
    }
    bytes.extend([0; 2]);
    Ok(bytes)
}
