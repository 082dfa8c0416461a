//! Runs one core: feeds it from an inbox, writes its journal, carries its effects out.
//!
//! ```text
//!  signals, notices, peers, commands, outcomes
//!                   |
//!                   v                 routine effects (renewals, reads)
//!   Inbox --> core thread ---------------------------------------------> dispatcher --> Executor
//!                   |                                                        ^              |
//!                   | entries, memory, other effects, receipts               |              |
//!                   v                                                        |              |
//!             journal thread: one durable commit, then the effects and the receipts         |
//!                                                                                           |
//!   Inbox <------------------------------- outcomes <---------------------------------------+
//! ```
//!
//! The core has a thread of its own, so that neither a slow disk nor a busy runtime delays a renewal. What is no routine
//! is written down durably before it begins. If the journal cannot be written, the service ends: another sidecar takes
//! over, and this one starts again.

mod awake;
mod core_thread;
mod dispatch;
mod inbox;
mod journal_thread;
mod stall;
#[cfg(test)]
mod tests;

pub use core_thread::{Left, Shell, ShellEnd, Views, rests};
pub use inbox::{Inbox, Input, Pressure, Receipt};
