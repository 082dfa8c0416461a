//! What the linter knows of a value before deployment, and what it leaves unknown.

use std::collections::BTreeMap;

use understudy_provisioner::lint::document::Document;
use understudy_provisioner::lint::side::{Role, Side};

fn side(texts: &[(&str, &str)], parameters: &[(&str, &str)]) -> Side {
    let documents: Vec<Document> = texts
        .iter()
        .enumerate()
        .map(|(number, (file, text))| Document::read(number, file, text).expect("a readable template"))
        .collect();
    let parameters: BTreeMap<String, String> = parameters
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Side::build(
        Role::Standby,
        "us-east-2",
        "us-east-1",
        &documents,
        0..documents.len(),
        &parameters,
    )
}

/// The value of `Resources.X.Properties.Value`, as a person sees it.
fn value(expression: &str, parameters: &[(&str, &str)]) -> String {
    let text = format!(
        r#"
Parameters:
  Suffix: {{Type: String, Default: dev1}}
  Zones: {{Type: CommaDelimitedList, Default: "a, b"}}
  Free: {{Type: String}}
  Stored: {{Type: "AWS::SSM::Parameter::Value<String>", Default: /orders/size}}
Mappings:
  Sizes: {{us-east-2: {{Class: large}}}}
Conditions:
  Here: !Equals [!Ref "AWS::Region", us-east-2]
  There: !Not [!Condition Here]
  Both: !And [!Condition Here, !Condition There]
  Either: !Or [!Condition There, !Condition Here]
  Unclear: !Equals [!Ref Free, "yes"]
  Never: !And [!Condition Unclear, !Condition There]
  Always: !Or [!Condition Unclear, !Condition Here]
Resources:
  Queue: {{Type: AWS::SQS::Queue, Properties: {{QueueName: orders}}}}
  X: {{Type: Some::Type, Properties: {{Value: {expression}}}}}
"#
    );
    let side = side(&[("t.yaml", &text)], parameters);
    let resource = side.of("Some::Type").next().expect("the resource is there");
    resource.get("Value").shown()
}

