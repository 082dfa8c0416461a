//! Stacks by change sets: made, left alone, changed, stuck, explained, got out of there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use serde_json::{Value, json};
use understudy_provisioner::aws::trouble::TroubleKind;
use understudy_provisioner::deploy::World;
use understudy_provisioner::deploy::stacks::{Applied, Event, Follow, Standing, Wanted};
use understudy_provisioner::spanning::ChangeKind;
use understudy_provisioner::templates::limits::SENT_MAX;

use crate::emulator::Emulator;
use crate::proxy::{Instead, proxy};
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

/// No emulator gets stuck in a rollback: what one says of its stack is replaced until it is told to go on.
#[tokio::test]
async fn a_rollback_that_failed_is_gone_on_with() {
    let emulator = Emulator::ministack();
    let stack = wanted(json!({"Resources": {"Queue": queue("a", 30)}}));
    let before = world(emulator.url().as_str()).await;
    assert_eq!(apply(&before, &stack, false).await.0, Ok(Applied::Changed));
    let told = Arc::new(AtomicBool::new(false));
    let name = stack.name.clone();
    let endpoint = proxy(emulator.url().as_str(), {
        let told = Arc::clone(&told);
        move |request| {
            if request.contains("Action=ContinueUpdateRollback") {
                told.store(true, Ordering::Relaxed);
                return Some(Instead::Xml(
                    "<ContinueUpdateRollbackResponse><ContinueUpdateRollbackResult/></ContinueUpdateRollbackResponse>"
                        .to_owned(),
                ));
            }
            let stuck = request.contains("Action=DescribeStacks&") && !told.load(Ordering::Relaxed);
            stuck.then(|| {
                Instead::Xml(format!(
                    "<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>{name}</StackName>\
                     <CreationTime>2026-11-25T00:00:00Z</CreationTime><StackStatus>UPDATE_ROLLBACK_FAILED</StackStatus><Tags>\
                     <member><Key>understudy-environment</Key><Value>dev1</Value></member></Tags></member></Stacks>\
                     </DescribeStacksResult></DescribeStacksResponse>"
                ))
            })
        }
    });
    let world = world(&endpoint).await;
    let changed = wanted(json!({"Resources": {"Queue": queue("a", 40)}}));
    let stuck = apply(&world, &changed, false).await.0.unwrap_err();
    assert_eq!(stuck.kind, TroubleKind::Unfit);
    let said = stuck.to_string();
    assert!(
        said.contains("is stuck in a rollback that failed") && said.contains("`apply --recover`"),
        "{said}"
    );
    assert!(!told.load(Ordering::Relaxed), "nothing is done by itself");
    assert_eq!(apply(&world, &changed, true).await.0, Ok(Applied::Changed));
    assert!(told.load(Ordering::Relaxed));
}

/// A template that is too large for a call is fetched from the region's bucket; without one it is refused, in words.
#[tokio::test]
async fn a_large_template_goes_by_way_of_a_bucket() {
    let emulator = Emulator::ministack();
    let world = world(emulator.url().as_str()).await;
    let mut template = json!({"Resources": {"Queue": queue("a", 30)}});
    template["Metadata"]["Large"] = "x".repeat(SENT_MAX).into();
    let large = wanted(template);
    let trouble = apply(&world, &large, false).await.0.unwrap_err();
    assert!(
        trouble
            .to_string()
            .contains("without a bucket in us-east-2 only 51200 can be sent"),
        "{trouble}"
    );
    let place = CreateBucketConfiguration::builder()
        .location_constraint(BucketLocationConstraint::UsEast2)
        .build();
    let create = world.shared.aws.s3(&large.region).create_bucket().bucket("templates");
    create.create_bucket_configuration(place).send().await.unwrap();
    let by_bucket = Wanted {
        bucket: Some("templates".to_owned()),
        ..large
    };
    assert_eq!(apply(&world, &by_bucket, false).await.0, Ok(Applied::Changed));
    assert_eq!(apply(&world, &by_bucket, false).await.0, Ok(Applied::Same));
}

