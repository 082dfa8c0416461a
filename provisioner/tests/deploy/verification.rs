//! R9.1, R9.5, R10: what verification sees, and what it says of a platform that is not as it should be.

use serde_json::json;
use understudy_provisioner::deploy::verify::{Age, Verdict, Verification, verify};

use crate::platform::{REGIONS, applied, create_lease, platform, read};
use crate::support::Log;

/// The point of a verification.
pub(crate) fn point(verification: &Verification, requirement: &str, what: &str, region: &str) -> (Verdict, String) {
    let mut all = verification.points.iter();
    let found =
        all.find(|point| point.requirement == requirement && point.what.contains(what) && point.region == region);
    let found = found.unwrap_or_else(|| panic!("{requirement} {what} {region}: {}", verification.text()));
    (found.verdict, found.says.clone())
}

#[tokio::test]
async fn r9_everything_carries_the_suffix_and_the_tags() {
    let (emulator, world) = platform().await;
    let read = read(&emulator);
    for region in REGIONS {
        for (name, role) in read[region]["roles"].as_object().unwrap() {
            assert!(name.starts_with("understudy-dev1-"), "{name}");
            let mut policies = role["policies"].as_array().unwrap().clone();
            // What all functions of a region have in common.
            policies.retain(|policy| !policy.as_str().unwrap().ends_with("-functions"));
            assert_eq!(policies, [json!(name)], "one policy of the same name");
        }
        let tags = read[region]["apis"].as_object().unwrap().values().next().unwrap()["tags"].clone();
        assert_eq!(
            (&tags["understudy-environment"], &tags["owner"]),
            (&json!("dev1"), &json!("trading-platform"))
        );
    }
    let verification = verify(&world, Age::Settled, &Log::default()).await.unwrap();
    for region in REGIONS {
        assert_eq!(point(&verification, "R9.1", "suffix", region).0, Verdict::Yes);
        assert_eq!(
            point(&verification, "R9.5", "tags", region).0,
            Verdict::Yes,
            "{}",
            verification.text()
        );
    }
    // Somebody takes a tag off, inside a stack.
    let region = &world.regions()[1];
    let sqs = world.shared.aws.sqs(region);
    let url = sqs
        .get_queue_url()
        .queue_name("understudy-dev1-us-east-2-orders")
        .send()
        .await
        .unwrap();
    let untag = sqs.untag_queue().queue_url(url.queue_url().unwrap()).tag_keys("owner");
    untag.send().await.unwrap();
    let verification = verify(&world, Age::Settled, &Log::default()).await.unwrap();
    let (verdict, says) = point(&verification, "R9.5", "tags", "us-east-2");
    assert_eq!(verdict, Verdict::No);
    assert!(says.contains("orders lacks `owner` = `trading-platform`"), "{says}");
    assert!(!verification.synchronized);
    assert_eq!(point(&verification, "R9.5", "tags", "us-east-1").0, Verdict::Yes);
}

#[tokio::test]
async fn r10_verification_looks_at_every_point() {
    let (_emulator, world) = platform().await;
    let before = verify(&world, Age::Settled, &Log::default()).await.unwrap();
    assert_eq!(
        point(&before, "R6.1", "runs dry", "us-east-2").0,
        Verdict::Unknown,
        "no lease item yet"
    );
    create_lease(&world).await;
    let verification = verify(&world, Age::Settled, &Log::default()).await.unwrap();
    assert!(verification.synchronized, "{}", verification.text());
    let wanted = [
        ("R10.1", "stacks are complete", true),
        ("R9.1", "suffix", true),
        ("R9.5", "tags", true),
        ("R1.1", "hosted zone", false),
        ("R2.3", "tables", false),
        ("R2.1", "one region writes", false),
        ("R2.4", "a session arrives", true),
        ("R3.2", "same package", false),
        ("R4.1", "replication of buckets", false),
        ("R4.2", "an object arrives", true),
        ("R5.3", "forwarded both ways", false),
        ("R5.4", "hear of its alarms", true),
        ("R5.4", "forced, reaches both regions", true),
        ("R6.1", "failover machine is ready", true),
        ("R6.1", "failover machine runs dry", true),
        ("R6.2", "failback machine runs dry", true),
        ("R7.2", "parameters are equal", false),
        ("R8.1", "peering", false),
        ("R10.2", "roles are settled", false),
        ("R1.2", "failover records", false),
        ("R1.1", "health checks are as", false),
    ];
    for (requirement, what, regional) in wanted {
        let regions: &[&str] = if regional { &REGIONS } else { &[""] };
        for region in regions {
            let (verdict, says) = point(&verification, requirement, what, region);
            assert_eq!(verdict, Verdict::Yes, "{requirement} {what} {region}: {says}");
        }
    }
    // What nobody can tell here says why.
    for (requirement, what, region, why) in [
        ("R1.1", "home-endpoint is healthy", "global", "GetHealthCheckStatus"),
        ("R10.2", "follows the writer", "us-east-2", "no data points yet"),
        ("R1.1", "primary is healthy", "global", "told by them"),
        ("R6.3", "readiness", "us-east-1", "placeholder"),
        ("R10.3", "endpoint answers", "us-east-1", "200 OK, from the placeholder"),
        ("R10.3", "endpoint answers", "us-east-2", "200 OK, from the placeholder"),
    ] {
        let (verdict, says) = point(&verification, requirement, what, region);
        assert_eq!(verdict, Verdict::Unknown);
        assert!(says.contains(why), "{says}");
    }
    let text = verification.text();
    assert!(
        text.contains("us-east-1 writes (2 instances), us-east-2 follows (2 instances), in understudy-dev1-global"),
        "{text}"
    );
}

#[tokio::test]
async fn r10_an_apply_that_ends_unsynchronized_fails() {
    let (_emulator, world) = platform().await;
    // Somebody puts another program into one region.
    let lambda = world.shared.aws.lambda(&world.regions()[1]);
    let packages = world.names.bucket(&world.regions()[1], "packages");
    let s3 = world.shared.aws.s3(&world.regions()[1]);
    let mut other = world.platform.packages[0].bytes.to_vec();
    // Behind the end of a zip file a comment may stand.
    let length = other.len();
    other[length - 2] = 1;
    other.push(b'x');
    s3.put_object()
        .bucket(&packages)
        .key("other.zip")
        .body(other.into())
        .send()
        .await
        .unwrap();
    let update = lambda
        .update_function_code()
        .function_name("understudy-dev1-us-east-2-health");
    update.s3_bucket(packages).s3_key("other.zip").send().await.unwrap();
    let account = applied(&world).await;
    let verification = account.verification.unwrap();
    assert!(!verification.synchronized, "{}", verification.text());
    let (verdict, says) = point(&verification, "R3.2", "same package", "");
    assert_eq!((verdict, says.as_str()), (Verdict::No, "health differs"));
}
