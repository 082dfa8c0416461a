//! The APIs through which orders come in.

use std::collections::{BTreeMap, BTreeSet};

use super::aurora::properties_differ;
use super::{routes, rules};
use crate::lint::finding::{Findings, Spot, named};
use crate::lint::pair::Pair;
use crate::lint::side::{Resource, Side, arn_region, regions};
use crate::lint::value::{Node, Piece};

rules! {
    STAGE = "UL421": "stage names differ",
        "clients and health checks ask for a path that exists in one region only",
        "give both stages the same name";
    ROUTE = "UL422": "a route on one side only",
        "clients that are sent to the other region find no such path",
        "declare the route in both regions";
    AUTHORIZATION = "UL423": "a route is authorized in another way",
        "clients are refused in the region that takes over, or let in without asking",
        "give the route the same authorization in both regions";
    HEALTH = "UL424": "a health path that asks for authorization",
        "health checks carry no credentials: the region looks lost for ever",
        "let the health path answer without authorization and without an API key";
    PRIVATE = "UL425": "a private API behind a health check",
        "the checkers are outside of the network and never reach it: the region looks lost for ever",
        "make the API regional, or check something that the checkers can reach";
    DOMAIN = "UL426": "a domain name on one side only",
        "the region without it refuses clients that come under this name",
        "declare the domain name in both regions, with a certificate in each";
    CERTIFICATE = "UL427": "a certificate of the wrong region, or none",
        "a regional domain name takes certificates of its own region, an edge-optimized one those of us-east-1: it cannot be made",
        "name a certificate of the right region";
    TLS = "UL428": "a weaker TLS policy on one side",
        "after the failover clients may speak a version that the firm has ruled out",
        "set SecurityPolicy to TLS_1_2 or better in both regions";
    THROTTLE = "UL429": "throttling differs",
        "the region that takes over turns orders away that the other would have taken",
        "give both the same limits";
    EDGE = "UL430": "one edge-optimized domain name in both regions",
        "an edge-optimized domain name is a CloudFront alias, and unique in the world: the second cannot be made",
        "make the domain names REGIONAL";
    DIRECT = "UL431": "an API that writes straight into a queue",
        "nothing between them can refuse or mark an order: a fenced region goes on accepting",
        "put a function between them that reads the lease and stamps the epoch";
    INTEGRATION = "UL432": "an integration in another region",
        "the API depends on two regions instead of one",
        "integrate with the function or the service of this region";
    ENDPOINT_TYPE = "UL433": "endpoint types differ",
        "the same request takes another path, and may be refused in one of the regions",
        "give both APIs the same endpoint type";
    SIGNATURE = "UL434": "signatures of one region under a name of both",
        "a signature by SigV4 names a region, and the other one refuses it: after a failover clients are refused until they sign anew",
        "have clients sign for both regions (SigV4a), or for the one that the name leads to, and suppress this with that as the reason";
}

const APIS: &[&str] = &["AWS::ApiGateway::RestApi", "AWS::ApiGatewayV2::Api"];
const DOMAINS: &[&str] = &["AWS::ApiGateway::DomainName", "AWS::ApiGatewayV2::DomainName"];

pub(super) fn check(pair: &Pair<'_>, found: &mut Findings<'_>) {
    for couple in pair.couples(APIS) {
        api(pair, couple, found);
    }
    for couple in pair.couples(&["AWS::ApiGateway::Stage", "AWS::ApiGatewayV2::Stage"]) {
        properties_differ(pair, couple, &[("StageName", "")], &STAGE, found);
        let limits = [
            ("MethodSettings", ""),
            ("DefaultRouteSettings", ""),
            ("RouteSettings", ""),
        ];
        properties_differ(pair, couple, &limits, &THROTTLE, found);
    }
    for couple in pair.couples(&["AWS::ApiGateway::UsagePlan"]) {
        properties_differ(pair, couple, &[("Throttle", ""), ("Quota", "")], &THROTTLE, found);
    }
    for couple in pair.couples(DOMAINS) {
        domains(pair, couple, found);
    }
    for side in pair.sides() {
        let other = pair.side(side.role.other());
        for domain in pair.alone(side, DOMAINS) {
            let name = domain.get("DomainName");
            if name.text().is_some() {
                let reason = format!(
                    "{} does not answer under `{}` of {}",
                    named(other),
                    name.shown(),
                    named(side)
                );
                found.alone(&DOMAIN, side, domain, reason);
            }
        }
        for domain in side
            .resources
            .iter()
            .filter(|resource| DOMAINS.contains(&resource.kind.as_str()))
        {
            certificate(side, domain, found);
        }
        for api in side
            .resources
            .iter()
            .filter(|resource| APIS.contains(&resource.kind.as_str()))
        {
            health(pair, side, api, found);
        }
        integrations(side, found);
    }
}

