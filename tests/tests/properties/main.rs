//! Properties of generated outages, run by the simulator with the engine's own core under the default policy.

mod budget;
mod debug;
mod outage;
mod safety;
