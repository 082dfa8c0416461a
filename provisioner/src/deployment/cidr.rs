//! Ranges of IPv4 addresses.

use std::fmt;
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

/// A range, such as `10.20.0.0/16`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr {
    base: u32,
    prefix: u32,
}

impl Cidr {
    /// Reads a private range, whose base has no bits beyond its prefix. AWS takes /16 to /28.
    ///
    /// # Errors
    /// When the text is none, with a sentence that says how to write it.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::read(text, 16..=28, "a prefix that a VPC does not take")
    }

    /// Reads a private range of those who call: everything from one address to 10.0.0.0/8.
    ///
    /// # Errors
    /// When the text is none, with a sentence that says how to write it.
    pub fn of_callers(text: &str) -> Result<Self, String> {
        Self::read(text, 8..=32, "a prefix that no private range has")
    }

    fn read(text: &str, prefixes: RangeInclusive<u32>, not: &str) -> Result<Self, String> {
        let form = || format!("`{text}` is not a range of addresses; write it like `10.20.0.0/16`");
        let (base, prefix) = text.split_once('/').ok_or_else(form)?;
        let base: u32 = base.parse::<Ipv4Addr>().map_err(|_| form())?.into();
        let prefix: u32 = prefix.parse().map_err(|_| form())?;
        if !prefixes.contains(&prefix) {
            let (least, most) = (prefixes.start(), prefixes.end());
            return Err(format!("`{text}` has {not}; write /{least} to /{most}"));
        }
        let cidr = Self { base, prefix };
        if base & !cidr.mask() != 0 {
            let begins = Ipv4Addr::from(base & cidr.mask());
            return Err(format!("`{text}` begins inside its range; write `{begins}/{prefix}`"));
        }
        if ![base, base | !cidr.mask()]
            .into_iter()
            .all(|end| Ipv4Addr::from(end).is_private())
        {
            return Err(format!(
                "`{text}` is not private: what has these addresses in the internet could not be reached; take one from \
                 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16"
            ));
        }
        Ok(cidr)
    }

    /// Whether both have an address in common.
    #[must_use]
    pub const fn overlaps(self, other: Self) -> bool {
        let mask = self.mask() & other.mask();
        self.base & mask == other.base & mask
    }

    /// Whether the other one is inside.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.prefix <= other.prefix && self.overlaps(other)
    }

    const fn mask(self) -> u32 {
        u32::MAX << (32 - self.prefix)
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", Ipv4Addr::from(self.base), self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cidr(text: &str) -> Cidr {
        Cidr::parse(text).unwrap()
    }

    #[test]
    fn only_ranges_that_a_vpc_takes_are_read() {
        assert_eq!(cidr("10.20.0.0/16").to_string(), "10.20.0.0/16");
        for bad in [
            "10.20.0.0",
            "10.20.0/16",
            "10.20.0.0/8",
            "10.20.0.0/29",
            "10.20.1.0/16",
            "8.8.0.0/16",
            "",
        ] {
            assert!(Cidr::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn callers_may_be_one_or_many_and_never_everybody() {
        for good in ["10.0.0.0/8", "192.168.7.9/32"] {
            assert_eq!(Cidr::of_callers(good).unwrap().to_string(), good);
        }
        for bad in ["0.0.0.0/0", "10.0.0.0/7", "8.8.8.8/32", "192.168.0.0/15"] {
            assert!(Cidr::of_callers(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn ranges_that_share_an_address_overlap() {
        assert!(cidr("10.20.0.0/16").overlaps(cidr("10.20.240.0/20")));
        assert!(cidr("10.20.240.0/20").overlaps(cidr("10.20.0.0/16")));
        assert!(!cidr("10.20.0.0/16").overlaps(cidr("10.21.0.0/16")));
        assert!(cidr("10.20.0.0/16").contains(cidr("10.20.240.0/20")));
        assert!(!cidr("10.20.240.0/20").contains(cidr("10.20.0.0/16")));
    }
}
