//! The REST API of a region.
//!
//! | Path | Who may | Throttled |
//! |--|--|--|
//! | `POST /orders` | whoever signs | as the deployment file says |
//! | `GET /health` | anybody: health checks sign nothing | at the account's limit only |
//! | `GET /switch`, in the standby region | anybody, likewise | at the account's limit only |
//!
//! Switch A is answered straight from its table: nothing of ours has to run for it. It is never asked for under the public
//! name, which would follow its own failover.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::super::excuse::Excuse;
use super::super::kinds::{
    ApiClientCertificate, ApiDeployment, ApiDomain, ApiMapping, ApiMethod, ApiModel, ApiResource, ApiStage,
    ApiValidator, LogGroup, Permission, RestApi, WebAcl, WebAclAssociation, WebAclLogging,
};
use super::super::model::{Expr, Handle, Template};
use super::super::site::{Layer, Site};
use super::super::{Stack, iam};
use super::certificates::Certificates;
use super::functions::Functions;
use super::keys::Keys;
use crate::deployment::Domain;

/// The stage: everything there is.
pub(super) const STAGE: &str = "live";
/// What API Gateway gives an account in a region, per second and at once.
const ACCOUNT_LIMIT: (u32, u32) = (10_000, 5_000);
/// What health checks ask for.
pub const HEALTH_PATH: &str = "/health";
/// Where switch A answers.
pub const SWITCH_PATH: &str = "/switch";

const UNSIGNED: &str = "health checks of Route 53 sign nothing: this path answers anybody, and tells no secret";
/// Answers anybody.
const OPEN: [Excuse; 3] = [
    Excuse::Checkov("CKV_AWS_59", UNSIGNED),
    Excuse::Nag("AwsSolutions-APIG4", UNSIGNED),
    Excuse::Nag("AwsSolutions-COG4", UNSIGNED),
];
/// Answers whoever signs.
const SIGNED: [Excuse; 1] = [Excuse::Nag(
    "AwsSolutions-COG4",
    "clients are programs with roles of their own: they sign with them",
)];
const SIGNED_FOR_BOTH: &str =
    "clients sign with SigV4a for both regions, or for the one that the name leads to: docs/deploying-the-platform.md";
const NEVER_CACHED: &str =
    "an order must never be answered from a cache, and a cached health or switch answer would be a lie";
const STANDBY_ONLY: &str =
    "switch A is one item in the standby region: outside of the region that is lost first, and never in both";

pub(super) fn build(
    site: &Site<'_>,
    keys: &Keys,
    functions: &Functions,
    names: Option<(&Domain, &Certificates)>,
    stacks: &mut Vec<Stack>,
) {
    let mut template = Template::new(site, Layer::Api, "the REST API");
    let api = template.add(
        RestApi,
        "Api",
        &site.name("api"),
        json!({
            "Description": "takes orders", "EndpointConfiguration": {"Types": ["REGIONAL"]},
            "DisableExecuteApiEndpoint": names.is_some(),
        }),
    );
    let mut paths = Paths {
        site,
        api: &api,
        methods: Vec::new(),
    };
    paths.orders(&mut template, &functions.intake);
    paths.health(&mut template, &functions.health);
    if site.is_standby() {
        paths.switch(&mut template);
    }
    let methods = paths.methods;
    let stage = stage(&mut template, site, keys, &api, &methods);
    firewall(&mut template, site, keys, &api, &stage);
    if let Some((domain, certificates)) = names {
        if site.is_standby() {
            // One finding has a place in each region, and is answered once.
            template.excuse_id("PlaceOrder", &[Excuse::Lint("UL434", SIGNED_FOR_BOTH)]);
        }
        let regional = domain.regional_name(site.region.as_str());
        let switch = domain.switch_name();
        let mut hosts = vec![
            (
                ["RegionalDomain", "RegionalMapping"],
                regional.as_str(),
                &certificates.regional,
                "api-domain",
            ),
            (
                ["PublicDomain", "PublicMapping"],
                domain.public_name.as_str(),
                &certificates.public,
                "public-domain",
            ),
        ];
        if let Some(certificate) = &certificates.switch {
            hosts.push((
                ["SwitchDomain", "SwitchMapping"],
                switch.as_str(),
                certificate,
                "switch-domain",
            ));
        }
        for ([id, mapping], host, certificate, export) in hosts {
            let name = template.add(
                ApiDomain,
                id,
                host,
                json!({
                    "RegionalCertificateArn": certificate, "SecurityPolicy": "TLS_1_2",
                    "EndpointConfiguration": {"Types": ["REGIONAL"]},
                }),
            );
            if export == "switch-domain" {
                template.excuse(&name, &[Excuse::Lint("UL426", STANDBY_ONLY)]);
            }
            let mapping = template.add(
                ApiMapping,
                mapping,
                "",
                json!({"DomainName": name.reference(), "RestApiId": api.reference(), "Stage": STAGE}),
            );
            template.wait(&mapping, &["Stage"]);
            template.export(export, name.target());
        }
    }
    template.export("api", api.reference());
    stacks.push(template.finish(stacks));
}

