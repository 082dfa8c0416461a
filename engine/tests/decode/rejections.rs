//! Each way of being wrong, and the sentence that the operator reads.

use understudy_engine::decode::{BODY_BYTES_MAX, DEPTH_MAX, LAYERS_MAX};

use crate::fixture::{changed, decode_text, event};

fn said(text: &str) -> String {
    match decode_text(text) {
        Ok(content) => panic!("decoded to {content:?}"),
        Err(rejection) => rejection.to_string(),
    }
}

#[test]
fn what_is_no_event_at_all_is_named() {
    for (text, expected) in [
        (
            "",
            "the JSON ends early, at line 1, column 0; look for what cut it off on its way",
        ),
        (
            " \n ",
            "the JSON ends early, at line 2, column 1; look for what cut it off on its way",
        ),
        ("[]", "expected a JSON object, found an array; send the event itself"),
        ("null", "expected a JSON object, found null; send the event itself"),
        (
            "\"{}\"",
            "expected a JSON object, found a string; send the event itself",
        ),
        ("7", "expected a JSON object, found a number; send the event itself"),
        ("hello", "not JSON at line 1, column 1; send the event as AWS wrote it"),
        ("{} {}", "not JSON at line 1, column 4; send the event as AWS wrote it"),
        (
            "{\"a\":1,}",
            "not JSON at line 1, column 8; send the event as AWS wrote it",
        ),
        (
            "\u{feff}{}",
            "not JSON at line 1, column 1; send the event as AWS wrote it",
        ),
        (
            "{}",
            "no known envelope: neither an EventBridge event (`detail-type`), an SNS notification (`Type`), a \
             CloudEvent (`specversion`) nor an alarm message (`AlarmName`); check what is subscribed to this queue",
        ),
    ] {
        assert_eq!(said(text), expected, "{text:?}");
    }
}

#[test]
fn an_array_of_the_right_values_is_no_event() {
    let values = r#"["CloudWatch Alarm State Change", "aws.cloudwatch", "111122223333", "2026-11-23T14:31:07Z"]"#;
    assert_eq!(
        said(values),
        "expected a JSON object, found an array; send the event itself"
    );
}

#[test]
fn bytes_that_are_no_text_are_refused_with_their_place() {
    let mut body = event("heartbeat").into_bytes();
    body[10] = 0xff;
    let rejection = understudy_engine::decode::decode(&crate::fixture::directory(), &body, crate::fixture::RECEIVED);
    assert_eq!(
        rejection.map_err(|rejection| rejection.to_string()),
        Err("the body is not UTF-8 from byte 10 on; send JSON text".to_owned())
    );
}

#[test]
fn a_body_is_read_up_to_the_limit_and_not_beyond() {
    let mut text = event("heartbeat");
    text.push_str(&" ".repeat(BODY_BYTES_MAX - text.len()));
    assert!(decode_text(&text).is_ok());
    text.push(' ');
    assert_eq!(
        said(&text),
        "the body has 262145 bytes, more than 262144; send one event per message"
    );
}

#[test]
fn nesting_is_read_up_to_the_limit_and_not_beyond() {
    let nested = |depth: usize| {
        let extra = format!("{{\"extra\": {}{},", "[".repeat(depth), "]".repeat(depth));
        event("heartbeat").replacen('{', &extra, 1)
    };
    assert!(decode_text(&nested(DEPTH_MAX - 1)).is_ok());
    let expected = "objects and arrays nest deeper than 32; no event of AWS does, so look at what sent it";
    assert_eq!(said(&nested(DEPTH_MAX)), expected);
    assert_eq!(said(&nested(100_000)), expected);
    assert_eq!(said(&"[".repeat(200_000)), expected);
}

#[test]
fn nesting_inside_a_wrapped_event_counts_too() {
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(40), "]".repeat(40));
    let wrapped = serde_json::json!({"Type": "Notification", "Message": deep}).to_string();
    assert_eq!(
        said(&wrapped),
        "in the SNS `Message`: objects and arrays nest deeper than 32; no event of AWS does, so look at what sent it"
    );
}

#[test]
fn envelopes_are_unwrapped_up_to_the_limit_and_not_beyond() {
    let wrap = |inner: String| serde_json::json!({"Type": "Notification", "Message": inner}).to_string();
    let mut text = event("heartbeat");
    for _ in 1..LAYERS_MAX {
        text = wrap(text);
        assert!(decode_text(&text).is_ok());
    }
    assert_eq!(
        said(&wrap(text)),
        "in the SNS `Message`: more than 3 envelopes around each other; subscribe the queue closer to the source"
    );
}

