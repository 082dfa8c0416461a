//! What can be reached from inside the network.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use understudy_policies::model::RegionName;

use crate::{Made, made, made_of, without};

/// Which endpoints a service needs that is called from inside the network: none where it is not the caller who calls, or where
/// AWS has none.
fn endpoints_of(service: &str) -> &'static [&'static str] {
    match service {
        "cloudwatch" => &["monitoring"],
        "dynamodb" => &["dynamodb"],
        "ecr" => &["ecr.api", "ecr.dkr"],
        "events" => &["events"],
        "kms" => &["kms"],
        "lambda" => &["lambda"],
        "logs" => &["logs"],
        "rds" => &["rds"],
        "s3" => &["s3"],
        "secretsmanager" => &["secretsmanager"],
        "sns" => &["sns"],
        "sqs" => &["sqs"],
        "ssm" => &["ssm"],
        "states" => &["states"],
        "sts" => &["sts"],
        // Lambda itself makes a function's interfaces and sends its traces; files are mounted; Route 53 is on the internet only.
        "ec2" | "xray" | "elasticfilesystem" | "route53" => &[],
        other => panic!("how is {other} reached from inside the network?"),
    }
}

/// The services that the roles inside the network may call.
fn called(made: &Made, region: &RegionName) -> BTreeSet<String> {
    let names = made.deployment.names(&made.policy);
    let inside = [
        "order-intake",
        "order-processor",
        "health",
        "readiness",
        "starter",
        "steps",
        "engine",
        "engine-execution",
    ]
    .map(|role| names.regional(region, role));
    let policies = made.of(region, "AWS::IAM::ManagedPolicy");
    let ours = policies
        .iter()
        .map(|(_, policy)| &policy["Properties"])
        .filter(|policy| inside.iter().any(|name| policy["ManagedPolicyName"] == *name));
    let statements = ours.flat_map(|policy| policy["PolicyDocument"]["Statement"].as_array().unwrap());
    let actions = statements.flat_map(|statement| statement["Action"].as_array().unwrap());
    actions
        .filter_map(|action| action.as_str()?.split_once(':'))
        .map(|(service, _)| service.to_owned())
        .collect()
}

fn endpoints(made: &Made, region: &RegionName) -> Vec<(String, Value)> {
    let start = format!("com.amazonaws.{region}.");
    let all = made
        .of(region, "AWS::EC2::VPCEndpoint")
        .into_iter()
        .map(|(_, endpoint)| {
            let properties = endpoint["Properties"].clone();
            let name = properties["ServiceName"].as_str().unwrap();
            (name.strip_prefix(&start).unwrap().to_owned(), properties)
        });
    all.collect()
}

#[test]
fn whatever_is_called_from_inside_has_an_endpoint() {
    for (made, has_engine) in [(made(), true), (made_of(&without(&["engine"])), false)] {
        for region in made.regions() {
            let there: BTreeSet<String> = endpoints(&made, region).into_iter().map(|(name, _)| name).collect();
            let services = called(&made, region);
            let wanted = services.iter().flat_map(|service| endpoints_of(service));
            let wanted: BTreeSet<String> = wanted.map(|name| (*name).to_owned()).collect();
            assert!(
                wanted.is_subset(&there),
                "{region}: {wanted:?}, and there are {there:?}"
            );
            assert!(!has_engine || wanted == there, "nobody needs one of {there:?}");
            assert_eq!(there.contains("ecr.dkr"), has_engine);
        }
    }
}

/// Layers of images lie in a bucket of AWS's own, and are fetched by addresses that AWS has signed.
#[test]
fn an_image_can_be_fetched_through_the_endpoint_for_buckets_if_there_is_an_engine() {
    for (made, has_engine) in [(made(), true), (made_of(&without(&["engine"])), false)] {
        for region in made.regions() {
            for (name, endpoint) in endpoints(&made, region) {
                let statements = endpoint["PolicyDocument"]["Statement"].as_array().unwrap();
                let (others, ours): (Vec<&Value>, Vec<&Value>) = statements
                    .iter()
                    .partition(|statement| statement["Condition"].is_null());
                assert_eq!(ours.len(), 1, "{name} in {region}");
                let account = json!({"StringEquals": {"aws:PrincipalAccount": made.deployment.account}});
                assert_eq!(ours[0]["Condition"], account, "{name} in {region}");
                let open: Vec<[&Value; 2]> = others.iter().map(|open| [&open["Action"], &open["Resource"]]).collect();
                if name == "s3" && has_engine {
                    let layers = format!("arn:aws:s3:::prod-{region}-starport-layer-bucket/*");
                    assert_eq!(open, [[&json!("s3:GetObject"), &json!(layers)]], "{region}");
                } else {
                    assert!(open.is_empty(), "{name} in {region}: {open:?}");
                }
            }
        }
    }
}
