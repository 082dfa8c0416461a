//! What a command answers, and where it goes: the answer on standard output, everything else on standard error.

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use serde_json::{Value, json};

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    /// For people, on standard output.
    pub(crate) text: String,
    /// For programs, on standard output.
    pub(crate) json: Value,
    /// Besides the answer, on standard error.
    pub(crate) aside: String,
    /// 0 fine, 1 the answer is no.
    pub(crate) code: u8,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Wrong usage, or input that cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// A file cannot be written.
    #[error("cannot write `{name}`: {source}")]
    Unwritable {
        /// The file's name.
        name: String,
        /// What the system said.
        source: io::Error,
    },
    /// Something outside of the files.
    #[error("{message}")]
    Outside {
        /// What, and what to do.
        message: String,
        /// The same, for programs.
        details: Value,
        /// The exit code.
        code: u8,
    },
}

impl Answer {
    pub(crate) fn print(&self, json: bool) -> ExitCode {
        eprint_quietly(&self.aside);
        let printed = if json {
            format!("{:#}\n", self.json)
        } else {
            self.text.clone()
        };
        print_quietly(&printed, self.code)
    }
}

impl Failure {
    pub(crate) fn print(&self, json: bool) -> ExitCode {
        eprint_quietly(&format!("error: {self}\n"));
        let mut object = json!({ "error": self.to_string() });
        let code = match self {
            Self::Unreadable(_) => 2,
            Self::Unwritable { .. } => 3,
            Self::Outside { details, code, .. } => {
                object["details"].clone_from(details);
                *code
            }
        };
        print_quietly(&if json { format!("{object:#}\n") } else { String::new() }, code)
    }
}

/// Wrong usage, or help. Nothing was parsed, so whether an object was asked for is looked up in the arguments.
pub(crate) fn wrong_usage(wrong: &clap::Error) -> ExitCode {
    // 2, or 0 for help.
    let code = u8::try_from(wrong.exit_code()).unwrap_or(2);
    // Nobody may be there to read it.
    drop(wrong.print());
    if !wrong.use_stderr() || !std::env::args_os().any(|argument| argument == "--json") {
        return ExitCode::from(code);
    }
    let said = wrong.render().to_string();
    let said = said.split("\n\n").next().unwrap_or_default();
    let words: Vec<&str> = said.trim_start_matches("error: ").split_whitespace().collect();
    print_quietly(&format!("{:#}\n", json!({ "error": words.join(" ") })), code)
}

/// Whoever closed the pipe has read enough; that is no failure. Any other trouble with standard output is one.
fn print_quietly(text: &str, code: u8) -> ExitCode {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            eprint_quietly(&format!("error: cannot write to standard output: {error}\n"));
            ExitCode::from(3)
        }
        _ => ExitCode::from(code),
    }
}

/// If standard error is gone there is nobody left to tell.
pub(crate) fn eprint_quietly(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}