fn api(pair: &Pair<'_>, couple: (&Resource, &Resource), found: &mut Findings<'_>) {
    let (a, b) = couple;
    let kinds = |api: &Resource| match api.get("EndpointConfiguration.Types") {
        node if node.is_absent() => Node::literal(None, "EDGE"),
        node => node.each().first().cloned().unwrap_or_else(|| node.clone()),
    };
    let (x, y) = (kinds(a), kinds(b));
    if pair.differ(&x, &y) {
        let reason = format!(
            "{} in {}, {} in {}",
            y.shown(),
            named(&pair.standby),
            x.shown(),
            named(&pair.primary)
        );
        found.differ(&ENDPOINT_TYPE, couple, "EndpointConfiguration", reason);
    }
    let (Some(first), Some(second)) = (routes::of(&pair.primary, a), routes::of(&pair.standby, b)) else {
        return;
    };
    for (side, api, have, other_side, other_api, lack) in [
        (&pair.primary, a, &first, &pair.standby, b, &second),
        (&pair.standby, b, &second, &pair.primary, a, &first),
    ] {
        if !other_side.opaque.is_empty() {
            continue;
        }
        for (name, route) in have.iter().filter(|(name, _)| !lack.contains_key(*name)) {
            let reason = format!(
                "`{name}` of `{}` exists in {} and not in {}",
                api.logical(),
                named(side),
                named(other_side)
            );
            let spots = [
                Spot::resource(other_side, other_api),
                Spot::value(side, route.resource, route.node),
            ];
            found.add(&ROUTE, reason, &spots);
        }
    }
    signatures(pair, couple, [&first, &second], found);
    for (name, route) in &first {
        let Some(other) = second.get(name) else { continue };
        if let (Some(x), Some(y)) = (route.authorized, other.authorized) {
            let kind = |route: &routes::Route<'_>| route.resource.get("AuthorizationType").clone();
            if x != y || x && pair.differ(&kind(route), &kind(other)) {
                let say = |needed: bool| {
                    if needed {
                        "asks for authorization"
                    } else {
                        "does not ask"
                    }
                };
                let reason = format!(
                    "`{name}` {} in {} and {} in {}",
                    say(y),
                    named(&pair.standby),
                    say(x),
                    named(&pair.primary)
                );
                let spots = [
                    Spot::value(&pair.standby, other.resource, other.node),
                    Spot::value(&pair.primary, route.resource, route.node),
                ];
                found.add(&AUTHORIZATION, reason, &spots);
            }
        }
    }
}

type Routes<'a> = BTreeMap<String, routes::Route<'a>>;

