//! The parts of the page, from the top.

use maud::{Markup, html};

use super::{diagram, evidence, ledger};
use crate::service::operators::desk::Scene;
use crate::service::operators::shapes::{DecisionAnswer, StatusAnswer};
use crate::words;

/// Decisions that are shown.
const DECISIONS_MAX: usize = 8;

/// Who this is, and whether it acts.
pub(super) fn banner(status: &StatusAnswer) -> Markup {
    let armed = status.mode == "armed";
    html! {
        header data-part="banner" class=(if armed { "banner armed" } else { "banner shadow" }) {
            div .who {
                h1 { (status.region) " " small { "sidecar " (status.sidecar) } }
                p {
                    @if status.drives { "drives its region" } @else { "does not drive its region" }
                    @if status.serving { ", serving orders" } @else { ", not serving" }
                }
            }
            p .badges {
                @if armed { strong .badge { "ARMED" } " " span { "acts on its decisions" } }
                @else { strong .badge { "SHADOW" } " " span { "only records: no failover will happen" } }
                @if status.paused { " " strong .badge.paused { "PAUSED" } " " span { "no role change will happen" } }
            }
        }
    }
}

/// Everything below the banner: what needs somebody, and then three columns that a telephone shows one after another.
pub(super) fn main(scene: &Scene) -> Markup {
    let status = &scene.status;
    html! {
        (needs(scene))
        div .column { (state(status)) (ledger::draw(status.ledger.as_ref())) }
        div .column { (regions(status)) (lease(status)) (evidence::draw(scene)) }
        div .column { (decisions(scene)) (recent(scene)) }
    }
}

fn state(status: &StatusAnswer) -> Markup {
    let state = &status.state;
    html! {
        section data-part="state" aria-labelledby="h-state" {
            h2 #h-state { "State" }
            p #said .headline role="status" aria-live="polite" data-tone=(diagram::tone(&state.name)) {
                strong { (state.name) } ": " (state.meaning) "."
            }
            p .quiet data-part="state-time" {
                "For " (words::span(state.for_seconds))
                @if let Some(left) = state.deadline_in_seconds { ", at most " (words::span(left)) " more" }
                "."
                @if let Some(because) = &state.because { " " (because) }
            }
            (diagram::draw(&state.name))
        }
    }
}

fn regions(status: &StatusAnswer) -> Markup {
    html! {
        section data-part="regions" aria-labelledby="h-regions" {
            h2 #h-regions { "Regions" }
            div .cards {
                @for region in &status.regions {
                    div .card data-tone=(evidence::tone(&region.assessment)) {
                        h3 { (region.region) }
                        p .big { (region.assessment) }
                        p .quiet { (region.meaning) }
                        p {
                            (region.role)
                            @if region.holds_lease { ", " strong { "holds the lease" } }
                            @if region.region == status.region { ", this sidecar's own" }
                        }
                    }
                }
            }
        }
    }
}

fn needs(scene: &Scene) -> Markup {
    let status = &scene.status;
    html! {
        section data-part="needs" aria-labelledby="h-needs" {
            h2 #h-needs { "What needs you" }
            @if let Some(first) = &scene.consent {
                div .need.urgent {
                    p { strong { "A second person is needed: " } (first) " has consented to a loss above the bound." }
                    p { "Look at " code { "understudy-engine why" } ", and ask for the same if you agree:" }
                    p { code { "understudy-engine failover --accept-loss --by YOUR-NAME" } }
                }
            }
            @if status.needs.is_empty() && scene.consent.is_none() {
                p .fine { "Nothing." }
            }
            @for need in &status.needs {
                div class=(if need.urgent { "need urgent" } else { "need" }) {
                    p { strong { @if need.urgent { "Act: " } @else { "Note: " } } (need.what) }
                    p { "To do: " (need.todo) "." }
                    @if let Some(command) = &need.command { p { code { (command) } } }
                }
            }
        }
    }
}

