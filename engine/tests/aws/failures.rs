//! What each adapter makes of an AWS that does not answer as it should. *Failed* is said only if the thing certainly did
//! not happen.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::client::result::SdkError;
use reqwest::Url;
use understudy_engine::aws::database::Aurora;
use understudy_engine::aws::lease::LeaseTable;
use understudy_engine::aws::order_path::OrderPathItem;
use understudy_engine::core::effect::{IdempotencyKey, Outcome};
use understudy_engine::core::ids::{Epoch, Nonce, Region, Switch};
use understudy_engine::core::lease::{LeaseRecord, LeaseRequest};
use understudy_engine::service::parts::{Absent, Database, LeaseStore, OrderPath, PublicName, Switches};
use understudy_policies::model::DatabaseMethod;

use crate::platform::{connections, names, names_with, side};
use crate::ports::free_port;
use crate::scripted::{Answer, Scripted};

/// Short, because silence is waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// Whoever takes longer than its patience and this hangs.
const GRACE: Duration = Duration::from_secs(20);

const NONCE: Nonce = Nonce {
    incarnation: 5,
    serial: 6,
};
const RENEW: LeaseRequest = LeaseRequest::Renew {
    epoch: Epoch(1),
    region: Region::Home,
};

/// As the shell does it: bounds a call, and calls it unknown then.
async fn bounded(call: impl Future<Output = Outcome>) -> Outcome {
    tokio::time::timeout(PATIENCE, call).await.unwrap_or(Outcome::TimedOut)
}

fn nobody() -> Url {
    format!("http://127.0.0.1:{}/", free_port()).parse().unwrap()
}

/// The lease item as DynamoDB has it, marked by this nonce.
fn item(nonce: &str) -> String {
    format!(
        r#"{{"id":{{"S":"lease"}},"format":{{"N":"1"}},"version":{{"N":"1"}},"epoch":{{"N":"1"}},"holder":{{"S":"home"}},
        "renewals":{{"N":"1"}},"released":{{"BOOL":false}},"protected":{{"BOOL":true}},"nonce":{{"S":"{nonce}"}}}}"#
    )
}

fn record(nonce: Nonce) -> LeaseRecord {
    LeaseRecord {
        version: 1,
        renewals: 1,
        nonce,
        ..LeaseRecord::initial()
    }
}

