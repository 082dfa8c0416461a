//! The program of the Lambda functions: the `bootstrap` of their package, started by the runtime `provided.al2023`.
//!
//! ```text
//!   Runtime API --> next invocation --> placeholder: what to answer --> Runtime API
//! ```
//!
//! The functions' own programs come later. Until then this one says so in their stead: [`placeholder`] has what each of them
//! answers. It runs until Lambda ends it; it ends by itself, with code 1 and a line that says why, when it cannot go on.
//!
//! The standard library is all that it is made of, because the provisioner's build script hands it to the compiler as it is.

mod http;
mod placeholder;
mod runtime;

use std::convert::Infallible;
use std::env;
use std::process::ExitCode;

use placeholder::Placeholder;
use runtime::{Runtime, Trouble};

fn main() -> ExitCode {
    match run() {
        Ok(never) => match never {},
        Err(trouble) => {
            eprintln!("understudy-functions: {trouble}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<Infallible, Trouble> {
    let api = variable("AWS_LAMBDA_RUNTIME_API")?;
    let runtime = Runtime::at(&api);
    let handler = variable("_HANDLER")?;
    let Some(placeholder) = Placeholder::of(&handler) else {
        let trouble = Trouble::UnknownHandler(handler);
        runtime.cannot_start(&trouble)?;
        return Err(trouble);
    };
    loop {
        let id = runtime.next()?;
        runtime.answer(&id, &placeholder.answer())?;
    }
}

fn variable(name: &'static str) -> Result<String, Trouble> {
    env::var(name).map_err(|_| Trouble::NoVariable(name))
}
