//! What the engine acts on in AWS, and what it hears from there.
//!
//! ```text
//!   platform file [aws], policy --> Names        what everything is called
//!                                   Connections  one configuration per region; every call goes through `calls`
//!                                      |
//!        lease        database         |   switches       name      order_path       humans
//!        DynamoDB     Aurora, RDS      |   DynamoDB, S3   Route 53  DynamoDB         SNS, EventBridge
//!                                      |   or ARC
//!        sources: SQS queue, CloudWatch alarms, Step Functions executions, heartbeats to the other region
//! ```
//!
//! Nothing is tried twice: the core decides about another attempt, and [`verdict`] tells it whether a call that failed
//! certainly did not happen. [`calls`] lists every call that is made, with the permission that it needs; one that is not
//! on the list is refused before it is sent.

pub mod bus;
pub mod calls;
pub mod connect;
pub mod database;
mod expression;
pub mod humans;
pub mod lease;
pub mod name;
pub mod names;
pub mod order_path;
pub mod permissions;
mod side;
mod sources;
pub mod switches;
pub mod verdict;

pub use side::Side;
