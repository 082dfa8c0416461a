//! The functions' program, out of the package that `synth` writes: as a process of its own, against two Runtime APIs.
//!
//! ministack runs packages of `provided.al2023` as processes, and has a Runtime API for them: that is one. What it cannot be
//! brought to do (bodies in chunks or without a length, refusals, being away) a stand-in does, on loopback: that is the other.
//! Neither is Lambda's own machine, where the program has not run yet.
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

mod bootstrap;
mod emulated;
#[path = "../../../engine/tests/aws/emulator.rs"]
#[expect(dead_code, reason = "only the engine needs moto")]
mod emulator;
mod package;
#[path = "../../../engine/tests/service/ports.rs"]
mod ports;
mod stand_in;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use bootstrap::Bootstrap;
use stand_in::{Answers, Request, StandIn};

const HANDLERS: [&str; 6] = [
    "health",
    "order-intake",
    "order-processor",
    "readiness",
    "starter",
    "steps",
];

/// What a function says: whether it failed, and with what or how not.
fn expected(handler: &str) -> (bool, Value) {
    let says = |status: u16| {
        json!({
            "statusCode": status, "headers": {"content-type": "application/json"}, "body": "{\"status\":\"placeholder\"}",
        })
    };
    match handler {
        "health" | "readiness" => (false, says(200)),
        "order-intake" => (false, says(503)),
        _ => (
            true,
            json!({"errorType": "NotThereYet", "errorMessage": "the program is not there yet"}),
        ),
    }
}

/// An invocation, as the API says it: its head's names in one of three spellings, its body ended in one of three ways.
fn invocation(number: usize, id: &str) -> String {
    let event = "{\"Records\":[{\"body\":\"an order\"}]}";
    match number % 3 {
        0 => format!(
            "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: {id}\r\nContent-Length: {}\r\n\r\n{event}",
            event.len()
        ),
        1 => format!(
            "HTTP/1.1 200 OK\r\nlambda-runtime-aws-request-id:{id}\r\ntransfer-encoding: chunked\r\n\r\n\
             5\r\n{}\r\n{:x}\r\n{}\r\n0\r\n\r\n",
            &event[..5],
            event.len() - 5,
            &event[5..]
        ),
        _ => format!("HTTP/1.0 200 OK\r\nLAMBDA-RUNTIME-AWS-REQUEST-ID:   {id}  \r\n\r\n{event}"),
    }
}

#[test]
fn every_function_answers_every_invocation_and_waits_for_the_next_one() {
    for handler in HANDLERS {
        let invocations = (0..7).map(|number| invocation(number, &format!("{handler}-{number}")));
        let api = StandIn::start(Answers::of(invocations));
        let mut bootstrap = Bootstrap::of(handler).start(&api.address());
        let (fails, body) = expected(handler);
        for number in 0..7 {
            let next = api.request();
            assert_eq!(
                (next.method.as_str(), next.path.as_str()),
                ("GET", "/2018-06-01/runtime/invocation/next")
            );
            let answer = api.request();
            let end = if fails { "error" } else { "response" };
            let path = format!("/2018-06-01/runtime/invocation/{handler}-{number}/{end}");
            assert_eq!((answer.method.as_str(), answer.path.as_str()), ("POST", path.as_str()));
            assert_eq!(answer.json(), body, "{handler}");
            let kind = answer.headers.get("lambda-runtime-function-error-type");
            assert_eq!(kind.map(String::as_str), fails.then_some("NotThereYet"), "{handler}");
        }
        // Nobody invokes it any more: the environment is kept for hours, and it waits.
        assert_eq!(api.request().method, "GET");
        assert!(bootstrap.is_running());
        assert_eq!(api.requests_left(), Vec::<Request>::new());
    }
}

#[test]
fn a_large_event_is_read_to_its_end() {
    let event = "x".repeat(6 * 1024 * 1024);
    let head = "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: large\r\n";
    let whole = format!("{head}Content-Length: {}\r\n\r\n{event}", event.len());
    let api = StandIn::start(Answers::of([whole, invocation(0, "next")]));
    let _bootstrap = Bootstrap::of("health").start(&api.address());
    for path in ["next", "large/response", "next", "next/response"] {
        assert!(api.request().path.ends_with(path), "{path}");
    }
    assert_eq!(
        api.broken_off(),
        0,
        "the program hung up while it was being told something"
    );
}

