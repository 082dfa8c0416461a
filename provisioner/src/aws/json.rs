//! Two services that are asked one question each, in AWS's JSON protocol: which resources carry a tag, and what a quota is.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::{Value, json};
use understudy_policies::model::RegionName;

use super::Connections;
use super::request::Request;
use super::trouble::{Trouble, TroubleKind};

/// Pages of resources, 100 on each. A bound, so that nothing turns for ever.
const PAGES_MAX: usize = 100;

/// A service that speaks JSON.
struct Service {
    /// As its address and its signature call it.
    name: &'static str,
    /// The ending of its environment variable.
    variable: &'static str,
    /// What begins the names of its calls.
    target: &'static str,
    /// What begins the names of its permissions.
    permissions: &'static str,
}

const TAGGING: Service = Service {
    name: "tagging",
    variable: "RESOURCE_GROUPS_TAGGING_API",
    target: "ResourceGroupsTaggingAPI_20170126",
    permissions: "tag",
};
const QUOTAS: Service = Service {
    name: "servicequotas",
    variable: "SERVICE_QUOTAS",
    target: "ServiceQuotasV20190624",
    permissions: "servicequotas",
};

impl Service {
    async fn call(
        &self,
        aws: &Connections,
        region: &RegionName,
        action: &str,
        parameters: &Value,
    ) -> Result<Value, Trouble> {
        let permission = format!("{}:{action}", self.permissions);
        let target = format!("{}.{action}", self.target);
        let body = parameters.to_string();
        let request = Request {
            connections: aws,
            region,
            method: Method::POST,
            host: None,
            path: "",
            service: self.name,
            variable: self.variable,
            permission: &permission,
            headers: &[
                ("content-type", "application/x-amz-json-1.1"),
                ("x-amz-target", &target),
            ],
            body: &body,
        };
        let answer = request.send().await?;
        let object: Value = serde_json::from_str(&answer.text)
            .map_err(|why| request.trouble(TroubleKind::Call, format!("the answer is not JSON: {why}")))?;
        if answer.good {
            return Ok(object);
        }
        let text = |names: &[&str]| names.iter().find_map(|name| object[*name].as_str()).unwrap_or_default();
        // Some services say which of their name spaces the code is of.
        let code = text(&["__type", "code"]);
        let code = code.rsplit('#').next().unwrap_or(code);
        let said = match text(&["message", "Message"]) {
            "" => "no reason given",
            said => said,
        };
        Err(Trouble::of(&permission, region.as_str(), code, said))
    }
}

/// The ARNs of a region's resources that carry a tag, with all of their tags.
///
/// # Errors
/// When AWS does not tell.
pub async fn tagged(
    aws: &Connections,
    region: &RegionName,
    (key, value): (&str, &str),
) -> Result<BTreeMap<String, BTreeMap<String, String>>, Trouble> {
    let mut all = BTreeMap::new();
    let mut token = String::new();
    let mut seen = BTreeSet::new();
    for _ in 0..PAGES_MAX {
        let filter = json!({
            "TagFilters": [{"Key": key, "Values": [value]}], "ResourcesPerPage": 100, "PaginationToken": token,
        });
        let answer = TAGGING.call(aws, region, "GetResources", &filter).await?;
        for found in answer["ResourceTagMappingList"].as_array().into_iter().flatten() {
            let tags = found["Tags"].as_array().into_iter().flatten();
            let tags =
                tags.filter_map(|tag| Some((tag["Key"].as_str()?.to_owned(), tag["Value"].as_str()?.to_owned())));
            let arn = found["ResourceARN"].as_str().unwrap_or_default();
            all.insert(arn.to_owned(), tags.collect());
        }
        answer["PaginationToken"]
            .as_str()
            .unwrap_or_default()
            .clone_into(&mut token);
        if token.is_empty() || !seen.insert(token.clone()) {
            break;
        }
    }
    Ok(all)
}

/// What a quota of this account is in a region.
///
/// # Errors
/// When AWS does not tell.
pub async fn quota(aws: &Connections, region: &RegionName, service: &str, code: &str) -> Result<f64, Trouble> {
    let which = json!({"ServiceCode": service, "QuotaCode": code});
    let answer = QUOTAS.call(aws, region, "GetServiceQuota", &which).await?;
    answer["Quota"]["Value"].as_f64().ok_or_else(|| {
        Trouble::own(
            TroubleKind::Call,
            format!("Service Quotas says no value for {code} of {service} in {region}"),
        )
    })
}
