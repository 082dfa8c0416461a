//! The linter on what the AWS CDK really generates: silent on a correct pair, and not because it sees nothing: each of many
//! small changes to one side's templates is found.
//!
//! `scripts/test` installs the CDK into `target/node` (see `provisioner/tests/cdk`); no call to AWS is made.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use understudy_provisioner::lint::pair::Limits;
use understudy_provisioner::lint::{Given, Report, Template, lint, output};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate is inside the workspace")
        .to_path_buf()
}

/// Runs a script of `tests/cdk` with the packages of `target/node`.
fn node(script: &str, arguments: &[&str]) -> std::process::Output {
    let modules = root().join("target/node/node_modules");
    assert!(
        modules.is_dir(),
        "{} is missing: `scripts/test tests` installs it",
        modules.display()
    );
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cdk");
    let mut command = Command::new("node");
    command
        .arg(folder.join(script))
        .args(arguments)
        .env("NODE_PATH", modules);
    command.output().expect("Node.js 20 or newer is installed")
}

/// How the app can be synthesized: knowing its region and account or not, and with the metadata of the CDK's command line.
const WAYS: [&str; 4] = ["plain", "agnostic", "metadata", "agnostic-metadata"];

/// What the app generates, by file: the primary's templates and the standby's, once per way.
fn generated(script: &str, name: &str, ways: &[&str]) -> Vec<[BTreeMap<String, Value>; 2]> {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&out);
    let arguments = [&[out.to_str().expect("a readable path")], ways].concat();
    let output = node(script, &arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    ways.iter().map(|way| templates(&out.join(way))).collect()
}

fn templates(folder: &Path) -> [BTreeMap<String, Value>; 2] {
    let mut sides = [BTreeMap::new(), BTreeMap::new()];
    for entry in fs::read_dir(folder).expect("the app wrote its templates") {
        let path = entry.expect("the folder can be read").path();
        let file = path
            .file_name()
            .expect("a file has a name")
            .to_string_lossy()
            .into_owned();
        if file.ends_with(".template.json") {
            let template = serde_json::from_str(&fs::read_to_string(&path).expect("readable")).expect("JSON");
            sides[usize::from(file.starts_with("Standby"))].insert(file, template);
        }
    }
    assert!(sides.iter().all(|side| !side.is_empty()), "both sides have templates");
    sides
}

fn judge(sides: &[BTreeMap<String, Value>; 2]) -> Report {
    judge_with(sides, Some("dev1"))
}

fn judge_with(sides: &[BTreeMap<String, Value>; 2], suffix: Option<&str>) -> Report {
    let side = |index: usize, region: &str| Given {
        region: region.to_owned(),
        templates: sides[index]
            .iter()
            .map(|(file, template)| Template {
                file: file.clone(),
                text: format!("{template:#}"),
            })
            .collect(),
        parameters: BTreeMap::new(),
    };
    let limits = Limits {
        check_interval_s: 10.0,
        check_failures: 1.0,
        record_ttl_s: 5.0,
        suffix: suffix.map(str::to_owned),
    };
    lint(&side(0, "us-east-1"), &side(1, "us-east-2"), limits, &[]).expect("the templates can be read")
}

#[test]
fn a_correct_cdk_app_is_silent_however_it_is_synthesized() {
    for (way, sides) in WAYS.iter().zip(generated("app.cjs", "silent", &WAYS)) {
        let report = judge(&sides);
        assert!(report.findings.is_empty(), "{way}: {}", output::human(&report));
        assert!(
            report.notes.is_empty(),
            "{way}: nothing is left out of sight: {:?}",
            report.notes
        );
        assert!(
            report.resources.iter().all(|count| *count > 60),
            "{way}: {:?}",
            report.resources
        );
    }
}

#[test]
fn what_else_teams_build_is_silent_as_well() {
    let ways = ["plain", "metadata"];
    for (way, sides) in ways.iter().zip(generated("services.cjs", "services", &ways)) {
        let report = judge_with(&sides, None);
        assert!(report.findings.is_empty(), "{way}: {}", output::human(&report));
        assert!(report.notes.is_empty(), "{way}: {:?}", report.notes);
        assert!(
            report.resources.iter().all(|count| *count > 80),
            "{way}: {:?}",
            report.resources
        );
    }
}

