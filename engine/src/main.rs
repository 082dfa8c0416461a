//! `understudy-engine`: the sidecar, and the commands of its operators.

use std::process::ExitCode;

fn main() -> ExitCode {
    understudy_engine::service::cli::main(std::env::args_os())
}