fn refused(nonce: &str) -> Answer {
    let kind = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
    Answer::json(
        400,
        format!(r#"{{"__type":"{kind}","message":"scripted","Item":{}}}"#, item(nonce)),
    )
}

fn written(nonce: &str) -> Answer {
    Answer::json(200, format!(r#"{{"Attributes":{}}}"#, item(nonce)))
}

async fn lease_table(endpoints: &[Url]) -> LeaseTable {
    let mut clients = Vec::new();
    for endpoint in endpoints {
        clients.push(connections(endpoint).await.dynamodb(names().region(Region::Home)));
    }
    LeaseTable::new(clients, names().lease_table())
}

async fn renew(endpoints: &[Url]) -> Outcome {
    let table = lease_table(endpoints).await;
    let asked = table.apply(RENEW, NONCE, PATIENCE);
    // The store keeps to its patience by itself.
    tokio::time::timeout(PATIENCE + GRACE, asked).await.unwrap()
}

#[tokio::test]
async fn a_renewal_fails_only_if_it_certainly_did_not_happen() {
    let ours = Outcome::Lease(record(NONCE));
    let other = Nonce {
        incarnation: 8,
        serial: 9,
    };
    let cases = [
        (written("5-6"), ours),
        (refused("8-9"), Outcome::Conflict(record(other))),
        // Its first attempt was the one that went through.
        (refused("5-6"), ours),
        (Answer::error(400, "ValidationException"), Outcome::Failed),
        (Answer::error(400, "ThrottlingException"), Outcome::Failed),
        (
            Answer::error(400, "ProvisionedThroughputExceededException"),
            Outcome::Failed,
        ),
        (Answer::error(400, "ReplicatedWriteConflictException"), Outcome::Failed),
        (Answer::error(400, "ExpiredTokenException"), Outcome::Failed),
        (Answer::error(400, "UnrecognizedClientException"), Outcome::Failed),
        (Answer::error(403, "AccessDeniedException"), Outcome::Failed),
        (Answer::error(400, "ResourceNotFoundException"), Outcome::Failed),
        (Answer::error(500, "InternalServerError"), Outcome::TimedOut),
        (Answer::error(503, "ServiceUnavailable"), Outcome::TimedOut),
        (Answer::json(200, "{}"), Outcome::TimedOut),
        (Answer::json(200, "<html>"), Outcome::TimedOut),
        (
            Answer::json(200, format!(r#"{{"Attributes":{}}}"#, item("x"))),
            Outcome::TimedOut,
        ),
        (Answer::CutOff(r#"{"Attributes":{"#.to_owned()), Outcome::TimedOut),
        (Answer::HalfOpen(r#"{"Attributes":{"#.to_owned()), Outcome::TimedOut),
        (Answer::Noise, Outcome::TimedOut),
        (Answer::Close, Outcome::TimedOut),
        (Answer::Silence, Outcome::TimedOut),
    ];
    for (answer, expected) in cases {
        let server = Scripted::always(answer.clone());
        assert_eq!(renew(&[server.url()]).await, expected, "{answer:?}");
    }
    assert_eq!(renew(&[nobody()]).await, Outcome::Failed);
    // Its machine still takes connections, and nobody is behind them.
    let deaf = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}/", deaf.local_addr().unwrap()).parse().unwrap();
    assert_eq!(renew(&[url]).await, Outcome::TimedOut);
}

#[tokio::test]
async fn an_unknown_renewal_is_settled_by_reading_back() {
    for (kept, expected) in [
        ("5-6", Outcome::Lease(record(NONCE))),
        // Not ours, and ours may still be on its way.
        ("8-9", Outcome::TimedOut),
    ] {
        let server = Scripted::new(move |request| match request.operation.as_str() {
            "UpdateItem" => Answer::error(500, "InternalServerError"),
            _ => Answer::json(200, format!(r#"{{"Item":{}}}"#, item(kept))),
        });
        assert_eq!(renew(&[server.url()]).await, expected, "{kept}");
        assert_eq!(server.count("UpdateItem"), 1);
    }
}

#[tokio::test]
async fn the_other_endpoint_takes_what_the_first_one_does_not_answer() {
    let good = Scripted::always(written("5-6"));
    for first in [
        Answer::Silence,
        Answer::error(500, "InternalServerError"),
        Answer::Close,
    ] {
        let bad = Scripted::always(first.clone());
        assert_eq!(
            renew(&[bad.url(), good.url()]).await,
            Outcome::Lease(record(NONCE)),
            "{first:?}"
        );
    }
    assert_eq!(renew(&[nobody(), good.url()]).await, Outcome::Lease(record(NONCE)));
    let crossing = Scripted::new(|request| match request.number {
        0 => Answer::error(400, "ReplicatedWriteConflictException"),
        _ => written("5-6"),
    });
    assert_eq!(renew(&[crossing.url()]).await, Outcome::Lease(record(NONCE)));
}

#[tokio::test]
async fn a_write_of_a_switch_or_of_the_order_path_fails_only_if_it_certainly_did_not_happen() {
    let cases = [
        (Answer::json(200, "{}"), Outcome::Done),
        (refused("8-9"), Outcome::Refused),
        (Answer::error(400, "ThrottlingException"), Outcome::Failed),
        (Answer::error(400, "ExpiredTokenException"), Outcome::Failed),
        (Answer::error(500, "InternalServerError"), Outcome::TimedOut),
        (Answer::CutOff("{".to_owned()), Outcome::TimedOut),
        (Answer::HalfOpen("{".to_owned()), Outcome::TimedOut),
        (Answer::Noise, Outcome::TimedOut),
        (Answer::Close, Outcome::TimedOut),
        (Answer::Silence, Outcome::TimedOut),
    ];
    for (answer, expected) in cases {
        let server = Scripted::always(answer.clone());
        let switches = side(Region::Away, &server.url()).await.two_switches();
        let flipped = bounded(switches.set(Switch::A, true, Epoch(1), 1)).await;
        assert_eq!(flipped, expected, "{answer:?}");
        let client = connections(&server.url()).await.dynamodb(names().region(Region::Away));
        let table = names().order_path_table();
        let path = OrderPathItem::new(client, table, Duration::ZERO, None, Arc::new(Absent));
        assert_eq!(bounded(path.open_intake(Epoch(1))).await, expected, "{answer:?}");
    }
    let switches = side(Region::Away, &nobody()).await.two_switches();
    assert_eq!(switches.set(Switch::A, true, Epoch(1), 1).await, Outcome::Failed);
    assert_eq!(switches.set(Switch::B, true, Epoch(1), 1).await, Outcome::Failed);
    assert_eq!(switches.read().await, Outcome::Switches([None; 2]));
}

#[tokio::test]
async fn a_put_of_switch_b_fails_only_if_it_certainly_did_not_happen() {
    let there = r#"{"answer":"released","engaged":false,"epoch":1,"order":2}"#;
    let cases = [
        (Answer::json(200, ""), Outcome::Done),
        (Answer::xml_error(403, "AccessDenied"), Outcome::Failed),
        (Answer::xml_error(400, "ExpiredToken"), Outcome::Failed),
        // Somebody else is faster, again and again.
        (Answer::xml_error(412, "PreconditionFailed"), Outcome::Failed),
        (Answer::xml_error(500, "InternalError"), Outcome::TimedOut),
        (Answer::xml_error(503, "SlowDown"), Outcome::TimedOut),
        (Answer::HalfOpen(String::new()), Outcome::TimedOut),
        (Answer::Noise, Outcome::TimedOut),
        (Answer::Close, Outcome::TimedOut),
        (Answer::Silence, Outcome::TimedOut),
    ];
    for (answer, expected) in cases {
        let put = answer.clone();
        let server = Scripted::new(move |request| {
            if request.line.starts_with("PUT") {
                put.clone()
            } else {
                Answer::json(200, there)
            }
        });
        let switches = side(Region::Away, &server.url()).await.two_switches();
        let flipped = bounded(switches.set(Switch::B, true, Epoch(2), 1)).await;
        assert_eq!(flipped, expected, "{answer:?}");
    }
    // What cannot be read is not written over.
    for answer in [
        Answer::xml_error(500, "InternalError"),
        Answer::CutOff(there.to_owned()),
    ] {
        let server = Scripted::always(answer.clone());
        let switches = side(Region::Away, &server.url()).await.two_switches();
        assert_eq!(
            switches.set(Switch::B, true, Epoch(2), 1).await,
            Outcome::Failed,
            "{answer:?}"
        );
    }
}

const KEY: IdempotencyKey = IdempotencyKey {
    epoch: Epoch(2),
    step: 1,
};

/// What RDS says about the two clusters: who writes, and whether a move is under way.
fn described(operation: &str, writer: Region, state: &str) -> Answer {
    let names = names();
    let body = match operation {
        "DescribeGlobalClusters" => {
            let members: String = Region::BOTH
                .map(|region| {
                    format!(
                        "<GlobalClusterMember><DBClusterArn>{}</DBClusterArn><IsWriter>{}</IsWriter></GlobalClusterMember>",
                        names.cluster_arn(region),
                        region == writer
                    )
                })
                .concat();
            let status = if state.is_empty() { "available" } else { "failing-over" };
            format!(
                "<GlobalClusters><GlobalClusterMember><GlobalClusterIdentifier>{}</GlobalClusterIdentifier>\
                 <Status>{status}</Status>{state}<GlobalClusterMembers>{members}</GlobalClusterMembers>\
                 </GlobalClusterMember></GlobalClusters>",
                names.global_cluster()
            )
        }
        _ => format!(
            "<DBClusters><DBCluster><DBClusterIdentifier>{}</DBClusterIdentifier><Status>available</Status>\
             </DBCluster></DBClusters>",
            names.cluster(Region::Away)
        ),
    };
    Answer::json(
        200,
        format!("<{operation}Response><{operation}Result>{body}</{operation}Result></{operation}Response>"),
    )
}

async fn aurora(server: &Scripted) -> Aurora {
    side(Region::Away, &server.url()).await.aurora(None)
}

#[tokio::test]
async fn a_promotion_is_asked_for_once_and_watched() {
    let cases = [
        (Answer::xml_error(404, "GlobalClusterNotFoundFault"), Outcome::Refused),
        (
            Answer::xml_error(400, "InvalidGlobalClusterStateFault"),
            Outcome::Failed,
        ),
        (Answer::xml_error(403, "ExpiredToken"), Outcome::Failed),
        (Answer::xml_error(400, "Throttling"), Outcome::Failed),
        // It may be under way: it is watched until the time is over.
        (Answer::xml_error(500, "InternalFailure"), Outcome::TimedOut),
        (Answer::Close, Outcome::TimedOut),
        (
            Answer::CutOff("<FailoverGlobalClusterResponse>".to_owned()),
            Outcome::TimedOut,
        ),
        (
            Answer::HalfOpen("<FailoverGlobalClusterResponse>".to_owned()),
            Outcome::TimedOut,
        ),
        (Answer::json(200, "<html>"), Outcome::TimedOut),
        (Answer::Silence, Outcome::TimedOut),
    ];
    for (answer, expected) in cases {
        let move_it = answer.clone();
        let server = Scripted::new(move |request| match request.operation.as_str() {
            "FailoverGlobalCluster" => move_it.clone(),
            operation => described(operation, Region::Home, ""),
        });
        let aurora = aurora(&server).await;
        let promoted = bounded(aurora.promote(DatabaseMethod::AuroraManaged, KEY)).await;
        assert_eq!(promoted, expected, "{answer:?}");
        assert_eq!(server.count("FailoverGlobalCluster"), 1, "{answer:?}");
    }
}

#[tokio::test]
async fn a_promotion_is_done_once_the_writer_is_here_and_at_rest() {
    let state = "<FailoverState><Status>failing-over</Status></FailoverState>";
    let server = Scripted::new(move |request| match (request.operation.as_str(), request.number) {
        // The answer is lost, the move is not.
        ("FailoverGlobalCluster", _) => Answer::Close,
        (operation, 0..3) => described(operation, Region::Home, ""),
        (operation, 3..7) => described(operation, Region::Home, state),
        (operation, 7..11) => described(operation, Region::Away, state),
        (operation, _) => described(operation, Region::Away, ""),
    });
    let aurora = aurora(&server).await;
    let promoted = tokio::time::timeout(GRACE, aurora.promote(DatabaseMethod::AuroraManaged, KEY)).await;
    assert_eq!(promoted, Ok(Outcome::Done));
    // Asked again: there is nothing left to ask for.
    assert_eq!(aurora.promote(DatabaseMethod::AuroraManaged, KEY).await, Outcome::Done);
    assert_eq!(aurora.promote(DatabaseMethod::AuroraDetach, KEY).await, Outcome::Done);
    assert_eq!(server.count("FailoverGlobalCluster"), 1);
    assert_eq!(server.count("RemoveFromGlobalCluster"), 0);
}

#[tokio::test]
async fn what_cannot_be_described_is_not_moved() {
    for (answer, described) in [
        (Answer::xml_error(500, "InternalFailure"), Outcome::TimedOut),
        (Answer::Noise, Outcome::TimedOut),
        (Answer::xml_error(403, "AccessDenied"), Outcome::Failed),
    ] {
        let server = Scripted::always(answer.clone());
        let aurora = aurora(&server).await;
        assert_eq!(aurora.describe().await, described, "{answer:?}");
        let promoted = aurora.promote(DatabaseMethod::AuroraManaged, KEY).await;
        assert_eq!(promoted, Outcome::Failed, "{answer:?}");
        assert_eq!(
            aurora.switch_over(Region::Home, KEY).await,
            Outcome::Failed,
            "{answer:?}"
        );
        assert_eq!(
            server.count("FailoverGlobalCluster") + server.count("SwitchoverGlobalCluster"),
            0
        );
    }
}

#[tokio::test]
async fn a_record_is_pinned_only_if_it_can_be_read() {
    let names = names_with("zone = \"Z1\"\npublic-name = \"orders.example.com\"\n");
    for (answer, expected) in [
        (Answer::xml_error(500, "InternalFailure"), Outcome::Failed),
        (Answer::xml_error(404, "NoSuchHostedZone"), Outcome::Failed),
        (Answer::Close, Outcome::Failed),
    ] {
        let server = Scripted::always(answer.clone());
        let connections = connections(&server.url()).await;
        let side = understudy_engine::aws::Side::new(Region::Away, names.clone(), connections);
        assert_eq!(
            side.public_records().pin(Some(Region::Away)).await,
            expected,
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn a_call_that_is_not_on_the_list_is_never_sent() {
    let server = Scripted::always(Answer::json(200, "{}"));
    let client = connections(&server.url()).await.dynamodb(names().region(Region::Home));
    let refused = client.delete_item().table_name("t").send().await.unwrap_err();
    assert!(matches!(refused, SdkError::ConstructionFailure(_)), "{refused:?}");
    assert_eq!(server.count("DeleteItem"), 0);
}
