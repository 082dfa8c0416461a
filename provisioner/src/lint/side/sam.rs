//! What SAM's types become, as far as the rules look at it: a function with its role, its event sources, its permissions
//! and its routes; an API with its stage and its domain; a table; a state machine.

use super::Resource;
use crate::lint::document::NodeId;
use crate::lint::value::{Node, Piece, Target, Value};

/// The resources that a resource becomes: itself, unless it is SAM's.
pub(super) fn expand(resource: Resource) -> Vec<Resource> {
    match resource.kind.as_str() {
        "AWS::Serverless::Function" => function(resource),
        "AWS::Serverless::Api" => api(resource),
        "AWS::Serverless::HttpApi" => vec![renamed(resource, "AWS::ApiGatewayV2::Api")],
        "AWS::Serverless::LayerVersion" => vec![renamed(resource, "AWS::Lambda::LayerVersion")],
        "AWS::Serverless::SimpleTable" => vec![renamed(resource, "AWS::DynamoDB::Table")],
        "AWS::Serverless::StateMachine" => vec![state_machine(resource)],
        "AWS::Serverless::Application" => vec![renamed(resource, "AWS::CloudFormation::Stack")],
        _ => vec![resource],
    }
}

fn renamed(mut resource: Resource, kind: &str) -> Resource {
    kind.clone_into(&mut resource.kind);
    resource
}

fn map(at: Option<NodeId>, entries: Vec<(&str, Node)>) -> Node {
    let entries = entries
        .into_iter()
        .filter(|(_, value)| value.is_present())
        .map(|(key, value)| (key.to_owned(), value))
        .collect();
    Node {
        at,
        value: Value::Map(entries),
    }
}

fn reference(target: &Target, attribute: &str) -> Node {
    Node {
        at: None,
        value: Value::Text(vec![Piece::Resource(target.clone(), attribute.to_owned())]),
    }
}

/// A resource that SAM generates beside `of`.
fn generated(of: &Resource, suffix: &str, kind: &str, at: Option<NodeId>, properties: Node) -> Resource {
    Resource {
        target: Target {
            template: of.target.template,
            logical: format!("{}{suffix}", of.target.logical),
        },
        kind: kind.to_owned(),
        at: at.unwrap_or(of.at),
        properties,
        metadata: of.metadata.clone(),
        deletion_policy: Node {
            at: None,
            value: Value::Absent,
        },
        doubtful: of.doubtful,
    }
}

/// The entries of `node` without the named ones, with others added.
fn changed(node: &Node, without: &[&str], added: Vec<(&str, Node)>) -> Node {
    let mut entries: Vec<(String, Node)> = node
        .entries()
        .iter()
        .filter(|(key, _)| !without.contains(&key.as_str()))
        .cloned()
        .collect();
    entries.extend(
        added
            .into_iter()
            .filter(|(_, value)| value.is_present())
            .map(|(key, value)| (key.to_owned(), value)),
    );
    Node {
        at: node.at,
        value: Value::Map(entries),
    }
}