#[test]
fn what_can_be_known_is_known() {
    for (expression, expected) in [
        (r#"!Ref "AWS::Region""#, "us-east-2"),
        (r#"!Ref "AWS::Partition""#, "aws"),
        (r#"!Ref "AWS::NoValue""#, "nothing"),
        ("!Ref Suffix", "dev1"),
        ("!Ref Zones", "[a, b]"),
        ("!Select [1, !Ref Zones]", "b"),
        (r#"!Join ["-", [a, !Ref Suffix]]"#, "a-dev1"),
        (r#"!Join [",", !Ref Zones]"#, "a,b"),
        (
            r#"!Sub "x-${AWS::Region}-${Suffix}-${!Kept}""#,
            "x-us-east-2-dev1-${Kept}",
        ),
        (r#"!Sub ["${A}-${Suffix}", {A: !Ref "AWS::Region"}]"#, "us-east-2-dev1"),
        (r#"!Select [2, !Split ["-", "a-b-c"]]"#, "c"),
        (
            r#"!Select [3, !Split [":", !Sub "arn:aws:sqs:${AWS::Region}:${AWS::AccountId}:q"]]"#,
            "us-east-2",
        ),
        (r#"!FindInMap [Sizes, !Ref "AWS::Region", Class]"#, "large"),
        ("!FindInMap [Sizes, eu-west-1, Class, {DefaultValue: small}]", "small"),
        ("!If [Here, a, b]", "a"),
        ("!If [There, a, b]", "b"),
        ("!If [Both, a, b]", "b"),
        ("!If [Either, a, b]", "a"),
        ("!If [Never, a, b]", "b"),
        ("!If [Always, a, b]", "a"),
        ("!Base64 text", "text"),
        ("[1, !Ref \"AWS::NoValue\", 2]", "[1, 2]"),
        (r#"{"Fn::Join": ["", ["a", {"Ref": "Suffix"}]]}"#, "adev1"),
    ] {
        assert_eq!(value(expression, &[]), expected, "{expression}");
    }
    assert_eq!(value("!Ref Free", &[("Free", "given")]), "given");
    assert_eq!(value("!If [Unclear, a, b]", &[("Free", "yes")]), "a");
}

#[test]
fn what_only_aws_knows_is_unknown() {
    for (expression, expected) in [
        ("!Ref Free", "unknown"),
        ("!Ref Stored", "unknown"),
        ("!Ref Nothing", "unknown"),
        ("!If [Unclear, a, b]", "unknown"),
        ("!GetAZs \"\"", "unknown"),
        ("!Select [0, !GetAZs \"\"]", "unknown"),
        ("!ImportValue elsewhere", "unknown"),
        ("!Cidr [10.0.0.0/16, 3, 8]", "unknown"),
        (r#"!Split [":", !GetAtt Queue.Arn]"#, "unknown"),
        (r#"!Join ["-", [a, !Ref Free]]"#, "a-${?}"),
        ("!GetAtt Queue.Arn", "${Queue.Arn}"),
        (
            r#"!Sub "${Queue.Arn}/${AWS::StackName}""#,
            "${Queue.Arn}/${AWS::StackName}",
        ),
    ] {
        assert_eq!(value(expression, &[]), expected, "{expression}");
    }
}

#[test]
fn loops_end() {
    let text = r"
Conditions: {A: !Condition B, B: !Condition A}
Resources:
  X: {Type: Some::Type, Condition: A, Properties: {Value: !ImportValue a}}
Outputs:
  A: {Value: !ImportValue b, Export: {Name: a}}
  B: {Value: !ImportValue a, Export: {Name: b}}
";
    let side = side(&[("t.yaml", text)], &[]);
    let resource = side.of("Some::Type").next().expect("it may be there");
    assert!(resource.doubtful);
    assert_eq!(resource.get("Value").shown(), "unknown");
}

#[test]
fn imports_and_nested_stacks_reach_into_the_other_templates_of_the_side() {
    let network = r#"
Resources: {Topic: {Type: AWS::SNS::Topic, Properties: {TopicName: operators}}}
Outputs: {Name: {Value: operators, Export: {Name: !Sub "${AWS::Region}-topic"}}}
"#;
    let parent = r#"
Resources:
  Child: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: ./child.yaml, Parameters: {Queue: orders}}}
  X: {Type: Some::Type, Properties: {Value: !ImportValue us-east-2-topic, Out: !GetAtt Child.Outputs.Name}}
"#;
    let child = r#"
Parameters: {Queue: {Type: String}}
Resources: {Q: {Type: AWS::SQS::Queue, Properties: {QueueName: !Ref Queue}}}
Outputs: {Name: {Value: !Sub "${Queue}-made"}}
"#;
    let given = side(
        &[
            ("network.yaml", network),
            ("parent.yaml", parent),
            ("child.yaml", child),
        ],
        &[],
    );
    let resource = given.of("Some::Type").next().unwrap();
    assert_eq!(resource.get("Value").shown(), "operators");
    assert_eq!(resource.get("Out").shown(), "orders-made");
    assert_eq!(
        given.of("AWS::SQS::Queue").next().unwrap().get("QueueName").shown(),
        "orders"
    );
    assert!(given.opaque.is_empty());
    let without = side(&[("parent.yaml", parent)], &[]);
    assert_eq!(
        without.opaque.len(),
        1,
        "a nested stack whose template is not given hides resources"
    );
}

#[test]
fn sam_is_read_as_what_it_becomes() {
    let text = r#"
Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Timeout: 20, Environment: {Variables: {LEVEL: info}}}}
Resources:
  Queue: {Type: AWS::SQS::Queue}
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: v1
      EndpointConfiguration: REGIONAL
      Domain: {DomainName: orders.example.com, CertificateArn: "arn:aws:acm:us-east-2:1:certificate/1", SecurityPolicy: TLS_1_2}
  Orders:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: {Bucket: packages, Key: 1234}
      Tags: {owner: desk}
      Environment: {Variables: {TABLE: sessions}}
      Policies: [{Statement: [{Effect: Allow, Action: "sqs:SendMessage", Resource: "*"}]}]
      Events:
        Incoming: {Type: SQS, Properties: {Queue: !GetAtt Queue.Arn, BatchSize: 5}}
        Place: {Type: Api, Properties: {RestApiId: !Ref Api, Path: /orders, Method: post, Auth: {Authorizer: AWS_IAM}}}
        Hourly: {Type: Schedule, Properties: {Schedule: rate(1 hour), Enabled: false}}
"#;
    let side = side(&[("t.yaml", text)], &[]);
    let one = |kind: &'static str| {
        let mut found = side.of(kind);
        let first = found.next().unwrap_or_else(|| panic!("no {kind}"));
        assert!(found.next().is_none(), "one {kind}");
        first
    };
    let function = one("AWS::Lambda::Function");
    assert_eq!(function.get("Timeout").shown(), "20");
    assert_eq!(function.get("Code.S3Key").shown(), "1234");
    assert_eq!(
        function.get("Environment.Variables").shown(),
        "{LEVEL: info, TABLE: sessions}"
    );
    assert_eq!(function.get("Tags").shown(), "[{Key: owner, Value: desk}]");
    assert_eq!(one("AWS::Lambda::EventSourceMapping").get("BatchSize").shown(), "5");
    assert_eq!(one("AWS::Events::Rule").get("State").shown(), "DISABLED");
    let method = one("AWS::ApiGateway::Method");
    assert_eq!(
        (
            method.get("HttpMethod").shown(),
            method.get("AuthorizationType").shown()
        ),
        ("POST".into(), "AWS_IAM".into())
    );
    assert_eq!(one("AWS::ApiGateway::Stage").get("StageName").shown(), "v1");
    assert_eq!(
        one("AWS::ApiGateway::DomainName").get("SecurityPolicy").shown(),
        "TLS_1_2"
    );
    assert_eq!(
        one("AWS::ApiGateway::RestApi")
            .get("EndpointConfiguration.Types")
            .shown(),
        "[REGIONAL]"
    );
    assert_eq!(one("AWS::IAM::Role").get("Policies").items().len(), 1);
}
