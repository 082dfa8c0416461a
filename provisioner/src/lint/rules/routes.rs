//! The routes of an API, however they are declared: as methods, as routes of an HTTP API, in an OpenAPI body, or as events
//! of SAM functions.

use std::collections::BTreeMap;

use crate::lint::side::{Resource, Side};
use crate::lint::value::Node;

/// One route: what it needs, and where it is declared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Route<'a> {
    pub(super) resource: &'a Resource,
    pub(super) node: &'a Node,
    /// `None` if not known.
    pub(super) authorized: Option<bool>,
}

/// The routes of an API by `METHOD /path`; `None` if some of them are unknown.
pub(super) fn of<'a>(side: &'a Side, api: &'a Resource) -> Option<BTreeMap<String, Route<'a>>> {
    let mut routes = BTreeMap::new();
    let belongs = |node: &Node| node.target().is_some_and(|(target, _)| *target == api.target);
    let alone = side.of(&api.kind).count() == 1;
    for method in side.of("AWS::ApiGateway::Method") {
        let id = method.get("RestApiId");
        // SAM's implicit API has no id.
        if !(belongs(id) || id.is_absent() && alone) {
            continue;
        }
        let path = match method.get("Understudy::Path") {
            node if node.is_present() => node.text()?.to_owned(),
            _ => path(side, method.get("ResourceId"), 0)?,
        };
        let verb = method.get("HttpMethod").text()?.to_uppercase();
        let keyed = method.get("ApiKeyRequired").yes_or(false);
        let kind = match method.get("AuthorizationType") {
            node if node.is_absent() => Some(false),
            node => node.text().map(|kind| kind != "NONE"),
        };
        let authorized = kind.zip(keyed).map(|(kind, keyed)| kind || keyed);
        routes.insert(
            format!("{verb} {path}"),
            Route {
                resource: method,
                node: &method.properties,
                authorized,
            },
        );
    }
    for route in side
        .of("AWS::ApiGatewayV2::Route")
        .filter(|route| belongs(route.get("ApiId")))
    {
        let authorized = match route.get("AuthorizationType") {
            node if node.is_absent() => Some(false),
            node => node.text().map(|kind| kind != "NONE"),
        };
        routes.insert(
            route.get("RouteKey").text()?.to_owned(),
            Route {
                resource: route,
                node: &route.properties,
                authorized,
            },
        );
    }
    let body = api.get("Body");
    if body.is_unknown() || api.get("BodyS3Location").is_present() {
        return None;
    }
    let default = body.get("security").items().len();
    for (path, methods) in body.get("paths").entries() {
        for (verb, operation) in methods.entries().iter().filter(|(verb, _)| is_verb(verb)) {
            let verb = if verb == "x-amazon-apigateway-any-method" {
                "ANY".to_owned()
            } else {
                verb.to_uppercase()
            };
            let security = operation.get("security");
            let needed = if security.is_absent() {
                default
            } else {
                security.items().len()
            };
            let authorized = (!security.is_unknown()).then_some(needed > 0);
            routes.insert(
                format!("{verb} {path}"),
                Route {
                    resource: api,
                    node: operation,
                    authorized,
                },
            );
        }
    }
    Some(routes)
}

fn is_verb(key: &str) -> bool {
    matches!(
        key,
        "get" | "put" | "post" | "delete" | "options" | "head" | "patch" | "x-amazon-apigateway-any-method"
    )
}

/// The path of a resource of an API.
fn path(side: &Side, id: &Node, depth: usize) -> Option<String> {
    let (target, attribute) = id.target()?;
    if attribute == "RootResourceId" {
        return Some(if depth == 0 { "/".to_owned() } else { String::new() });
    }
    // API Gateway allows far fewer parts; the bound is against loops.
    if depth > 64 {
        return None;
    }
    let resource = &side.resources[side.number(target)?];
    let parent = path(side, resource.get("ParentId"), depth + 1)?;
    Some(format!("{parent}/{}", resource.get("PathPart").text()?))
}