fn function(resource: Resource) -> Vec<Resource> {
    let given = &resource.properties;
    let mut made = Vec::new();
    for (name, event) in given.get("Events").entries() {
        event_source(&resource, name, event, &mut made);
    }
    if given.get("Role").is_absent() {
        let policies = given
            .get("Policies")
            .each()
            .iter()
            .filter(|policy| policy.get("Statement").is_present());
        let policies = policies
            .map(|policy| map(policy.at, vec![("PolicyDocument", policy.clone())]))
            .collect();
        let properties = map(
            resource.properties.at,
            vec![
                (
                    "AssumeRolePolicyDocument",
                    given.get("AssumeRolePolicyDocument").clone(),
                ),
                (
                    "Policies",
                    Node {
                        at: given.get("Policies").at,
                        value: Value::List(policies),
                    },
                ),
                ("Tags", tags(given.get("Tags"))),
            ],
        );
        made.push(generated(&resource, "Role", "AWS::IAM::Role", None, properties));
    }
    if let Some(alias) = given.get("AutoPublishAlias").text().filter(|alias| !alias.is_empty()) {
        let properties = map(
            given.at,
            vec![
                ("FunctionName", reference(&resource.target, "")),
                ("Name", given.get("AutoPublishAlias").clone()),
                (
                    "ProvisionedConcurrencyConfig",
                    given.get("ProvisionedConcurrencyConfig").clone(),
                ),
            ],
        );
        made.push(generated(
            &resource,
            &format!("Alias{alias}"),
            "AWS::Lambda::Alias",
            None,
            properties,
        ));
    }
    let code = match (given.get("CodeUri"), given.get("InlineCode")) {
        (uri, _) if uri.is_present() && uri.entries().is_empty() => map(uri.at, vec![("S3Uri", uri.clone())]),
        (uri, _) if uri.is_present() => map(
            uri.at,
            vec![
                ("S3Bucket", uri.get("Bucket").clone()),
                ("S3Key", uri.get("Key").clone()),
                ("S3ObjectVersion", uri.get("Version").clone()),
            ],
        ),
        (_, inline) if inline.is_present() => map(inline.at, vec![("ZipFile", inline.clone())]),
        _ => map(
            given.get("ImageUri").at,
            vec![("ImageUri", given.get("ImageUri").clone())],
        ),
    };
    let dead_letter = given.get("DeadLetterQueue");
    let dead_letter = map(
        dead_letter.at,
        vec![("TargetArn", dead_letter.get("TargetArn").clone())],
    );
    let tracing = map(given.get("Tracing").at, vec![("Mode", given.get("Tracing").clone())]);
    let role = match given.get("Role") {
        role if role.is_absent() => {
            let target = Target {
                template: resource.target.template,
                logical: format!("{}Role", resource.target.logical),
            };
            reference(&target, "Arn")
        }
        role => role.clone(),
    };
    const BECOME_OTHERS: &[&str] = &[
        "Events",
        "Policies",
        "CodeUri",
        "InlineCode",
        "ImageUri",
        "DeadLetterQueue",
        "Tracing",
        "Role",
        "Tags",
        "AutoPublishAlias",
        "ProvisionedConcurrencyConfig",
        "AssumeRolePolicyDocument",
    ];
    let optional = |node: Node| {
        if node.entries().is_empty() {
            Node {
                at: None,
                value: Value::Absent,
            }
        } else {
            node
        }
    };
    let properties = changed(
        given,
        BECOME_OTHERS,
        vec![
            ("Code", optional(code)),
            ("DeadLetterConfig", optional(dead_letter)),
            ("TracingConfig", optional(tracing)),
            ("Role", role),
            ("Tags", tags(given.get("Tags"))),
        ],
    );
    let function = Resource {
        kind: "AWS::Lambda::Function".to_owned(),
        properties,
        ..resource
    };
    made.insert(0, function);
    made
}

/// SAM's tags are a map; CloudFormation's are a list.
fn tags(given: &Node) -> Node {
    let tag = |(key, value): &(String, Node)| {
        map(
            value.at,
            vec![("Key", Node::literal(value.at, key.clone())), ("Value", value.clone())],
        )
    };
    match &given.value {
        Value::Map(entries) => Node {
            at: given.at,
            value: Value::List(entries.iter().map(tag).collect()),
        },
        _ => given.clone(),
    }
}

fn event_source(of: &Resource, name: &str, event: &Node, made: &mut Vec<Resource>) {
    let given = event.get("Properties");
    let function = || reference(&of.target, "Arn");
    let kind = event.get("Type").text().unwrap_or_default();
    match kind {
        "SQS" | "DynamoDB" | "Kinesis" | "MSK" => {
            let source = ["Queue", "Stream"]
                .iter()
                .map(|key| given.get(key))
                .find(|node| node.is_present());
            let properties = changed(
                given,
                &["Queue", "Stream"],
                vec![
                    (
                        "EventSourceArn",
                        source.cloned().unwrap_or(Node {
                            at: None,
                            value: Value::Unknown,
                        }),
                    ),
                    ("FunctionName", function()),
                ],
            );
            made.push(generated(
                of,
                name,
                "AWS::Lambda::EventSourceMapping",
                event.at,
                properties,
            ));
        }
        "Api" => {
            let properties = map(
                given.at,
                vec![
                    ("HttpMethod", upper(given.get("Method"))),
                    ("Understudy::Path", given.get("Path").clone()),
                    ("RestApiId", given.get("RestApiId").clone()),
                    ("AuthorizationType", authorizer(given)),
                    ("ApiKeyRequired", given.at("Auth.ApiKeyRequired").clone()),
                ],
            );
            made.push(generated(of, name, "AWS::ApiGateway::Method", event.at, properties));
        }
        "Schedule" | "EventBridgeRule" | "CloudWatchEvent" => {
            let target = map(
                given.at,
                vec![
                    ("Arn", function()),
                    ("Input", given.get("Input").clone()),
                    ("DeadLetterConfig", dead_letter(given)),
                ],
            );
            let state = match given.get("Enabled").yes_or(true) {
                Some(false) => Node::literal(given.get("Enabled").at, "DISABLED"),
                _ => given.get("State").clone(),
            };
            let properties = map(
                given.at,
                vec![
                    ("Name", given.get("Name").clone()),
                    ("ScheduleExpression", given.get("Schedule").clone()),
                    ("EventPattern", given.get("Pattern").clone()),
                    ("EventBusName", given.get("EventBusName").clone()),
                    ("State", state),
                    (
                        "Targets",
                        Node {
                            at: given.at,
                            value: Value::List(vec![target]),
                        },
                    ),
                ],
            );
            made.push(generated(of, name, "AWS::Events::Rule", event.at, properties));
        }
        "SNS" => {
            let properties = map(
                given.at,
                vec![
                    ("TopicArn", given.get("Topic").clone()),
                    ("Protocol", Node::literal(given.at, "lambda")),
                    ("Endpoint", function()),
                ],
            );
            made.push(generated(of, name, "AWS::SNS::Subscription", event.at, properties));
        }
        _ => {}
    }
}

