//! Reads a TOML file with the place of every value, and reports everything that is wrong with it at once.
//!
//! Not tied to policies: a reader brings its own codes for the [`Fault`]s that can occur.
//!
//! ```
//! use std::time::Duration;
//! use understudy_policies::{gather, source::{Fault, Reader, Source, Table}};
//!
//! struct Probe { interval: Duration, tries: u32 }
//!
//! fn probe(table: &Table<'_>) -> Option<Probe> {
//!     gather!(Probe {
//!         interval: table.duration("interval", Duration::from_millis(100)..=Duration::from_secs(60)),
//!         tries: table.integer("tries", 1..=20),
//!     })
//! }
//!
//! fn code(_: Fault) -> &'static str { "P001" }
//!
//! let source = Source::new("probe.toml", "interval = \"1s\"\ntries = 99\ntrys = 3\n");
//! let wrong = Reader::read(&source, code, probe).err().unwrap();
//! assert_eq!(wrong.findings().len(), 2);
//! ```

mod file;
mod finding;
mod reader;
mod render;
mod suggest;
mod syntax;
#[cfg(test)]
mod tests;
mod value;

pub use file::{SIZE_MAX, Source, Unreadable};
pub use finding::{Diagnostics, Finding, Label, Position, Severity};
pub(crate) use reader::Places;
pub use reader::{Codes, Fault, Reader, Table};
pub use render::Style;
pub use suggest::nearest;
pub use value::{Named, Value, name_of};
