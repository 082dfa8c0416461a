//! Properties of generated outages, run by the simulator with the engine's own core under the default policy.

mod budget;
mod outage;
mod safety;
mod timelines;