#[test]
fn an_answer_that_comes_too_late_ends_nothing() {
    let mut answers = Answers::of([invocation(0, "late"), invocation(0, "in-time")]);
    answers.to_answers = BTreeMap::from([(
        "late".to_owned(),
        "HTTP/1.1 400 Bad Request\r\nContent-Length: 17\r\n\r\nInvalidRequestID!".to_owned(),
    )]);
    let api = StandIn::start(answers);
    let mut bootstrap = Bootstrap::of("steps").start(&api.address());
    for path in ["next", "late/error", "next", "in-time/error", "next"] {
        assert!(api.request().path.ends_with(path), "{path}");
    }
    assert!(bootstrap.is_running());
    let says = bootstrap.stop();
    assert!(
        says.contains("/late/error: the Runtime API answers 400: InvalidRequestID!"),
        "{says}"
    );
}

#[test]
fn an_api_that_cannot_go_on_ends_the_program() {
    let refused = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\n\r\nover";
    // Asked for the next invocation.
    let api = StandIn::start(Answers::of([refused.to_owned()]));
    let (code, says) = Bootstrap::of("health").start(&api.address()).end();
    assert_eq!(code, Some(1), "{says}");
    assert!(
        says.contains("/invocation/next: the Runtime API answers 500: over"),
        "{says}"
    );
    // Told what came of one.
    let mut answers = Answers::of([invocation(0, "one")]);
    answers.to_answers = BTreeMap::from([("one".to_owned(), refused.to_owned())]);
    let api = StandIn::start(answers);
    let (code, says) = Bootstrap::of("health").start(&api.address()).end();
    assert_eq!(code, Some(1), "{says}");
    assert!(
        says.contains("/one/response: the Runtime API answers 500: over"),
        "{says}"
    );
}

#[test]
fn an_api_that_is_away_or_speaks_no_http_ends_the_program() {
    let nobody = format!("127.0.0.1:{}", ports::free_port());
    let (code, says) = Bootstrap::of("health").start(&nobody).end();
    assert_eq!(code, Some(1));
    assert_eq!(
        says,
        format!(
            "understudy-functions: GET http://{nobody}/2018-06-01/runtime/invocation/next: the Runtime API does not answer: \
             Connection refused (os error 111)\n"
        )
    );
    for (answer, why) in [
        ("", "the response breaks off"),
        ("HTTP/1.1 200 OK\r\nContent-Le", "the response breaks off"),
        (
            "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: a\r\nContent-Length: 9\r\n\r\nshort",
            "the response breaks off",
        ),
        ("220 mail.example.com ready\r\n", "the response has no status of HTTP/1"),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            "an invocation without Lambda-Runtime-Aws-Request-Id",
        ),
        (
            "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: ../a\r\nContent-Length: 0\r\n\r\n",
            "an invocation without Lambda-Runtime-Aws-Request-Id",
        ),
    ] {
        let api = StandIn::start(Answers::of([answer.to_owned()]));
        let (code, says) = Bootstrap::of("starter").start(&api.address()).end();
        assert_eq!(code, Some(1), "{answer}");
        assert!(says.contains(why), "{answer}: {says}");
        assert_eq!(api.request().method, "GET");
        assert_eq!(
            api.requests_left(),
            Vec::<Request>::new(),
            "{answer}: nothing is answered"
        );
    }
}

#[test]
fn a_handler_that_it_does_not_know_is_told_to_lambda() {
    let api = StandIn::start(Answers::of([invocation(0, "one")]));
    let (code, says) = Bootstrap::of("hea\"lth").start(&api.address()).end();
    assert_eq!(code, Some(1));
    assert_eq!(
        says,
        "understudy-functions: the handler `hea\"lth` is none of this program's functions\n"
    );
    let told = api.request();
    assert_eq!(
        (told.method.as_str(), told.path.as_str()),
        ("POST", "/2018-06-01/runtime/init/error")
    );
    assert_eq!(told.json()["errorType"], "Runtime.UnknownHandler");
    assert_eq!(
        told.json()["errorMessage"],
        "the handler `hea?lth` is none of this program's functions"
    );
    assert_eq!(api.requests_left(), Vec::<Request>::new(), "no invocation is asked for");
}

#[test]
fn whoever_starts_it_by_hand_is_told_who_starts_it() {
    let (code, says) = Bootstrap::of("health")
        .without("AWS_LAMBDA_RUNTIME_API")
        .start("")
        .end();
    assert_eq!(code, Some(1));
    assert_eq!(
        says,
        "understudy-functions: AWS_LAMBDA_RUNTIME_API is not set: this program is started by AWS Lambda\n"
    );
    let (code, says) = Bootstrap::of("health").without("_HANDLER").start("127.0.0.1:1").end();
    assert_eq!(code, Some(1));
    assert!(says.contains("_HANDLER is not set"), "{says}");
}
