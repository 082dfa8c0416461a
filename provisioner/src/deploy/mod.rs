//! Deploying.
