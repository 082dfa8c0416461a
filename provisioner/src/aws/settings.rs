//! Settings that an account has once, and that every environment in it shares: by which role API Gateway writes logs, and whether
//! S3 lets anything be public.

use reqwest::Method;
use serde_json::{Value, json};
use understudy_policies::model::RegionName;

use super::Connections;
use super::ec2::{Element, TYPE, encoded};
use super::request::{Answer, Request};
use super::trouble::{Trouble, TroubleKind};

/// The version of IAM's API.
const IAM_VERSION: &str = "2010-05-08";
/// Where IAM is asked, for each of the partitions that AWS keeps apart: its host, and the region that is signed for.
const IAM: [(&str, &str, &str); 3] = [
    ("cn-", "iam.cn-north-1", "cn-north-1"),
    ("us-gov-", "iam.us-gov", "us-gov-west-1"),
    ("", "iam", "us-east-1"),
];

/// The role by which API Gateway writes logs in a region, if one is set.
///
/// # Errors
/// When AWS does not tell.
pub async fn api_logs_role(aws: &Connections, region: &RegionName) -> Result<Option<String>, Trouble> {
    let answer = gateway(aws, region, Method::GET, "").await?;
    let role = answer["cloudwatchRoleArn"].as_str().filter(|role| !role.is_empty());
    Ok(role.map(str::to_owned))
}

/// Sets that role, or none.
///
/// # Errors
/// When AWS refuses it.
pub async fn set_api_logs_role(aws: &Connections, region: &RegionName, role: Option<&str>) -> Result<(), Trouble> {
    let operation = json!({"op": "replace", "path": "/cloudwatchRoleArn", "value": role.unwrap_or_default()});
    let body = json!({"patchOperations": [operation]}).to_string();
    gateway(aws, region, Method::PATCH, &body).await?;
    Ok(())
}

async fn gateway(aws: &Connections, region: &RegionName, method: Method, body: &str) -> Result<Value, Trouble> {
    let permission = format!("apigateway:{method}");
    let request = Request {
        connections: aws,
        region,
        method,
        host: None,
        path: "account",
        service: "apigateway",
        variable: "API_GATEWAY",
        permission: &permission,
        headers: &[("content-type", "application/json"), ("accept", "application/json")],
        body,
    };
    let answer = request.send().await?;
    let object: Value = serde_json::from_str(&answer.text)
        .map_err(|why| request.trouble(TroubleKind::Call, format!("the answer is not JSON: {why}")))?;
    if answer.good {
        return Ok(object);
    }
    let text = |names: &[&str]| names.iter().find_map(|name| object[*name].as_str()).unwrap_or_default();
    let (code, said) = (text(&["__type", "code"]), text(&["message", "Message"]));
    let code = if code.is_empty() { &answer.code } else { code };
    Err(Trouble::of(&permission, region.as_str(), code, said))
}

/// Whether a role is there, by its ARN. One of another account is taken to be there: nobody here may look.
///
/// # Errors
/// When AWS does not tell.
pub async fn role_exists(aws: &Connections, region: &RegionName, account: &str, arn: &str) -> Result<bool, Trouble> {
    if arn.split(':').nth(4) != Some(account) {
        return Ok(true);
    }
    let name = arn.rsplit('/').next().unwrap_or_default();
    let (_, host, signed) = IAM
        .into_iter()
        .find(|(prefix, ..)| region.as_str().starts_with(prefix))
        .unwrap_or(IAM[2]);
    let signed = RegionName::new(signed).map_err(|why| Trouble::own(TroubleKind::Unfit, why.to_string()))?;
    let body = format!("Action=GetRole&Version={IAM_VERSION}&RoleName={}", encoded(name));
    let request = Request {
        connections: aws,
        region: &signed,
        method: Method::POST,
        host: Some(host),
        path: "",
        service: "iam",
        variable: "IAM",
        permission: "iam:GetRole",
        headers: &[("content-type", TYPE)],
        body: &body,
    };
    let answer = request.send().await?;
    match xml_trouble(&request, &answer) {
        None => Ok(true),
        Some(trouble) if trouble.is(&["NoSuchEntity"]) => Ok(false),
        Some(trouble) => Err(trouble),
    }
}

/// Whether the account lets a bucket's policy make an object public. Without a setting of its own, it does.
///
/// # Errors
/// When AWS does not tell.
pub async fn objects_may_be_public(aws: &Connections, region: &RegionName, account: &str) -> Result<bool, Trouble> {
    let host = format!("{account}.s3-control.{region}");
    let request = Request {
        connections: aws,
        region,
        method: Method::GET,
        host: Some(&host),
        path: "v20180820/configuration/publicAccessBlock",
        service: "s3",
        variable: "S3_CONTROL",
        permission: "s3:GetAccountPublicAccessBlock",
        headers: &[("x-amz-account-id", account)],
        body: "",
    };
    let answer = request.send().await?;
    match xml_trouble(&request, &answer) {
        Some(trouble) if trouble.is(&["NoSuchPublicAccessBlockConfiguration"]) => Ok(true),
        Some(trouble) => Err(trouble),
        None => {
            let root = Element::read(&answer.text).unwrap_or_default();
            Ok(root.deep("BlockPublicPolicy") != "true" && root.deep("RestrictPublicBuckets") != "true")
        }
    }
}

fn xml_trouble(request: &Request<'_>, answer: &Answer) -> Option<Trouble> {
    if answer.good {
        return None;
    }
    let Some(root) = Element::read(&answer.text) else {
        return Some(request.trouble(
            TroubleKind::Call,
            "the answer is not XML; is this the service's endpoint?",
        ));
    };
    let (code, said) = (root.deep("Code"), root.deep("Message"));
    Some(Trouble::of(request.permission, request.region.as_str(), code, said))
}