#[test]
fn a_field_that_stands_twice_is_refused() {
    let text = changed(
        "heartbeat",
        r#""region": "us-east-1","#,
        r#""region": "us-east-1", "region": "us-east-2","#,
    );
    assert_eq!(
        said(&text),
        "a field stands twice, the second time at line 11, column 35; send it once"
    );
    let text = changed(
        "heartbeat",
        r#""version": "0","#,
        r#""source": "understudy", "source": "understudy","#,
    );
    assert!(said(&text).starts_with("a field stands twice, the second time at line"));
    let text = changed("alarm-metric", r#""value":"ALARM""#, r#""value":"ALARM","value":"OK""#);
    assert!(said(&text).starts_with("a field stands twice"));
}

#[test]
fn who_may_send_what_is_checked() {
    assert_eq!(
        said(&changed(
            "alarm-metric",
            "CloudWatch Alarm State Change",
            "CloudWatch Alarm Configuration Change"
        )),
        "events of type `CloudWatch Alarm Configuration Change` are not decoded; narrow the rule that forwards them"
    );
    assert_eq!(
        said(&changed("alarm-metric", "aws.cloudwatch", "my.own")),
        "events of type `CloudWatch Alarm State Change` come from `aws.cloudwatch`, this one from `my.own`; find out \
         who sends it"
    );
    for name in ["alarm-metric", "sns-alarm", "heartbeat"] {
        assert!(
            said(&changed(name, "111122223333", "444455556666")).ends_with(
                "account `444455556666` is not one of the platform's; name it in the configuration or narrow the rule"
            ),
            "{name}"
        );
    }
}

#[test]
fn regions_in_which_the_platform_does_not_serve_are_foreign() {
    assert_eq!(
        said(&changed("heartbeat", "us-east-1", "us-west-2")),
        "`detail.region` is `us-west-2`, which is neither the primary nor the standby; narrow the rule that forwards it"
    );
    for name in ["rds-cluster-failover-started", "execution-timed-out"] {
        assert_eq!(
            said(&changed(name, "us-east-1", "eu-west-1")),
            "`region` is `eu-west-1`, which is neither the primary nor the standby; narrow the rule that forwards it"
        );
    }
}

#[test]
fn an_alarm_that_is_no_witness_says_which_part_of_its_name_is_wrong() {
    const NAME: &str = "understudy-prod-us-east-1-alarm-lambda-errors";
    for (name, because) in [
        (
            "understudy-test-us-east-1-alarm-lambda-errors",
            "its name does not begin with that of this environment; narrow the rule that forwards it",
        ),
        (
            "understudy-prod-us-west-2-alarm-lambda-errors",
            "its name names neither the primary nor the standby region; narrow the rule that forwards it",
        ),
        (
            "understudy-prod-us-east-1-alarm-nothing",
            "the policy has no such witness; remove the alarm, or add the witness",
        ),
        (
            "understudy-prod-us-east-1-peer-application",
            "the witness of this name does not observe by an alarm; rename one of the two",
        ),
    ] {
        assert_eq!(
            said(&changed("alarm-metric", NAME, name)),
            format!("the alarm `{name}` is no witness of this policy: {because}")
        );
    }
}

#[test]
fn an_alarm_outside_its_failure_domain_is_not_believed() {
    assert_eq!(
        said(&changed(
            "alarm-in-peer-region",
            r#""region": "us-east-2""#,
            r#""region": "us-east-1""#
        )),
        "the alarm `understudy-prod-us-east-1-heartbeat-alarm` must be in `us-east-2` to stand in its failure domain, \
         and is in `us-east-1`; move the alarm, or change the witness's failure-domain"
    );
}

#[test]
fn a_missing_field_is_named_with_its_path() {
    for (name, field, path) in [
        ("alarm-metric", "alarmName", "detail.alarmName"),
        ("alarm-metric", "state", "detail.state"),
        ("alarm-metric", "detail", "detail"),
        ("alarm-metric", "source", "source"),
        ("alarm-metric", "account", "account"),
        ("alarm-metric", "region", "region"),
        ("alarm-metric", "time", "time"),
        ("alarm-message-raw", "AlarmArn", "AlarmArn"),
        ("alarm-message-raw", "NewStateValue", "NewStateValue"),
        ("alarm-message-raw", "StateChangeTime", "StateChangeTime"),
        ("sns-alarm", "Message", "Message"),
        ("rds-instance-restarted", "SourceArn", "detail.SourceArn"),
        ("rds-instance-restarted", "EventID", "detail.EventID"),
        ("rds-instance-restarted", "Date", "detail.Date"),
        ("health-open", "eventArn", "detail.eventArn"),
        ("health-open", "eventTypeCategory", "detail.eventTypeCategory"),
        ("health-open", "statusCode", "detail.statusCode"),
        ("execution-running", "stateMachineArn", "detail.stateMachineArn"),
        ("execution-running", "status", "detail.status"),
        ("heartbeat", "sent", "detail.sent"),
        ("switch-changed", "switch", "detail.switch"),
        ("switch-changed", "engaged", "detail.engaged"),
        ("switch-changed", "epoch", "detail.epoch"),
        ("switch-changed", "changed", "detail.changed"),
        ("parameter-changed", "name", "detail.name"),
        ("cloudevent-alarm", "data", "data"),
    ] {
        let key = format!("\"{field}\":");
        let text = event(name).replacen(&key, "\"elsewhere\":", 1);
        assert_eq!(
            said(&text),
            format!("`{path}` is missing; send the event complete"),
            "{name} without {field}"
        );
    }
}

#[test]
fn a_wrong_type_is_named_with_its_path() {
    for (name, old, new, expected) in [
        (
            "alarm-metric",
            r#""value":"ALARM""#,
            r#""value":["ALARM"]"#,
            "`detail.state.value` must be a string, and is an array",
        ),
        (
            "alarm-metric",
            r#""timestamp":"2026-11-23T14:31:07.418+0000""#,
            r#""timestamp":1e300"#,
            "`detail.state.timestamp` must be a string, and is a number that is not whole or too large",
        ),
        (
            "switch-changed",
            r#""epoch": 7"#,
            r#""epoch": -7"#,
            "`detail.epoch` must be a whole number, and is a negative number",
        ),
        (
            "switch-changed",
            r#""epoch": 7"#,
            r#""epoch": "7""#,
            "`detail.epoch` must be a whole number, and is a string",
        ),
        (
            "switch-changed",
            r#""engaged": true"#,
            r#""engaged": 1"#,
            "`detail.engaged` must be true or false, and is a number",
        ),
        (
            "rds-instance-restarted",
            r#""EventCategories": ["#,
            r#""EventCategories": 7, "was": ["#,
            "`detail.EventCategories` must be an array of strings, and is a number",
        ),
        (
            "heartbeat",
            r#""detail": {"#,
            r#""detail": [], "was": {"#,
            "`detail` must be an object, and is an array",
        ),
        (
            "cloudevent-alarm",
            r#""data": {"#,
            r#""data": "text", "was": {"#,
            "`data` must be an object (the event itself, not its text), and is a string",
        ),
    ] {
        assert_eq!(said(&changed(name, old, new)), expected, "{name}");
    }
    assert_eq!(
        said(&changed("alarm-metric", r#""state":{"#, r#""state":"ALARM","was":{"#)),
        "`detail.state` must be an object, and is a string"
    );
}

#[test]
fn a_value_without_a_meaning_is_refused_with_those_that_have_one() {
    for (name, old, new, expected) in [
        (
            "alarm-metric",
            r#""value":"ALARM""#,
            r#""value":"alarm""#,
            "`detail.state.value` is `alarm`; expected `OK`, `ALARM` or `INSUFFICIENT_DATA`",
        ),
        (
            "health-open",
            r#""statusCode": "open""#,
            r#""statusCode": "ajar""#,
            "`detail.statusCode` is `ajar`; expected `open`, `closed` or `upcoming`",
        ),
        (
            "execution-running",
            "RUNNING\"",
            "PENDING_REDRIVE\"",
            "`detail.status` is `PENDING_REDRIVE`; expected `RUNNING`, `SUCCEEDED`, `FAILED`, `TIMED_OUT` or `ABORTED`",
        ),
        (
            "switch-changed",
            r#""switch": "a""#,
            r#""switch": "c""#,
            "`detail.switch` is `c`; expected `a` or `b`",
        ),
        (
            "switch-changed",
            r#""epoch": 7"#,
            r#""epoch": 18446744073709551615"#,
            "`detail.epoch` is `18446744073709551615`; expected an epoch below 2^53",
        ),
        (
            "rds-instance-restarted",
            "RDS-EVENT-0006",
            "six",
            "`detail.EventID` is `six`; expected an event such as `RDS-EVENT-0181`",
        ),
        (
            "cloudevent-alarm",
            r#""specversion": "1.0""#,
            r#""specversion": "0.3""#,
            "`specversion` is `0.3`; expected `1.0`",
        ),
        (
            "sns-alarm",
            r#""Type": "Notification""#,
            r#""Type": "Postcard""#,
            "`Type` is `Postcard`; expected `Notification`",
        ),
        (
            "alarm-metric",
            "2026-11-23T14:31:07.418+0000",
            "yesterday",
            "`detail.state.timestamp` is `yesterday`, which is no moment; write it like 2026-11-23T14:30:00.250Z",
        ),
    ] {
        assert_eq!(said(&changed(name, old, new)), expected, "{name}");
    }
}

#[test]
fn a_number_that_no_reader_could_hold_is_refused() {
    let text = changed("switch-changed", r#""epoch": 7"#, r#""epoch": 1e999"#);
    assert!(said(&text).starts_with("not JSON at line"), "{}", said(&text));
}

#[test]
fn what_is_wrong_inside_a_wrapped_event_is_said_of_the_inside() {
    assert_eq!(
        said(r#"{"Type": "Notification", "Message": "Disk is full."}"#),
        "in the SNS `Message`: not JSON at line 1, column 1; send the event as AWS wrote it"
    );
    assert!(
        said(r#"{"specversion": "1.0", "data": {"detail-type": 7}}"#)
            .starts_with("in the CloudEvents `data`: `detail-type` must be a string")
    );
}

#[test]
fn nothing_hostile_reaches_the_log() {
    let text = changed(
        "alarm-metric",
        r#""value":"ALARM""#,
        r#""value":"\u001b[31m\r\n forged line""#,
    );
    let said = said(&text);
    assert!(!said.chars().any(char::is_control), "{said:?}");
}
