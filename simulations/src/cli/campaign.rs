//! `campaign`: many timelines and what they add up to.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};
use understudy_simulations::campaign::{self, Campaign, CampaignReport};
use understudy_simulations::render;

use super::input::Refusal;
use super::source::Drawn;
use super::{Answer, CampaignArguments, output};

pub(super) fn campaign(arguments: &CampaignArguments) -> Result<Answer, Refusal> {
    let drawn = Drawn::new(&arguments.drawn)?;
    if arguments.seed.checked_add(arguments.timelines - 1).is_none() {
        return Err(Refusal::SeedsRunOut {
            seed: arguments.seed,
            timelines: arguments.timelines,
        });
    }
    let campaign = Campaign {
        source: &drawn.source,
        policy: &drawn.policy,
        seed: arguments.seed,
        timelines: arguments.timelines,
        cores: arguments.cores.map_or_else(cores, usize::from),
        replay_options: &drawn.options,
    };
    let stop = stop_on_interrupt()?;
    let bar = progress(arguments.timelines);
    let (tally, wall) = measured(|| campaign::run(&campaign, &stop, &|| bar.inc(1)));
    bar.finish_and_clear();
    let report = CampaignReport::new(&campaign, &tally, Some(wall));
    if arguments.json {
        output::print_json(&report)?;
    } else {
        output::print(&render::campaign(&report, output::look()))?;
    }
    Ok(if report.interrupted {
        Answer::Interrupted
    } else if report.right {
        Answer::Fine
    } else {
        Answer::No
    })
}

/// As many as there are.
fn cores() -> usize {
    thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// The first Ctrl-C stops handing out seeds, and what was run is told. The second one ends everything at once.
fn stop_on_interrupt() -> Result<Arc<AtomicBool>, Refusal> {
    let stop = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stop);
    let handler = move || {
        if asked.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(super::INTERRUPTED));
        }
        output::tell("\nstopping after the timelines under way; Ctrl-C again ends at once\n");
    };
    ctrlc::set_handler(handler).map_err(|error| Refusal::Signals(error.to_string()))?;
    Ok(stop)
}

/// Only people want to see it.
fn progress(timelines: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(timelines);
    let style = ProgressStyle::with_template("{bar:30} {human_pos} of {human_len} timelines, {eta} to go");
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar
}

#[expect(
    clippy::disallowed_methods,
    reason = "a campaign says how long it took; no timeline depends on it"
)]
fn measured<T>(work: impl FnOnce() -> T) -> (T, std::time::Duration) {
    let begun = Instant::now();
    let result = work();
    (result, begun.elapsed())
}
