//! How AWS is asked, and what its refusals mean.
//!
//! [`connect`] makes one client per service and region of the standard configuration. [`trouble`] turns every failed call
//! into a message that says what to do. [`ec2`] speaks the few calls of EC2 that are needed, because its SDK is larger
//! than everything else here together.

pub mod connect;
pub mod ec2;
mod emulator;
pub mod trouble;

pub use connect::Connections;
pub use trouble::Trouble;