/// What a failed creation has made is empty, and would stand in the way of the next one.
#[tokio::test]
async fn what_is_retained_is_not_retained_of_a_creation_that_failed() {
    let emulator = Emulator::ministack();
    let world = world(emulator.url().as_str()).await;
    let retained = |seconds: u32| {
        let mut queue = queue("a", seconds);
        queue["DeletionPolicy"] = "Retain".into();
        queue
    };
    let queues = async || {
        let sqs = world.shared.aws.sqs(&region("us-east-2"));
        sqs.list_queues()
            .send()
            .await
            .unwrap()
            .queue_urls
            .unwrap_or_default()
            .len()
    };
    let handle = json!({"Type": "AWS::CloudFormation::WaitConditionHandle"});
    let broken = wanted(json!({"Resources": {"Queue": retained(30), "Handle": handle, "Never": {
        "Type": "AWS::CloudFormation::WaitCondition", "DependsOn": ["Queue"],
        "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "1", "Count": 1},
    }}}));
    apply(&world, &broken, false).await.0.unwrap_err();
    assert_eq!(queues().await, 0, "the next creation finds nothing in its way");
    let mended = wanted(json!({"Resources": {"Queue": retained(30)}}));
    assert_eq!(apply(&world, &mended, true).await.0, Ok(Applied::Changed));
    // Once it is there, it is retained: also by the next change that fails, and by a deletion.
    let mut worse = broken;
    worse.template["Resources"]["Queue"] = retained(40);
    apply(&world, &worse, false).await.0.unwrap_err();
    assert_eq!(queues().await, 1);
    let silent = |_: &Event| {};
    let stacks = world.stacks();
    stacks
        .remove(&mended.region, &mended.name, &mut Follow::new(&silent))
        .await
        .unwrap();
    assert_eq!(queues().await, 1);
}

/// A template that could only be looked at by putting it into a bucket is compared here.
#[tokio::test]
async fn a_plan_puts_nothing_into_a_bucket() {
    let emulator = Emulator::ministack();
    let puts = Arc::new(AtomicUsize::new(0));
    let endpoint = proxy(emulator.url().as_str(), {
        let puts = Arc::clone(&puts);
        move |request| {
            if request.starts_with("PUT /templates/templates/") {
                puts.fetch_add(1, Ordering::Relaxed);
            }
            None
        }
    });
    let world = world(&endpoint).await;
    let mut template = json!({"Resources": {"Queue": queue("a", 30), "Other": queue("b", 30)}});
    template["Metadata"]["Large"] = "x".repeat(SENT_MAX).into();
    let mut large = Wanted {
        bucket: Some("templates".to_owned()),
        ..wanted(template)
    };
    let create = world.shared.aws.s3(&large.region).create_bucket().bucket("templates");
    let place = CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::UsEast2);
    create.create_bucket_configuration(place.build()).send().await.unwrap();
    assert_eq!(
        world.stacks().plan(&large).await.unwrap().len(),
        2,
        "it is not there yet"
    );
    assert_eq!(puts.load(Ordering::Relaxed), 0);
    assert_eq!(apply(&world, &large, false).await.0, Ok(Applied::Changed));
    assert_eq!(puts.load(Ordering::Relaxed), 1);
    assert_eq!(world.stacks().plan(&large).await, Ok(Vec::new()));
    large.template["Resources"]["Queue"] = queue("a", 60);
    large.template["Resources"].as_object_mut().unwrap().remove("Other");
    let planned = world.stacks().plan(&large).await.unwrap();
    assert_eq!(planned.len(), 2, "{planned:#?}");
    let of = |id: &str| planned.iter().find(|change| change.resource == id).unwrap();
    assert_eq!(
        (of("Queue").change, of("Other").change),
        (ChangeKind::Change, ChangeKind::Remove)
    );
    assert!(
        of("Queue").detail.starts_with("VisibilityTimeout"),
        "{}",
        of("Queue").detail
    );
    assert_eq!(of("Queue").risk.as_deref(), Some("perhaps a replacement"));
    assert_eq!(puts.load(Ordering::Relaxed), 1, "a plan puts nothing anywhere");
}

#[tokio::test]
async fn a_stack_is_protected_and_only_removing_it_lifts_that() {
    let emulator = Emulator::ministack();
    let world = world(emulator.url().as_str()).await;
    let stack = wanted(json!({"Resources": {"Queue": queue("a", 30)}}));
    assert_eq!(apply(&world, &stack, false).await.0, Ok(Applied::Changed));
    let client = world.shared.aws.cloudformation(&stack.region);
    let refused = client.delete_stack().stack_name(&stack.name).send().await.unwrap_err();
    assert!(
        refused
            .into_service_error()
            .to_string()
            .contains("TerminationProtection")
            || world.stacks().look(&stack.region, &stack.name).await.unwrap().0 == Standing::Complete
    );
    // Somebody lifts it by hand.
    let lift = client.update_termination_protection().stack_name(&stack.name);
    lift.enable_termination_protection(false).send().await.unwrap();
    let planned = world.stacks().plan(&stack).await.unwrap();
    assert_eq!(planned.len(), 1);
    assert_eq!(planned[0].detail, "protection against deletion");
    assert_eq!(apply(&world, &stack, false).await.0, Ok(Applied::Changed));
    assert_eq!(apply(&world, &stack, false).await.0, Ok(Applied::Same));
    let silent = |_: &Event| {};
    world
        .stacks()
        .remove(&stack.region, &stack.name, &mut Follow::new(&silent))
        .await
        .unwrap();
    assert_eq!(
        world.stacks().look(&stack.region, &stack.name).await.unwrap().0,
        Standing::Absent
    );
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