/// Routes that both regions open to whoever signs, behind a name that leads to either.
fn signatures(
    pair: &Pair<'_>,
    (a, b): (&Resource, &Resource),
    [first, second]: [&Routes<'_>; 2],
    found: &mut Findings<'_>,
) {
    let other_names = names(&pair.standby, b);
    let Some(shared) = names(&pair.primary, a)
        .into_iter()
        .find(|name| other_names.contains(name))
    else {
        return;
    };
    for (name, route) in first {
        let Some(other) = second.get(name).filter(|other| signed(route) && signed(other)) else {
            continue;
        };
        let spots = [
            Spot::value(&pair.standby, other.resource, other.node),
            Spot::value(&pair.primary, route.resource, route.node),
        ];
        let reason = format!("`{name}` under `{shared}` takes signatures of the region that it leads to only");
        found.add(&SIGNATURE, reason, &spots);
    }
}

/// The custom domain names under which an API answers, as far as they are known.
fn names(side: &Side, api: &Resource) -> BTreeSet<String> {
    let kinds = [
        ("AWS::ApiGateway::BasePathMapping", "RestApiId"),
        ("AWS::ApiGatewayV2::ApiMapping", "ApiId"),
    ];
    let mappings = kinds
        .into_iter()
        .flat_map(|(kind, key)| side.of(kind).map(move |mapping| (mapping, key)));
    mappings
        .filter(|(mapping, key)| {
            let target = mapping.get(key).target();
            target.is_some_and(|(target, _)| *target == api.target)
        })
        .filter_map(
            |(mapping, _)| match &side.expand(mapping.get("DomainName").pieces())[..] {
                [Piece::Literal(name)] => Some(name.clone()),
                _ => None,
            },
        )
        .collect()
}

/// Whether a route is for whoever signs with a role of AWS.
fn signed(route: &routes::Route<'_>) -> bool {
    let by_method = route.resource.get("AuthorizationType");
    if by_method.is_present() {
        return by_method.text() == Some("AWS_IAM");
    }
    let body = route.resource.get("Body");
    let own = route.node.get("security");
    let asked = if own.is_present() { own } else { body.get("security") };
    let schemes = asked.items().iter().flat_map(Node::entries);
    schemes.into_iter().any(|(name, _)| {
        ["components.securitySchemes", "securityDefinitions"]
            .iter()
            .any(|place| {
                let scheme = body.at(place).get(name);
                scheme.get("x-amazon-apigateway-authtype").text() == Some("awsSigv4")
            })
    })
}

fn domains(pair: &Pair<'_>, couple: (&Resource, &Resource), found: &mut Findings<'_>) {
    let (a, b) = couple;
    let policy = |domain: &Resource| {
        let own = domain.get("SecurityPolicy");
        let node = if own.is_present() {
            own
        } else {
            domain
                .get("DomainNameConfigurations")
                .items()
                .first()
                .map_or(own, |first| first.get("SecurityPolicy"))
        };
        node.text().map(str::to_owned)
    };
    if let (Some(x), Some(y)) = (policy(a), policy(b)) {
        // TLS_1_0 < TLS_1_2 < SecurityPolicy_TLS13_...: the names sort by strength once their prefix is gone.
        let strength = |name: &str| name.trim_start_matches("SecurityPolicy_").replace(['_', '.'], "");
        if x != y {
            let (weak, strong) = if strength(&y) < strength(&x) {
                (&pair.standby, &pair.primary)
            } else {
                (&pair.primary, &pair.standby)
            };
            let reason = format!(
                "{} in {}, {} in {}; {} is weaker than {}",
                y,
                named(&pair.standby),
                x,
                named(&pair.primary),
                weak.region,
                strong.region
            );
            found.differ(&TLS, couple, "SecurityPolicy", reason);
        }
    }
    let edge = |domain: &Resource| domain.get("EndpointConfiguration.Types").texts().contains(&"EDGE");
    let (x, y) = (a.get("DomainName"), b.get("DomainName"));
    if x.text().is_some() && x.text() == y.text() && edge(a) && edge(b) {
        found.differ(
            &EDGE,
            couple,
            "DomainName",
            format!("`{}` is edge-optimized in both regions", y.shown()),
        );
    }
}

fn certificate(side: &Side, domain: &Resource, found: &mut Findings<'_>) {
    let mut judge = |node: &Node, wanted: &str| {
        if let Some(region) = side.region_of(node).filter(|region| region != wanted) {
            let reason = format!("the certificate is of {region}, and must be of {wanted}");
            found.add(&CERTIFICATE, reason, &[Spot::value(side, domain, node)]);
        }
    };
    judge(domain.get("RegionalCertificateArn"), &side.region);
    // CloudFront takes its certificates from there.
    judge(domain.get("CertificateArn"), "us-east-1");
    for configuration in domain.get("DomainNameConfigurations").items() {
        judge(configuration.get("CertificateArn"), &side.region);
    }
    let regional = domain.get("EndpointConfiguration.Types").texts() == ["REGIONAL"];
    if regional && domain.get("RegionalCertificateArn").is_absent() {
        let reason = format!("`{}` is regional and names no RegionalCertificateArn", domain.logical());
        found.add(&CERTIFICATE, reason, &[Spot::resource(side, domain)]);
    }
}

/// The checks of either side that ask for something over HTTP.
fn http_checks<'a>(pair: &'a Pair<'_>) -> Vec<(&'a Side, &'a Resource, &'a Node)> {
    let mut checks = Vec::new();
    for side in pair.sides() {
        for check in side.of("AWS::Route53::HealthCheck") {
            let config = check.get("HealthCheckConfig");
            if config.get("Type").text().is_some_and(|kind| kind.starts_with("HTTP")) {
                checks.push((side, check, config));
            }
        }
    }
    checks
}

