//! This program as the engine: a drill starts itself again, so that nothing else has to be built.

use std::ffi::OsString;
use std::process::ExitCode;

use rustix::process::{Signal, getppid, set_parent_process_death_signal};
use understudy_simulations::drill::ENGINE;

/// Runs the engine's command line if that is what this process was started for.
pub(super) fn main() -> Option<ExitCode> {
    let mut arguments = std::env::args_os();
    let program = arguments.next()?;
    arguments.next().filter(|first| first == ENGINE)?;
    if let Err(wrong) = end_with_drill() {
        eprintln!("error: {wrong}");
        return Some(ExitCode::from(3));
    }
    let arguments: Vec<OsString> = std::iter::once(program).chain(arguments).collect();
    Some(understudy_engine::service::cli::main(arguments))
}

/// However the drill ends, its processes end with it, suspended ones included.
fn end_with_drill() -> Result<(), String> {
    set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|error| format!("the engine's process cannot be tied to the drill's: {error}"))?;
    // A drill that has ended before this line is one that nobody is tied to any more.
    match getppid() {
        Some(parent) if parent.as_raw_nonzero().get() != 1 => Ok(()),
        _ => Err("the drill is over".to_owned()),
    }
}