fn dead_letter(given: &Node) -> Node {
    let arn = given.at("DeadLetterConfig.Arn");
    if arn.is_absent() {
        Node {
            at: None,
            value: Value::Absent,
        }
    } else {
        map(arn.at, vec![("Arn", arn.clone())])
    }
}

fn upper(node: &Node) -> Node {
    match node.text() {
        Some("any") => Node::literal(node.at, "ANY"),
        Some(text) => Node::literal(node.at, text.to_uppercase()),
        None => node.clone(),
    }
}

/// The event's own authorizer; without one, what the API's default says is not known here.
fn authorizer(given: &Node) -> Node {
    let auth = given.at("Auth.Authorizer");
    match auth.text() {
        Some("NONE") => Node::literal(auth.at, "NONE"),
        Some("AWS_IAM") => Node::literal(auth.at, "AWS_IAM"),
        Some(_) => Node::literal(auth.at, "CUSTOM"),
        None if auth.is_absent() => Node {
            at: None,
            value: Value::Unknown,
        },
        None => Node {
            at: auth.at,
            value: Value::Unknown,
        },
    }
}

fn api(resource: Resource) -> Vec<Resource> {
    let given = &resource.properties;
    let endpoint = match given.get("EndpointConfiguration") {
        node if node.text().is_some() => map(
            node.at,
            vec![(
                "Types",
                Node {
                    at: node.at,
                    value: Value::List(vec![node.clone()]),
                },
            )],
        ),
        node if node.get("Type").is_present() => changed(
            node,
            &["Type"],
            vec![(
                "Types",
                Node {
                    at: node.at,
                    value: Value::List(vec![node.get("Type").clone()]),
                },
            )],
        ),
        node => node.clone(),
    };
    let mut made = Vec::new();
    let stage = map(
        given.at,
        vec![
            ("RestApiId", reference(&resource.target, "")),
            ("StageName", given.get("StageName").clone()),
            ("MethodSettings", given.get("MethodSettings").clone()),
            ("AccessLogSetting", given.get("AccessLogSetting").clone()),
            ("Variables", given.get("Variables").clone()),
        ],
    );
    made.push(generated(&resource, "Stage", "AWS::ApiGateway::Stage", None, stage));
    let domain = given.get("Domain");
    if domain.is_present() {
        let kind = match domain.get("EndpointConfiguration") {
            node if node.is_absent() => Node::literal(domain.at, "REGIONAL"),
            node => node.clone(),
        };
        let edge = kind.text() == Some("EDGE");
        let certificate = if edge {
            "CertificateArn"
        } else {
            "RegionalCertificateArn"
        };
        let properties = map(
            domain.at,
            vec![
                ("DomainName", domain.get("DomainName").clone()),
                (certificate, domain.get("CertificateArn").clone()),
                ("SecurityPolicy", domain.get("SecurityPolicy").clone()),
                (
                    "EndpointConfiguration",
                    map(
                        domain.at,
                        vec![(
                            "Types",
                            Node {
                                at: domain.at,
                                value: Value::List(vec![kind]),
                            },
                        )],
                    ),
                ),
            ],
        );
        made.push(generated(
            &resource,
            "DomainName",
            "AWS::ApiGateway::DomainName",
            domain.at,
            properties,
        ));
    }
    let properties = changed(
        given,
        &[
            "EndpointConfiguration",
            "StageName",
            "MethodSettings",
            "AccessLogSetting",
            "Variables",
            "Domain",
            "DefinitionBody",
            "Tags",
        ],
        vec![
            ("EndpointConfiguration", endpoint),
            ("Body", given.get("DefinitionBody").clone()),
            ("Tags", tags(given.get("Tags"))),
        ],
    );
    let api = Resource {
        kind: "AWS::ApiGateway::RestApi".to_owned(),
        properties,
        ..resource
    };
    made.insert(0, api);
    made
}

fn state_machine(resource: Resource) -> Resource {
    let given = &resource.properties;
    let properties = changed(
        given,
        &["Name", "Type", "Role", "Tags"],
        vec![
            ("StateMachineName", given.get("Name").clone()),
            ("StateMachineType", given.get("Type").clone()),
            ("RoleArn", given.get("Role").clone()),
            ("Tags", tags(given.get("Tags"))),
        ],
    );
    Resource {
        kind: "AWS::StepFunctions::StateMachine".to_owned(),
        properties,
        ..resource
    }
}
