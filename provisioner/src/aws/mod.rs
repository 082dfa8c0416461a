//! How AWS is asked, and what its refusals mean.
//!
//! [`connect`] makes one client per service and region of the standard configuration. [`trouble`] turns every failed call
//! into a message that says what to do. [`ec2`], [`json`] and [`settings`] speak the few calls of services whose SDKs are larger
//! than everything that is asked of them.

pub mod connect;
pub mod ec2;
mod emulator;
pub mod json;
mod request;
pub mod settings;
pub mod trouble;

pub use connect::Connections;
pub use trouble::Trouble;