struct Paths<'a> {
    site: &'a Site<'a>,
    api: &'a Handle<RestApi>,
    /// Ids and contents of all methods: a deployment is a copy of them.
    methods: Vec<(String, Value)>,
}

impl Paths<'_> {
    fn orders(&mut self, template: &mut Template<'_>, intake: &impl serde::Serialize) {
        let api = self.api;
        let model = template.add(
            ApiModel,
            "OrderModel",
            "",
            json!({
                "RestApiId": api.reference(), "ContentType": "application/json", "Name": "Order",
                "Schema": {
                    "$schema": "http://json-schema.org/draft-04/schema#", "title": "Order", "type": "object",
                    "required": ["id"], "properties": {"id": {"type": "string", "minLength": 1, "maxLength": 64}},
                },
            }),
        );
        let validator = template.add(
            ApiValidator,
            "Validator",
            &self.site.name("bodies"),
            json!({"RestApiId": api.reference(), "ValidateRequestBody": true, "ValidateRequestParameters": true}),
        );
        let path = self.path(template, "OrdersPath", "orders");
        let integration = self.function(template, "OrdersPermission", "POST/orders", intake);
        self.method(
            template,
            "PlaceOrder",
            json!({
                "RestApiId": api.reference(), "ResourceId": path, "HttpMethod": "POST", "AuthorizationType": "AWS_IAM",
                "RequestValidatorId": validator.reference(), "RequestModels": {"application/json": model.reference()},
                "Integration": integration,
            }),
            &SIGNED,
        );
    }

    fn health(&mut self, template: &mut Template<'_>, health: &impl serde::Serialize) {
        let path = self.path(template, "HealthPath", "health");
        let integration = self.function(template, "HealthPermission", "GET/health", health);
        let validator = json!({"Ref": "Validator"});
        self.method(
            template,
            "AskHealth",
            json!({
                "RestApiId": self.api.reference(), "ResourceId": path, "HttpMethod": "GET", "AuthorizationType": "NONE",
                "RequestValidatorId": validator, "Integration": integration,
            }),
            &OPEN,
        );
    }

    fn switch(&mut self, template: &mut Template<'_>) {
        let site = self.site;
        let table = site.names.switch_table();
        let role = iam::service_role(
            template,
            site,
            ["SwitchReaderRole", "SwitchReaderPolicy"],
            "switch-reader",
            &iam::trust(site, "apigateway.amazonaws.com"),
            vec![iam::allow(
                "SwitchA",
                &["dynamodb:GetItem"],
                json!(site.names.table_arn(site.region, &table)),
            )],
        );
        let request = json!({"TableName": table, "Key": {"id": {"S": "switch-a"}}, "ConsistentRead": true});
        // The same form as switch B's object, so that one health check matches both.
        let answer = concat!(
            "#set($item = $input.path('$.Item'))",
            r#"{"answer":"$item.answer.S","engaged":$item.engaged.BOOL,"epoch":$item.epoch.N,"order":$item.order.N}"#
        );
        let path = self.path(template, "SwitchPath", "switch");
        self.method(
            template,
            "AskSwitch",
            json!({
                "RestApiId": self.api.reference(), "ResourceId": path, "HttpMethod": "GET", "AuthorizationType": "NONE",
                "RequestValidatorId": {"Ref": "Validator"},
                "Integration": {
                    "Type": "AWS", "IntegrationHttpMethod": "POST", "Credentials": role.arn(), "TimeoutInMillis": 1000,
                    "Uri": format!("arn:{}:apigateway:{}:dynamodb:action/GetItem", site.names.partition(), site.region),
                    "PassthroughBehavior": "NEVER",
                    "RequestTemplates": {"application/json": request.to_string()},
                    "IntegrationResponses": [{
                        "StatusCode": "200",
                        "ResponseParameters": {"method.response.header.Cache-Control": "'no-store'"},
                        "ResponseTemplates": {"application/json": answer},
                    }],
                },
                "MethodResponses": [{
                    "StatusCode": "200", "ResponseParameters": {"method.response.header.Cache-Control": true},
                }],
            }),
            &[OPEN[0], OPEN[1], OPEN[2], Excuse::Lint("UL422", STANDBY_ONLY)],
        );
    }

    fn path(&self, template: &mut Template<'_>, id: &'static str, part: &str) -> Expr {
        let properties = json!({"RestApiId": self.api.reference(), "ParentId": self.api.root(), "PathPart": part});
        template.add(ApiResource, id, "", properties).reference()
    }

    fn function(
        &self,
        template: &mut Template<'_>,
        id: &'static str,
        called: &str,
        function: &impl serde::Serialize,
    ) -> Value {
        let site = self.site;
        let from =
            json!({"Fn::Join": ["", [site.arn("execute-api", ""), self.api.reference(), format!("/*/{called}")]]});
        template.add(
            Permission,
            id,
            "",
            json!({
                "Action": "lambda:InvokeFunction", "FunctionName": function,
                "Principal": "apigateway.amazonaws.com", "SourceArn": from,
            }),
        );
        let start = format!(
            "arn:{}:apigateway:{}:lambda:path/2015-03-31/functions/",
            site.names.partition(),
            site.region
        );
        json!({
            "Type": "AWS_PROXY", "IntegrationHttpMethod": "POST",
            "Uri": {"Fn::Join": ["", [start, function, "/invocations"]]},
        })
    }

    fn method(&mut self, template: &mut Template<'_>, id: &str, properties: Value, excuses: &[Excuse]) {
        self.methods.push((id.to_owned(), properties.clone()));
        let method = template.add(ApiMethod, id, "", properties);
        template.excuse(&method, excuses);
    }
}

