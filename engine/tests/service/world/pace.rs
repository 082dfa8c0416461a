//! Time that waits for whoever does not keep up.
//!
//! A drill runs many times faster than life, on machines that are busy with other things. A process that is not given
//! the processor for 50 ms would miss two of the drill's seconds, and the test would find a fault of the machine. So
//! time is only ever let run a little ahead, and stands still while a process that should be heard is not.

use std::time::{Duration, Instant};

use super::Shared;

/// How far time runs ahead, in its own microseconds.
const AHEAD: u64 = 300_000;
/// A process that has not been heard for so long, in the drill's microseconds, is waited for: each beats every second.
const SILENT: u64 = 1_300_000;
/// And for so long, in real time, at most: then it is gone, or stuck, and that is for the test to find.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often it is looked at, in real time.
const LOOK_EVERY: Duration = Duration::from_millis(2);

const OVER: &str = "over";

pub(super) fn keep(shared: Shared, full: f64) {
    std::thread::spawn(move || {
        let mut waiting: Option<Instant> = None;
        // How late this thread itself is given the processor, in milliseconds: as late as everybody else.
        let mut late_ms = 0.0;
        let mut looked = Instant::now();
        loop {
            std::thread::sleep(LOOK_EVERY);
            let lateness = looked.elapsed().saturating_sub(LOOK_EVERY);
            looked = Instant::now();
            late_ms = late_ms * 0.9 + lateness.as_secs_f64() * 1_000.0 * 0.1;
            let now = shared.micros();
            let late = {
                let state = shared.lock();
                if state.heard.contains_key(OVER) {
                    return;
                }
                state.heard.values().any(|heard| heard + SILENT < now)
            };
            let since = *waiting.get_or_insert_with(Instant::now);
            if late && since.elapsed() < PATIENCE {
                continue;
            }
            waiting = if late { waiting } else { None };
            let pace = shared.time.pace();
            let speed = (full / (1.0 + late_ms / 2.0)).max(full.min(2.0));
            let pace = if (speed / pace.speed - 1.0).abs() > 0.2 {
                pace.at_speed(speed)
            } else {
                pace
            };
            shared
                .time
                .set(&pace.held_at(now + AHEAD))
                .expect("the drill's time can be written");
        }
    });
}

pub(super) fn stop(shared: &Shared) {
    shared.lock().heard.insert(OVER.to_owned(), 0);
}
