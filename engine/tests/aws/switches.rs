//! The switches and the order path in their stores: a late write never undoes what came after it.

use std::sync::Arc;

use aws_sdk_s3::primitives::ByteStream;
use understudy_engine::aws::order_path::OrderPathItem;
use understudy_engine::core::effect::Outcome;
use understudy_engine::core::ids::{Epoch, Region, Switch};
use understudy_engine::service::parts::{Absent, OrderPath, Switches};

use crate::emulator::Emulator;
use crate::platform::{connections, make_bucket, make_table, names, operator, side};

#[tokio::test]
async fn a_switch_keeps_what_was_decided_last_whatever_arrives_when() {
    let emulator = Emulator::ministack();
    let endpoint = emulator.url();
    let names = names();
    make_table(&operator("us-east-2", &endpoint).await, &names.switch_table()).await;
    let s3 = make_bucket("us-west-2", &endpoint, &names.switch_bucket()).await;
    let switches = side(Region::Away, &endpoint).await.two_switches();

    assert_eq!(switches.read().await, Outcome::Switches([Some(false); 2]));
    for switch in Switch::BOTH {
        let set = async |engaged, epoch, order| switches.set(switch, engaged, Epoch(epoch), order).await;
        assert_eq!(set(true, 2, 14).await, Outcome::Done, "{switch:?}");
        // The same again: its answer was lost on the way.
        assert_eq!(set(true, 2, 14).await, Outcome::Done, "{switch:?}");
        assert_eq!(set(false, 2, 13).await, Outcome::Refused, "{switch:?}");
        assert_eq!(set(false, 1, 99).await, Outcome::Refused, "{switch:?}");
        assert_eq!(set(false, 2, 15).await, Outcome::Done, "{switch:?}");
        assert_eq!(set(true, 3, 1).await, Outcome::Done, "{switch:?}");
    }
    assert_eq!(switches.read().await, Outcome::Switches([Some(true); 2]));

    // Somebody puts something else into the bucket: it is neither believed nor overwritten.
    let other = ByteStream::from_static(b"<html>");
    let put = s3
        .put_object()
        .bucket(names.switch_bucket())
        .key("switch-b.json")
        .body(other);
    put.send().await.unwrap();
    assert_eq!(switches.read().await, Outcome::Switches([Some(true), None]));
    assert_eq!(switches.set(Switch::B, false, Epoch(9), 1).await, Outcome::Failed);
}

#[tokio::test]
async fn writers_of_switch_b_who_cross_lose_none_of_what_was_decided_last() {
    let emulator = Emulator::ministack();
    let endpoint = emulator.url();
    make_bucket("us-west-2", &endpoint, &names().switch_bucket()).await;
    let [home, away] = [side(Region::Home, &endpoint).await, side(Region::Away, &endpoint).await];
    let [home, away] = [home.two_switches(), away.two_switches()];
    for round in 1..=20 {
        let (early, late) = tokio::join!(
            home.set(Switch::B, true, Epoch(1), 2 * round),
            away.set(Switch::B, false, Epoch(1), 2 * round + 1),
        );
        assert_eq!(late, Outcome::Done);
        assert!(matches!(early, Outcome::Done | Outcome::Refused), "{early:?}");
        let Outcome::Switches([_, b]) = home.read().await else {
            panic!("unreadable")
        };
        assert_eq!(b, Some(false), "round {round}");
    }
}

#[tokio::test]
async fn an_older_epoch_opens_nothing_and_a_newer_one_closes_what_was_open() {
    let emulator = Emulator::ministack();
    let endpoint = emulator.url();
    let names = names();
    let config = operator("us-east-1", &endpoint).await;
    make_table(&config, &names.order_path_table()).await;
    let client = connections(&endpoint).await.dynamodb(names.region(Region::Home));
    let finish = names.aws().orders_finish_within;
    let path = OrderPathItem::new(client, names.order_path_table(), finish, None, Arc::new(Absent));
    let dynamodb = aws_sdk_dynamodb::Client::new(&config);
    let numbers = async || {
        let key = aws_sdk_dynamodb::types::AttributeValue::S("order-path".to_owned());
        let get = dynamodb.get_item().table_name(names.order_path_table()).key("id", key);
        let item = get.send().await.unwrap().item.unwrap();
        ["epoch", "intake", "processing"].map(|name| {
            let number = item.get(name).map(|value| value.as_n().unwrap().clone());
            number.unwrap_or_default()
        })
    };
    assert_eq!(path.open_intake(Epoch(3)).await, Outcome::Done);
    assert_eq!(path.open_processing(Epoch(3)).await, Outcome::Done);
    assert_eq!(numbers().await, ["3", "3", "3"]);
    assert_eq!(path.open_intake(Epoch(2)).await, Outcome::Refused);
    assert_eq!(path.close(Epoch(2)).await, Outcome::Refused);
    assert_eq!(path.open_intake(Epoch(4)).await, Outcome::Done);
    // Processing is open in epoch 3, which is over.
    assert_eq!(numbers().await, ["4", "4", "3"]);
    assert_eq!(path.close(Epoch(4)).await, Outcome::Done);
    assert_eq!(numbers().await, ["4", "0", "0"]);
}