fn lease(status: &StatusAnswer) -> Markup {
    let lease = &status.lease;
    html! {
        section data-part="lease" aria-labelledby="h-lease" {
            h2 #h-lease { "Lease and database" }
            dl {
                div { dt { "Holder" } dd { (lease.holder.as_deref().unwrap_or("not known yet")) } }
                div { dt { "Epoch" } dd { (lease.epoch) } }
                @if let Some(left) = lease.serving_seconds_left {
                    div { dt { "May serve for" } dd { (words::span(left)) " without another renewal" } }
                }
                @if let Some(left) = lease.expires_in_seconds {
                    div { dt { "Theirs runs out in" } dd {
                        @if left > 0.0 { (words::span(left)) ", unless it is renewed" } @else { "it has run out" }
                    } }
                }
                div { dt { "Store answered" } dd {
                    @match lease.read_seconds_ago {
                        Some(ago) => { (words::span(ago)) " ago" }
                        None => { "never" }
                    }
                } }
                @for driver in &lease.drivers {
                    div { dt { "Driver in " (driver.region) } dd {
                        @match driver.sidecar { Some(sidecar) => { "sidecar " (sidecar) } None => { "none yet" } }
                    } }
                }
                div { dt { "Standby" } dd {
                    @if lease.protected { "could take over" } @else { strong { "could not take over" } }
                } }
                @if let Some(claimer) = &lease.claimed_by { div { dt { "Claimed by" } dd { strong { (claimer) } } } }
                @if let Some(change) = &lease.role_change {
                    div { dt { "Under way" } dd { (change.kind) ", step " (change.step) } }
                }
                @if let Some(database) = &status.database {
                    div { dt { "Writer" } dd {
                        (database.writer.as_deref().unwrap_or("none"))
                        @if database.moving { ", moving" }
                        @if database.replica_attached { ", with a replica" } @else { ", without a replica" }
                    } }
                }
                @if let Some(lag) = &status.replication_lag {
                    div { dt { "Replication lag" } dd {
                        (words::span(lag.seconds)) ", heard " (words::span(lag.heard_seconds_ago)) " ago"
                    } }
                }
            }
        }
    }
}

fn decisions(scene: &Scene) -> Markup {
    let why = &scene.why;
    html! {
        section data-part="now" aria-labelledby="h-now" {
            h2 #h-now { "If it had to decide now" }
            p { (why.now.sentence) "." }
            (guards(&why.now, "now"))
        }
        section data-part="decisions" aria-labelledby="h-decisions" {
            h2 #h-decisions { "Last decisions" }
            @if why.past.is_empty() { p .fine { "None since the start." } }
            ol .plain {
                @for (index, decision) in why.past.iter().enumerate().rev().take(DECISIONS_MAX) {
                    li {
                        p { time datetime=(decision.at) { (clock(&decision.at)) } " " (decision.sentence) "." }
                        @if let Some(flip) = &decision.flip { p .quiet { "It would have turned with: " (flip) "." } }
                        (guards(decision, &index.to_string()))
                    }
                }
            }
        }
    }
}

fn guards(decision: &DecisionAnswer, id: &str) -> Markup {
    let against = decision.guards.iter().filter(|guard| !guard.passed).count();
    html! {
        details id=(format!("guards-{id}")) {
            summary { (decision.guards.len()) " guards, " (against) " against" }
            ul .guards {
                @for guard in &decision.guards {
                    li class=(if guard.passed { "yes" } else { "no" }) {
                        span .mark { @if guard.passed { "agrees" } @else { "objects" } } " "
                        (guard.subject) ": " (guard.saw)
                    }
                }
            }
        }
    }
}

fn recent(scene: &Scene) -> Markup {
    html! {
        section data-part="recent" aria-labelledby="h-recent" {
            h2 #h-recent { "What happened" }
            @if scene.recent.is_empty() { p .fine { "Nothing since the start." } }
            ol .plain.log {
                @for entry in scene.recent.iter().rev() {
                    li { time datetime=(entry.at) { (clock(&entry.at)) } " " span .kind { (entry.kind) } " " (entry.text) }
                }
            }
        }
    }
}

/// The time of day of a moment, to the second: the date is in the attribute.
fn clock(at: &str) -> &str {
    at.get(11..19).unwrap_or(at)
}
