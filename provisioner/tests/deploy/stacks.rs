//! Stacks by change sets: made, left alone, changed, stuck, explained, got out of there.

use serde_json::{Value, json};
use understudy_provisioner::aws::trouble::TroubleKind;
use understudy_provisioner::deploy::World;
use understudy_provisioner::deploy::stacks::{Applied, Event, Follow, Standing, Wanted};
use understudy_provisioner::spanning::ChangeKind;

use crate::emulator::Emulator;
use crate::support::{region, world};

fn wanted(template: Value) -> Wanted {
    Wanted {
        region: region("us-east-2"),
        name: "understudy-dev1-us-east-2-test".to_owned(),
        template,
        bucket: None,
    }
}

fn queue(name: &str, seconds: u32) -> Value {
    json!({
        "Type": "AWS::SQS::Queue",
        "Properties": {"QueueName": format!("understudy-dev1-{name}"), "VisibilityTimeout": seconds},
    })
}

/// Something that is waited for, and never comes.
fn failing() -> Value {
    json!({
        "Type": "AWS::CloudFormation::WaitCondition",
        "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "1", "Count": 1},
    })
}

async fn apply(
    world: &World,
    wanted: &Wanted,
    recover: bool,
) -> (Result<Applied, understudy_provisioner::aws::Trouble>, Vec<Event>) {
    let events = std::sync::Mutex::new(Vec::new());
    let tell = |event: &Event| events.lock().unwrap().push(event.clone());
    let mut follow = Follow::new(&tell);
    let applied = world.stacks().apply(wanted, recover, &mut follow).await;
    drop(follow);
    (applied, events.into_inner().unwrap())
}

#[tokio::test]
async fn a_stack_is_made_once_and_an_empty_change_set_changes_nothing() {
    let emulator = Emulator::ministack();
    let world = world(emulator.url().as_str()).await;
    let stack = wanted(json!({"Resources": {"Queue": queue("a", 30)}}));
    let planned = world.stacks().plan(&stack).await.unwrap();
    assert_eq!((planned.len(), planned[0].change), (1, ChangeKind::Add));
    let (applied, events) = apply(&world, &stack, false).await;
    assert_eq!(applied, Ok(Applied::Changed));
    assert!(
        events
            .iter()
            .any(|event| event.resource == "Queue" && event.status == "CREATE_COMPLETE"),
        "{events:#?}"
    );
    assert_eq!(world.stacks().plan(&stack).await, Ok(Vec::new()));
    assert_eq!(apply(&world, &stack, false).await, (Ok(Applied::Same), Vec::new()));
}

#[tokio::test]
async fn what_loses_data_is_marked() {
    let emulator = Emulator::ministack();
    let world = world(emulator.url().as_str()).await;
    let before = wanted(json!({"Resources": {"A": queue("a", 30), "B": queue("b", 30), "C": queue("c", 30)}}));
    apply(&world, &before, false).await.0.unwrap();
    let after = wanted(json!({"Resources": {"A": queue("a", 60), "B": queue("b-renamed", 30), "D": queue("d", 30)}}));
    let planned = world.stacks().plan(&after).await.unwrap();
    let of = |id: &str| planned.iter().find(|change| change.resource == id).unwrap();
    assert_eq!((of("A").change, of("A").risk.clone()), (ChangeKind::Change, None));
    assert_eq!(of("B").change, ChangeKind::Replace);
    assert!(of("B").risk.is_some());
    assert_eq!(of("C").change, ChangeKind::Remove);
    assert!(of("C").risk.is_some());
    assert_eq!(of("D").change, ChangeKind::Add);
    assert_eq!(apply(&world, &after, false).await.0, Ok(Applied::Changed));
}

#[tokio::test]
async fn the_first_failure_is_told_by_its_root_and_a_stuck_stack_has_a_way_out() {
    let emulator = Emulator::ministack();
    let world = world(emulator.url().as_str()).await;
    let broken = wanted(
        json!({"Resources": {"Queue": queue("a", 30), "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}, "Never": failing()}}),
    );
    let (applied, _) = apply(&world, &broken, false).await;
    let said = applied.unwrap_err().to_string();
    assert!(
        said.contains("failed first at Never (AWS::CloudFormation::WaitCondition)"),
        "{said}"
    );
    let (standing, _) = world.stacks().look(&broken.region, &broken.name).await.unwrap();
    assert_eq!(standing, Standing::NeverMade);
    let mended = wanted(json!({"Resources": {"Queue": queue("a", 30)}}));
    for stuck in [
        world.stacks().plan(&mended).await.unwrap_err(),
        apply(&world, &mended, false).await.0.unwrap_err(),
    ] {
        assert_eq!(stuck.kind, TroubleKind::Unfit);
        let said = stuck.to_string();
        assert!(
            said.contains("was never made") && said.contains("`apply --recover`"),
            "{said}"
        );
        assert!(said.contains("failed first at Never"), "{said}");
    }
    assert_eq!(apply(&world, &mended, true).await.0, Ok(Applied::Changed));
}

#[tokio::test]
async fn a_stack_of_somebody_else_is_left_alone() {
    let emulator = Emulator::ministack();
    let world = world(emulator.url().as_str()).await;
    let stack = wanted(json!({"Resources": {"Queue": queue("a", 30)}}));
    let client = world.shared.aws.cloudformation(&stack.region);
    let create = client
        .create_stack()
        .stack_name(&stack.name)
        .template_body(stack.template.to_string());
    create.send().await.unwrap();
    let trouble = apply(&world, &stack, false).await.0.unwrap_err();
    assert_eq!(trouble.kind, TroubleKind::NotOurs);
    assert!(trouble.to_string().contains("is left alone"), "{trouble}");
    let silent = |_: &Event| {};
    world
        .stacks()
        .remove(&stack.region, &stack.name, &mut Follow::new(&silent))
        .await
        .unwrap();
    assert_eq!(
        client.describe_stacks().send().await.unwrap().stacks().len(),
        1,
        "nor is it deleted"
    );
}

/// Once the emulator has one of them, this fails, and the list of what is left out gets shorter.
#[tokio::test]
async fn what_is_left_out_for_the_emulator_is_what_it_lacks() {
    let emulator = Emulator::ministack();
    let world = world(emulator.url().as_str()).await;
    for kind in crate::support::LACKS {
        let stack = wanted(json!({"Resources": {"Missing": {"Type": kind, "Properties": {}}}}));
        let trouble = apply(&world, &stack, false).await.0.unwrap_err();
        let said = trouble.to_string();
        assert!(
            said.contains("Unrecognized resource types") && said.contains(kind),
            "{said}"
        );
        assert!(said.contains("`--leave-out TYPE`"), "{said}");
    }
}

#[tokio::test]
async fn against_aws_nothing_is_left_out() {
    let mut world = world("http://127.0.0.1:1").await;
    world.shared.aws = understudy_provisioner::aws::Connections::from_loader(crate::support::loader(), None).await;
    let trouble = world.leave_out(&["AWS::EC2::VPC".to_owned()].into()).unwrap_err();
    assert!(
        trouble.to_string().starts_with("nothing is left out against AWS"),
        "{trouble}"
    );
}
