//! The functions' package. The same bytes, and so the same digest, for both regions.
//!
//! It was made when the provisioner was compiled (`build/main.rs`), of the program in `functions`: for the processor that the
//! provisioner itself runs on.

use std::fmt;

/// A package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: &'static str,
    /// Its SHA-256 digest, in hexadecimal digits.
    pub digest: &'static str,
    /// What runs it.
    pub architecture: Architecture,
    /// The archive. Lambda starts its file `bootstrap`.
    pub bytes: &'static [u8],
}

/// A processor's kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// 64-bit Arm: AWS's Graviton.
    Arm64,
    /// 64-bit Intel and AMD.
    X86_64,
}

impl Architecture {
    /// What Lambda calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Arm64 => "arm64",
            Self::X86_64 => "x86_64",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Arm64, Self::X86_64]
            .into_iter()
            .find(|architecture| architecture.name() == name)
    }
}

/// This provisioner was compiled for a machine whose programs Lambda cannot run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoPackage {
    /// What it was compiled for.
    pub target: &'static str,
}

impl fmt::Display for NoPackage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "this provisioner was built for {}, and has no program for the functions: Lambda runs those of Linux on x86_64 and \
             arm64. Build and run it there, for instance in the container `rust`; `lint` and `explain` work here as well",
            self.target
        )
    }
}

impl std::error::Error for NoPackage {}

impl Package {
    /// Where it is in each region's bucket of packages. Its digest is its name, so that another package is another object.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}/{}.zip", self.name, self.digest)
    }
}

/// The package of the functions.
///
/// # Errors
/// If this provisioner has none.
pub fn functions() -> Result<Package, NoPackage> {
    let architecture = Architecture::named(env!("UNDERSTUDY_FUNCTIONS_ARCHITECTURE")).ok_or(NoPackage {
        target: env!("UNDERSTUDY_FUNCTIONS_TARGET"),
    })?;
    Ok(Package {
        name: "functions",
        digest: env!("UNDERSTUDY_FUNCTIONS_DIGEST"),
        architecture,
        bytes: include_bytes!(concat!(env!("OUT_DIR"), "/functions.zip")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_architecture_is_known_by_lambdas_name_for_it() {
        assert_eq!(Architecture::named("arm64"), Some(Architecture::Arm64));
        assert_eq!(Architecture::named("x86_64"), Some(Architecture::X86_64));
        assert_eq!(Architecture::named(""), None);
    }

    #[test]
    fn whoever_has_no_package_is_told_where_there_is_one() {
        let target = "aarch64-apple-darwin";
        let says = NoPackage { target }.to_string();
        for part in [
            target,
            "Linux on x86_64 and arm64",
            "Build and run it there",
            "`lint` and `explain` work",
        ] {
            assert!(says.contains(part), "{says}");
        }
    }
}