/// A change to one side's resources of a type: the first whose properties have a text with a part of it.
struct Change {
    kind: &'static str,
    with: &'static str,
    /// `None` removes the resource.
    edit: Option<(&'static str, Value)>,
    code: &'static str,
}

fn change(kind: &'static str, with: &'static str, path: &'static str, value: Value, code: &'static str) -> Change {
    Change {
        kind,
        with,
        edit: Some((path, value)),
        code,
    }
}

fn remove(kind: &'static str, with: &'static str, code: &'static str) -> Change {
    Change {
        kind,
        with,
        edit: None,
        code,
    }
}

fn apply(side: &mut BTreeMap<String, Value>, change: &Change) {
    for template in side.values_mut() {
        let resources = template["Resources"].as_object_mut().expect("a template has resources");
        let found = resources
            .iter()
            .find(|(_, resource)| resource["Type"] == change.kind && resource.to_string().contains(change.with))
            .map(|(logical, _)| logical.clone());
        let Some(logical) = found else { continue };
        match &change.edit {
            None => {
                resources.remove(&logical);
            }
            Some((path, value)) => {
                let mut place = &mut resources[&logical]["Properties"];
                for step in path.split('/') {
                    place = match step.parse::<usize>() {
                        Ok(index) => &mut place[index],
                        Err(_) => &mut place[step],
                    };
                }
                *place = value.clone();
            }
        }
        return;
    }
    panic!("no {} with `{}`", change.kind, change.with);
}

fn changes() -> Vec<Change> {
    let east_1 = |service: &str, rest: &str| json!(format!("arn:aws:{service}:us-east-1:111122223333:{rest}"));
    vec![
        change("AWS::Lambda::Function", "orders", "MemorySize", json!(256), "UL403"),
        change(
            "AWS::Lambda::Function",
            "orders",
            "Runtime",
            json!("nodejs20.x"),
            "UL401",
        ),
        change("AWS::Lambda::Function", "orders", "Code/S3Key", json!("0.zip"), "UL402"),
        change(
            "AWS::Lambda::Function",
            "orders",
            "ReservedConcurrentExecutions",
            json!(5),
            "UL407",
        ),
        change(
            "AWS::Lambda::Function",
            "orders",
            "Environment/Variables/LOG_LEVEL",
            json!("debug"),
            "UL406",
        ),
        change(
            "AWS::Lambda::Function",
            "orders",
            "Environment/Variables/ORDERS_QUEUE",
            json!("https://sqs.us-east-1.amazonaws.com/111122223333/orders-us-east-1-dev1"),
            "UL405",
        ),
        change("AWS::Lambda::Function", "orders", "VpcConfig", Value::Null, "UL412"),
        change("AWS::Lambda::EventSourceMapping", "", "Enabled", json!(false), "UL410"),
        change("AWS::Lambda::EventSourceMapping", "", "BatchSize", json!(1), "UL409"),
        change(
            "AWS::Lambda::EventSourceMapping",
            "",
            "EventSourceArn",
            east_1("sqs", "orders-us-east-1-dev1"),
            "UL408",
        ),
        change("AWS::SQS::Queue", "orders-us", "VisibilityTimeout", json!(20), "UL441"),
        change("AWS::SQS::Queue", "orders-us", "RedrivePolicy", Value::Null, "UL442"),
        change("AWS::SQS::Queue", "orders-us", "KmsMasterKeyId", Value::Null, "UL444"),
        change(
            "AWS::SQS::Queue",
            "orders-us",
            "KmsMasterKeyId",
            east_1("kms", "key/mrk-1"),
            "UL361",
        ),
        change("AWS::ApiGateway::Stage", "", "StageName", json!("v2"), "UL421"),
        change(
            "AWS::ApiGateway::Stage",
            "",
            "MethodSettings/0/ThrottlingRateLimit",
            json!(1),
            "UL429",
        ),
        change(
            "AWS::ApiGateway::Method",
            "\"GET\"",
            "AuthorizationType",
            json!("AWS_IAM"),
            "UL424",
        ),
        change(
            "AWS::ApiGateway::Method",
            "\"HttpMethod\":\"POST\"",
            "AuthorizationType",
            json!("NONE"),
            "UL423",
        ),
        remove("AWS::ApiGateway::Method", "\"HttpMethod\":\"POST\"", "UL422"),
        change(
            "AWS::ApiGateway::RestApi",
            "",
            "EndpointConfiguration/Types/0",
            json!("EDGE"),
            "UL433",
        ),
        change(
            "AWS::ApiGateway::DomainName",
            "\"orders.example.com",
            "SecurityPolicy",
            json!("TLS_1_0"),
            "UL428",
        ),
        change(
            "AWS::ApiGateway::DomainName",
            "\"orders.example.com",
            "RegionalCertificateArn",
            east_1("acm", "certificate/1"),
            "UL427",
        ),
        remove("AWS::ApiGateway::DomainName", "\"orders.example.com", "UL426"),
        change(
            "AWS::S3::Bucket",
            "config",
            "ReplicationConfiguration",
            Value::Null,
            "UL341",
        ),
        change(
            "AWS::S3::Bucket",
            "config",
            "VersioningConfiguration/Status",
            json!("Suspended"),
            "UL342",
        ),
        change(
            "AWS::S3::Bucket",
            "config",
            "ReplicationConfiguration/Rules/0/Destination/EncryptionConfiguration/ReplicaKmsKeyID",
            json!("arn:aws:kms:us-east-2:111122223333:alias/config-dev1"),
            "UL343",
        ),
        change(
            "AWS::S3::Bucket",
            "config",
            "LifecycleConfiguration",
            Value::Null,
            "UL345",
        ),
        change("AWS::S3::Bucket", "config", "BucketEncryption", Value::Null, "UL346"),
        change(
            "AWS::S3::Bucket",
            "config",
            "BucketName",
            json!("config-us-east-2"),
            "UL114",
        ),
        remove("AWS::S3::Bucket", "config", "UL101"),
        change(
            "AWS::Events::Rule",
            "forward",
            "EventPattern/region",
            Value::Null,
            "UL501",
        ),
        change(
            "AWS::Events::Rule",
            "forward",
            "EventPattern/source",
            json!(["aws.rds"]),
            "UL506",
        ),
        change(
            "AWS::Events::Rule",
            "forward",
            "Targets/0/RoleArn",
            Value::Null,
            "UL502",
        ),
        change(
            "AWS::Events::Rule",
            "forward",
            "Targets/0/DeadLetterConfig",
            Value::Null,
            "UL504",
        ),
        remove("AWS::Events::Rule", "forward", "UL503"),
        change("AWS::Events::Rule", "rate(1 hour)", "State", json!("DISABLED"), "UL505"),
        change("AWS::CloudWatch::Alarm", "errors", "Threshold", json!(500), "UL527"),
        change("AWS::CloudWatch::Alarm", "errors", "AlarmActions", json!([]), "UL529"),
        change(
            "AWS::CloudWatch::Alarm",
            "latency",
            "AlarmActions/0",
            east_1("sns", "operators"),
            "UL522",
        ),
        remove("AWS::CloudWatch::Alarm", "latency", "UL521"),
        remove("AWS::SNS::Subscription", "email", "UL445"),
        change("AWS::RDS::DBCluster", "", "EngineVersion", json!("16.8"), "UL301"),
        change("AWS::RDS::DBCluster", "", "MasterUsername", json!("orders"), "UL303"),
        change(
            "AWS::RDS::DBCluster",
            "",
            "ManageMasterUserPassword",
            json!(true),
            "UL302",
        ),
        change("AWS::RDS::DBCluster", "", "BackupRetentionPeriod", json!(1), "UL306"),
        change("AWS::RDS::DBCluster", "", "KmsKeyId", Value::Null, "UL307"),
        change(
            "AWS::RDS::DBInstance",
            "",
            "DBInstanceClass",
            json!("db.t4g.medium"),
            "UL309",
        ),
        remove("AWS::RDS::DBInstance", "", "UL304"),
        change(
            "AWS::RDS::DBClusterParameterGroup",
            "",
            "Parameters",
            json!({}),
            "UL305",
        ),
        change("AWS::SSM::Parameter", "", "Value", json!("us-east-2"), "UL368"),
        remove("AWS::SSM::Parameter", "", "UL367"),
        change("AWS::EC2::VPC", "", "CidrBlock", json!("10.10.0.0/16"), "UL201"),
        change(
            "AWS::EC2::SecurityGroup",
            "5432",
            "SecurityGroupIngress/0/ToPort",
            json!(5433),
            "UL208",
        ),
        change("AWS::EC2::Subnet", "", "AvailabilityZone", json!("us-east-1a"), "UL105"),
        remove("AWS::EC2::VPCEndpoint", "sqs", "UL204"),
        remove("AWS::EC2::Subnet", "", "UL205"),
        change("AWS::Logs::LogGroup", "", "RetentionInDays", json!(1), "UL591"),
        change(
            "AWS::StepFunctions::StateMachine",
            "",
            "StateMachineType",
            json!("EXPRESS"),
            "UL563",
        ),
        change(
            "AWS::StepFunctions::StateMachine",
            "",
            "DefinitionString",
            json!("{\"States\": {}}"),
            "UL562",
        ),
        change(
            "AWS::IAM::Policy",
            "dynamodb",
            "PolicyDocument/Statement",
            json!([]),
            "UL583",
        ),
    ]
}

#[test]
fn every_small_change_to_one_side_of_a_cdk_app_is_found() {
    let clean = generated("app.cjs", "changed", &["plain"]).remove(0);
    let mut missed = Vec::new();
    for change in changes() {
        let mut changed = clean.clone();
        apply(&mut changed[1], &change);
        let report = judge(&changed);
        if !report.findings.iter().any(|finding| finding.code == change.code) {
            let edit = change.edit.as_ref().map_or("removed", |(path, _)| path);
            let found: Vec<&str> = report.findings.iter().map(|finding| finding.code).collect();
            missed.push(format!(
                "{} {edit}: expected {}, found {found:?}",
                change.kind, change.code
            ));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn sarif_is_valid_against_the_schema() {
    let mut sides = generated("app.cjs", "sarif", &["plain"]).remove(0);
    for change in changes().iter().take(12) {
        apply(&mut sides[1], change);
    }
    let report = judge(&sides);
    assert!(!report.findings.is_empty());
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report.sarif");
    fs::write(&file, output::sarif(&report).to_string()).expect("the report can be written");
    let output = node("sarif.cjs", &[file.to_str().expect("a readable path")]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // The judge itself must be able to say no.
    fs::write(&file, "{\"version\": \"2.1.0\", \"runs\": [{}]}").expect("the report can be written");
    assert!(
        !node("sarif.cjs", &[file.to_str().expect("a readable path")])
            .status
            .success()
    );
}
