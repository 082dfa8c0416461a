//! The functions' package. The same bytes, and so the same digest, for both regions.
//!
//! The programs come later. Until then every function is a few lines that say so: those that carry something out refuse, so that
//! nothing is taken for done; the others answer that they are not there yet.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// A package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: &'static str,
    /// Its SHA-256 digest, in hexadecimal digits.
    pub digest: String,
    /// The archive.
    pub bytes: Vec<u8>,
}

impl Package {
    /// A package of one program, which Lambda starts as `bootstrap`.
    #[must_use]
    pub fn of(name: &'static str, program: &[u8]) -> Self {
        let bytes = archive(program);
        let mut digest = String::new();
        for byte in Sha256::digest(&bytes) {
            // Writing into a text cannot fail.
            let _ = write!(digest, "{byte:02x}");
        }
        Self { name, digest, bytes }
    }

    /// Where it is in each region's bucket of packages. Its digest is its name, so that another package is another object.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}/{}.zip", self.name, self.digest)
    }
}

const PLACEHOLDER: &str = r#"#!/bin/sh
# Stands in for the functions until their programs are there. $_HANDLER says which one this is.
set -u
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
while :; do
    head="$(mktemp)"
    curl -sS -o /dev/null -D "$head" "$api/invocation/next" || exit 1
    id="$(sed -n 's/^[Ll]ambda-[Rr]untime-[Aa]ws-[Rr]equest-[Ii]d: *//p' "$head" | tr -d '\r')"
    rm -f "$head"
    status=
    case "$_HANDLER" in
    order-processor | starter | steps)
        # An error: the order stays in its queue, and nobody takes for done what was not.
        curl -sS -o /dev/null -X POST -d '{"errorType":"NotThereYet","errorMessage":"the program is not there yet"}' \
            "$api/invocation/$id/error"
        ;;
    order-intake) status=503 ;;
    *) status=200 ;;
    esac
    [ -z "$status" ] || curl -sS -o /dev/null -X POST \
        -d "{\"statusCode\":$status,\"headers\":{\"content-type\":\"application/json\"},\"body\":\"{\\\"status\\\":\\\"placeholder\\\"}\"}" \
        "$api/invocation/$id/response"
done
"#;

/// The package that stands in for the functions.
#[must_use]
pub fn placeholder() -> Package {
    Package::of("functions", PLACEHOLDER.as_bytes())
}

const NAME: &[u8] = b"bootstrap";
/// 1980-01-01: archives know no earlier day, and the real one would change the digest.
const DATE: u16 = 0x21;
/// A file that everybody may read and start.
const MODE: u32 = 0o100_755 << 16;

/// A ZIP archive of one file that is not compressed: the same bytes whenever and wherever it is made.
fn archive(program: &[u8]) -> Vec<u8> {
    let size = u32::try_from(program.len()).unwrap_or(u32::MAX);
    let name_length = NAME.len() as u16;
    let mut common = Vec::new();
    // Version 2.0, no flags, stored, midnight.
    for half in [20, 0, 0, 0, DATE] {
        common.extend(u16::to_le_bytes(half));
    }
    for whole in [checksum(program), size, size] {
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
        bytes.extend(u32::try_from(whole).unwrap_or(u32::MAX).to_le_bytes());
    }
    bytes.extend([0; 2]);
    bytes
}

/// CRC-32, as ZIP has it.
fn checksum(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = (sum >> 1) ^ (0xEDB8_8320 * (sum & 1));
        }
    }
    !sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_known_one() {
        assert_eq!(checksum(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn the_same_program_gives_the_same_digest() {
        assert_eq!(placeholder(), placeholder());
        assert_ne!(placeholder().digest, Package::of("functions", b"#!/bin/sh\n").digest);
        assert_eq!(placeholder().digest.len(), 64);
    }
}
