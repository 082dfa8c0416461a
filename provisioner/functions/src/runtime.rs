//! Lambda's Runtime API, version 2018-06-01: where invocations come from, and where their answers go.
//!
//! One connection per request. No request has a time-out: asking for the next invocation takes until there is one, and
//! the environment may be frozen in the middle of any request, for hours.

use std::fmt;
use std::io::{self, BufReader, Write as _};
use std::net::TcpStream;

use crate::http::{self, Response};
use crate::placeholder::{Answer, Failure};

const VERSION: &str = "2018-06-01";
/// What an invocation is called by.
const ID: &str = "Lambda-Runtime-Aws-Request-Id";
/// Why an invocation, or the start, failed: for Lambda's own records.
const ERROR_TYPE: &str = "Lambda-Runtime-Function-Error-Type";

/// The Runtime API of this environment.
#[derive(Debug)]
pub(crate) struct Runtime<'a> {
    /// Host and port.
    address: &'a str,
}

/// An invocation's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Id(String);

/// Why the program cannot go on.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// Lambda sets it; somebody else has started this.
    NoVariable(&'static str),
    /// The template names a function that this program does not know.
    UnknownHandler(String),
    /// The Runtime API is away, or speaks no HTTP.
    Away {
        /// What was asked.
        request: String,
        /// What came of it.
        why: io::Error,
    },
    /// The Runtime API says that nothing will come of it.
    Refused {
        /// What was asked.
        request: String,
        /// The status.
        status: u16,
        /// What it says.
        says: String,
    },
    /// An invocation without a name cannot be answered.
    NoId,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoVariable(name) => write!(f, "{name} is not set: this program is started by AWS Lambda"),
            Self::UnknownHandler(handler) => write!(f, "the handler `{handler}` is none of this program's functions"),
            Self::Away { request, why } => write!(f, "{request}: the Runtime API does not answer: {why}"),
            Self::Refused { request, status, says } => write!(f, "{request}: the Runtime API answers {status}: {says}"),
            Self::NoId => write!(f, "the Runtime API gave an invocation without {ID}"),
        }
    }
}

impl<'a> Runtime<'a> {
    /// The one at an address, as `host:port`.
    pub(crate) const fn at(address: &'a str) -> Self {
        Self { address }
    }

    /// Waits for the next invocation. What it is about, no placeholder asks.
    pub(crate) fn next(&self) -> Result<Id, Trouble> {
        let (request, response) = self.ask("GET", "invocation/next", &[], "")?;
        if response.status != 200 {
            return Err(refused(request, &response));
        }
        let id = response.header(ID).filter(|id| is_id(id)).ok_or(Trouble::NoId)?;
        Ok(Id(id.to_owned()))
    }

    /// Answers an invocation.
    pub(crate) fn answer(&self, id: &Id, answer: &Answer) -> Result<(), Trouble> {
        let Id(id) = id;
        match answer {
            Answer::Response(json) => self.post(&format!("invocation/{id}/response"), &[], json),
            Answer::Error(Failure { kind, message }) => self.post(
                &format!("invocation/{id}/error"),
                &[(ERROR_TYPE, kind)],
                &error(kind, message),
            ),
        }
    }

    /// Says that no invocation will ever be answered.
    pub(crate) fn cannot_start(&self, trouble: &Trouble) -> Result<(), Trouble> {
        let kind = "Runtime.UnknownHandler";
        // A handler's name comes from outside.
        let message: String = trouble
            .to_string()
            .chars()
            .map(|c| {
                if matches!(c, '"' | '\\') || c.is_control() {
                    '?'
                } else {
                    c
                }
            })
            .collect();
        self.post("init/error", &[(ERROR_TYPE, kind)], &error(kind, &message))
    }

    fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Result<(), Trouble> {
        let (request, response) = self.ask("POST", path, headers, body)?;
        match response.status {
            200..300 => Ok(()),
            // This one is lost, its time over perhaps; the next one need not be.
            400..500 => {
                eprintln!("understudy-functions: {}", refused(request, &response));
                Ok(())
            }
            // "Non-recoverable state. Runtime should exit promptly."
            _ => Err(refused(request, &response)),
        }
    }

    /// Sends a request, and reads what comes back. The first of the two names it in a message.
    fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<(String, Response), Trouble> {
        let request = format!("{method} http://{}/{VERSION}/runtime/{path}", self.address);
        let ask = || {
            let mut stream = TcpStream::connect(self.address)?;
            let path = format!("/{VERSION}/runtime/{path}");
            stream.write_all(http::request(method, &path, self.address, headers, body).as_bytes())?;
            http::read(&mut BufReader::new(stream))
        };
        match ask() {
            Ok(response) => Ok((request, response)),
            Err(why) => Err(Trouble::Away { request, why }),
        }
    }
}

fn refused(request: String, response: &Response) -> Trouble {
    Trouble::Refused {
        request,
        status: response.status,
        says: response.text(),
    }
}

/// Whether it can stand in a path as it is.
fn is_id(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

fn error(kind: &str, message: &str) -> String {
    format!(r#"{{"errorType":"{kind}","errorMessage":"{message}"}}"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_nothing_that_would_lead_elsewhere() {
        assert!(is_id("8476a536-e9f4-11e8-9739-2dfe598c3fcd"));
        for other in ["", "a/b", "a b", "a?b", "..", "ä"] {
            assert!(!is_id(other), "{other}");
        }
    }

    #[test]
    fn errors_are_what_lambda_reads() {
        assert_eq!(
            error("NotThereYet", "not yet"),
            r#"{"errorType":"NotThereYet","errorMessage":"not yet"}"#
        );
    }
}
