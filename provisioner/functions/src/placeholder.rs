//! What each function answers while its program is not there.
//!
//! | Function | Answer |
//! |--|--|
//! | `order-processor`, `starter`, `steps` | an error: the order stays in its queue, and nobody takes for done what was not |
//! | `order-intake` | 503: it takes no order |
//! | `health`, `readiness` | 200, and that they are placeholders |

/// Which function this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placeholder {
    /// It carries something out, and so refuses.
    Refuses,
    /// It takes orders, and so is not available.
    Unavailable,
    /// It says how things are, and so says that it does not know yet.
    Tells,
}

/// What a function answers to an invocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// JSON, in the shape that API Gateway takes.
    Response(String),
    /// What the function failed with.
    Error(Failure),
}

/// What a function failed with. Neither text has anything in it that JSON would escape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failure {
    /// Its kind, as callers tell failures apart.
    pub(crate) kind: &'static str,
    /// What a person reads.
    pub(crate) message: &'static str,
}

impl Placeholder {
    /// The handlers, as the template names them.
    pub(crate) const HANDLERS: [(&'static str, Self); 6] = [
        ("health", Self::Tells),
        ("order-intake", Self::Unavailable),
        ("order-processor", Self::Refuses),
        ("readiness", Self::Tells),
        ("starter", Self::Refuses),
        ("steps", Self::Refuses),
    ];

    /// The one of a handler, if there is one.
    pub(crate) fn of(handler: &str) -> Option<Self> {
        let found = Self::HANDLERS.iter().find(|(name, _)| *name == handler);
        found.map(|(_, placeholder)| *placeholder)
    }

    /// What it answers, whatever it is asked.
    pub(crate) fn answer(self) -> Answer {
        match self {
            Self::Refuses => Answer::Error(Failure {
                kind: "NotThereYet",
                message: "the program is not there yet",
            }),
            Self::Unavailable => response(503),
            Self::Tells => response(200),
        }
    }
}

fn response(status: u16) -> Answer {
    Answer::Response(format!(
        r#"{{"statusCode":{status},"headers":{{"content-type":"application/json"}},"body":"{{\"status\":\"placeholder\"}}"}}"#
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_carries_something_out_never_says_that_it_did() {
        for handler in ["order-processor", "starter", "steps"] {
            let answer = Placeholder::of(handler).unwrap().answer();
            assert!(
                matches!(answer, Answer::Error(failure) if failure.kind == "NotThereYet"),
                "{handler}"
            );
        }
    }

    #[test]
    fn answers_have_the_shape_that_api_gateway_takes() {
        let Answer::Response(intake) = Placeholder::of("order-intake").unwrap().answer() else {
            panic!("intake fails");
        };
        assert_eq!(
            intake,
            r#"{"statusCode":503,"headers":{"content-type":"application/json"},"body":"{\"status\":\"placeholder\"}"}"#
        );
        let health = Placeholder::of("health").unwrap().answer();
        assert_eq!(health, Answer::Response(intake.replace("503", "200")));
        assert_eq!(health, Placeholder::of("readiness").unwrap().answer());
    }

    #[test]
    fn a_handler_is_one_of_six_to_the_letter() {
        for unknown in ["", "Health", "health ", "bootstrap", "order-intake.handler"] {
            assert_eq!(Placeholder::of(unknown), None, "{unknown}");
        }
    }
}