fn stage(
    template: &mut Template<'_>,
    site: &Site<'_>,
    keys: &Keys,
    api: &Handle<RestApi>,
    methods: &[(String, Value)],
) -> Handle<ApiStage> {
    let logs = template.add(
        LogGroup,
        "ApiLogs",
        &site.names.log_group(site.region, "api"),
        json!({"RetentionInDays": site.deployment.retention.logs_days, "KmsKeyId": keys.logs}),
    );

    // A deployment is a copy: another content needs another one, and so another id.
    let mut digest = Sha256::new();
    for (id, content) in methods {
        digest.update(id);
        digest.update(content.to_string());
    }
    let digest = digest.finalize();
    let id = format!(
        "Deployment{:02X}{:02X}{:02X}{:02X}",
        digest[0], digest[1], digest[2], digest[3]
    );
    let deployment = template.add(ApiDeployment, id, "", json!({"RestApiId": api.reference()}));
    let ids: Vec<&str> = methods.iter().map(|(id, _)| id.as_str()).collect();
    template.wait(&deployment, &ids);

    let certificate = template.add(
        ApiClientCertificate,
        "ClientCertificate",
        &site.name("api"),
        json!({"Description": "what this API shows to what it calls"}),
    );
    let (rate, burst) = (site.deployment.api.rate_per_s, site.deployment.api.burst);
    let setting = |path: &str, method: &str, (rate, burst): (u32, u32)| {
        json!({
            "ResourcePath": path, "HttpMethod": method, "MetricsEnabled": true, "LoggingLevel": "INFO", "DataTraceEnabled": false,
            "ThrottlingRateLimit": rate, "ThrottlingBurstLimit": burst,
        })
    };
    let mut settings = vec![
        setting("/*", "*", (rate, burst)),
        setting("/~1health", "GET", ACCOUNT_LIMIT),
    ];
    if site.is_standby() {
        settings.push(setting("/~1switch", "GET", ACCOUNT_LIMIT));
    }
    let format = json!({
        "requestId": "$context.requestId", "ip": "$context.identity.sourceIp", "caller": "$context.identity.caller",
        "time": "$context.requestTime", "method": "$context.httpMethod", "path": "$context.path",
        "status": "$context.status", "latency": "$context.responseLatency", "error": "$context.error.message",
    });
    let stage = template.add(
        ApiStage,
        "Stage",
        "",
        json!({
            "RestApiId": api.reference(), "DeploymentId": deployment.reference(), "StageName": STAGE,
            "ClientCertificateId": certificate.reference(), "TracingEnabled": true, "MethodSettings": settings,
            "AccessLogSetting": {"DestinationArn": logs.arn(), "Format": format.to_string()},
        }),
    );
    if site.is_standby() {
        template.excuse(&stage, &[Excuse::Lint("UL429", STANDBY_ONLY)]);
    }
    template.excuse(
        &stage,
        &[
            Excuse::Checkov("CKV_AWS_120", NEVER_CACHED),
            Excuse::Nag("APIGWCacheEnabledAndEncrypted", NEVER_CACHED),
        ],
    );
    stage
}

