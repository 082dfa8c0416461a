//! What each witness says about each region.

use maud::{Markup, html};

use crate::service::operators::desk::Scene;
use crate::service::operators::shapes::WitnessAnswer;
use crate::words;

/// How an assessment looks: `ok`, `warn`, `bad` or `none`.
pub(super) fn tone(assessment: &str) -> &'static str {
    match assessment {
        "steady" => "ok",
        "degraded" | "isolated" | "shared fault" => "warn",
        "unknown" => "none",
        _ => "bad",
    }
}

pub(super) fn draw(scene: &Scene) -> Markup {
    let regions: Vec<&str> = scene
        .status
        .regions
        .iter()
        .map(|region| region.region.as_str())
        .collect();
    let mut names: Vec<&WitnessAnswer> = Vec::new();
    for witness in &scene.why.witnesses {
        if names.iter().all(|seen| seen.witness != witness.witness) {
            names.push(witness);
        }
    }
    // Those that decide come first.
    names.sort_by_key(|witness| !witness.quorum);
    html! {
        section data-part="evidence" aria-labelledby="h-evidence" {
            h2 #h-evidence { "Evidence" }
            p .quiet { "A quorum counts failure domains, not witnesses. Silence is neither healthy nor breached." }
            table .evidence {
                thead { tr {
                    th scope="col" { "Witness" }
                    @for region in &regions { th scope="col" { (region) } }
                } }
                tbody {
                    @for witness in names {
                        tr {
                            th scope="row" {
                                (witness.witness)
                                small { (witness.failure_domain) @if witness.quorum { ", " strong { "quorum" } } }
                            }
                            @for region in &regions {
                                td { (cell(scene, &witness.witness, region)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn cell(scene: &Scene, witness: &str, region: &str) -> Markup {
    let seen = scene
        .why
        .witnesses
        .iter()
        .find(|seen| seen.witness == witness && seen.region == region);
    html! {
        @if let Some(seen) = seen {
            span .verdict data-verdict=(seen.verdict) { (seen.verdict) }
            small {
                @match seen.heard_seconds_ago {
                    Some(ago) => { "heard " (words::span(ago)) " ago" }
                    None => { "never heard" }
                }
                @if seen.flapping { ", " strong { "flapping" } }
                @if seen.delayed { ", " strong { "delayed" } }
            }
        }
    }
}