fn health(pair: &Pair<'_>, side: &Side, api: &Resource, found: &mut Findings<'_>) {
    let checks = http_checks(pair);
    for (name, route) in routes::of(side, api).unwrap_or_default() {
        let path = name.split_once(' ').map_or(name.as_str(), |(_, path)| path);
        let asked = checks.iter().find(|(_, _, config)| {
            let asked = config
                .get("ResourcePath")
                .text()
                .map(|asked| asked.trim_end_matches('/'));
            path != "/" && asked.is_some_and(|asked| asked == path || asked.ends_with(path))
        });
        let by_name = matches!(
            path.rsplit('/').next(),
            Some("health" | "healthz" | "healthcheck" | "health-check")
        );
        if route.authorized == Some(true) && (asked.is_some() || by_name) && !name.starts_with("OPTIONS") {
            let mut spots = vec![Spot::value(side, route.resource, route.node)];
            spots.extend(asked.map(|(of, check, config)| Spot::value(of, check, config.get("ResourcePath"))));
            found.add(
                &HEALTH,
                format!("`{name}` asks for authorization in {}", named(side)),
                &spots,
            );
        }
    }
    if !api.get("EndpointConfiguration.Types").texts().contains(&"PRIVATE") {
        return;
    }
    for (of, check, config) in checks {
        let host = config.get("FullyQualifiedDomainName");
        let refers = host
            .pieces()
            .iter()
            .any(|piece| matches!(piece, Piece::Resource(target, _) if of.role == side.role && *target == api.target));
        let mapped = side.of("AWS::ApiGateway::BasePathMapping").any(|mapping| {
            let to_api = mapping
                .get("RestApiId")
                .target()
                .is_some_and(|(target, _)| *target == api.target);
            let name = side.expand(mapping.get("DomainName").pieces());
            to_api && !name.is_empty() && name == of.expand(host.pieces())
        });
        if refers || mapped {
            let reason = format!(
                "`{}` is private in {}, and `{}` checks it",
                api.logical(),
                named(side),
                check.logical()
            );
            let spots = [
                Spot::value(side, api, api.get("EndpointConfiguration")),
                Spot::value(of, check, config.get("FullyQualifiedDomainName")),
            ];
            found.add(&PRIVATE, reason, &spots);
        }
    }
}

fn integrations(side: &Side, found: &mut Findings<'_>) {
    for resource in &side.resources {
        let mut nodes = Vec::new();
        match resource.kind.as_str() {
            "AWS::ApiGateway::Method" => nodes.push(resource.get("Integration.Uri")),
            "AWS::ApiGatewayV2::Integration" => {
                nodes.push(resource.get("IntegrationUri"));
                let direct = resource.get("IntegrationSubtype");
                if direct.text().is_some_and(|kind| kind.starts_with("SQS-")) {
                    found.add(
                        &DIRECT,
                        format!("`{}` sends to a queue itself", resource.logical()),
                        &[Spot::value(side, resource, direct)],
                    );
                }
            }
            "AWS::ApiGateway::RestApi" => resource.get("Body").walk(&mut |node| {
                let integration = node.get("x-amazon-apigateway-integration");
                if integration.is_present() {
                    nodes.push(integration.get("uri"));
                }
            }),
            _ => {}
        }
        for node in nodes {
            let letters: String = node
                .pieces()
                .iter()
                .filter_map(|piece| match piece {
                    Piece::Literal(letters) => Some(letters.as_str()),
                    _ => None,
                })
                .collect();
            if letters.contains(":sqs:path/") || letters.contains(":sqs:action/") {
                found.add(
                    &DIRECT,
                    format!("`{}` sends to a queue itself", resource.logical()),
                    &[Spot::value(side, resource, node)],
                );
            }
            let inner = letters.split_once("/functions/").map_or("", |(_, inner)| inner);
            let far = arn_region(node.pieces())
                .into_iter()
                .chain(regions(inner))
                .find(|region| *region != side.region);
            if let Some(region) = far {
                let reason = format!("`{}` is in {} and calls {region}", resource.logical(), named(side));
                found.add(&INTEGRATION, reason, &[Spot::value(side, resource, node)]);
            }
        }
    }
}