/// The role by which API Gateway writes logs. It comes with an earlier stack: an account has one for all of its APIs, so a
/// reconciler sets it, and a stage with logs is refused before. The APIs of other environments write with it as well.
pub(super) fn logs_role(template: &mut Template<'_>, site: &Site<'_>) {
    let groups = ["/understudy/*", "/aws/apigateway/*", "API-Gateway-Execution-Logs_*"];
    let groups = groups.map(|group| site.arn("logs", &format!("log-group:{group}")));
    let role = iam::service_role(
        template,
        site,
        ["ApiLogsRole", "ApiLogsPolicy"],
        "api-logs",
        &iam::trust(site, "apigateway.amazonaws.com"),
        vec![
            iam::allow(
                "Logs",
                &[
                    "logs:CreateLogGroup",
                    "logs:CreateLogStream",
                    "logs:DescribeLogStreams",
                    "logs:FilterLogEvents",
                    "logs:GetLogEvents",
                    "logs:PutLogEvents",
                ],
                json!(groups),
            ),
            // API Gateway tries the role with it before it takes it.
            iam::allow(
                "LogGroups",
                &["logs:DescribeLogGroups"],
                json!(site.arn("logs", "log-group:*")),
            ),
        ],
    );
    template.export("api-logs-role", role.arn());
}

fn firewall(
    template: &mut Template<'_>,
    site: &Site<'_>,
    keys: &Keys,
    api: &Handle<RestApi>,
    stage: &Handle<ApiStage>,
) {
    let visible =
        |name: &str| json!({"CloudWatchMetricsEnabled": true, "SampledRequestsEnabled": true, "MetricName": name});
    let managed = |priority: u32, name: &str| {
        json!({
            "Name": name, "Priority": priority, "OverrideAction": {"None": {}}, "VisibilityConfig": visible(name),
            "Statement": {"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": name}},
        })
    };
    let acl = template.add(
        WebAcl,
        "Firewall",
        &site.name("firewall"),
        json!({
            "Scope": "REGIONAL", "DefaultAction": {"Allow": {}}, "VisibilityConfig": visible("firewall"),
            "Rules": [managed(0, "AWSManagedRulesKnownBadInputsRuleSet"), managed(1, "AWSManagedRulesCommonRuleSet")],
        }),
    );
    let stage_arn = json!({"Fn::Join": ["", [
        format!("arn:{}:apigateway:{}::/restapis/", site.names.partition(), site.region), api.reference(), "/stages/", stage.reference(),
    ]]});
    template.add(
        WebAclAssociation,
        "FirewallOfStage",
        "",
        json!({"ResourceArn": stage_arn, "WebACLArn": acl.arn()}),
    );
    template.add(
        LogGroup,
        "FirewallLogs",
        // The name must begin so.
        &format!("aws-waf-logs-{}", site.name("api")),
        json!({"RetentionInDays": site.deployment.retention.logs_days, "KmsKeyId": keys.logs}),
    );
    let logging = template.add(
        WebAclLogging,
        "FirewallLogging",
        "",
        json!({
            "ResourceArn": acl.arn(),
            "LogDestinationConfigs": [site.arn("logs", &format!("log-group:aws-waf-logs-{}", site.name("api")))],
            // What was signed stays out of the log.
            "RedactedFields": [{"SingleHeader": {"Name": "authorization"}}],
        }),
    );
    template.wait(&logging, &["FirewallLogs"]);
}
