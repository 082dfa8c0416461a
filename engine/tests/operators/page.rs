//! The status page in a headless Chromium, driven by a real engine into each state that an operator must recognize at a
//! glance. The screenshots are in `target/status-page`.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use understudy_engine::core::effect::Outcome;
use understudy_policies::Policy;
use understudy_policies::model::Mode;
use understudy_policies::shipped;

use crate::browser::Browser;
use crate::stage::{Stage, one_token};

const DESK: u32 = 1280;
const PHONE: u32 = 360;

fn picture(name: &str) -> PathBuf {
    let target = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/status-page");
    target.join(format!("{name}.png"))
}

/// Opens the page, takes its pictures, and looks at everything that must hold in every state.
fn look(stage: &Stage, name: &str) -> Browser {
    let mut browser = Browser::start();
    for (width, scheme, kind) in [(DESK, "light", ""), (DESK, "dark", "-dark"), (PHONE, "light", "-phone")] {
        browser.shape(width, scheme, "reduce");
        browser.open(&stage.url("/"));
        let overflow = browser.value("document.documentElement.scrollWidth - document.documentElement.clientWidth");
        assert_eq!(overflow, 0, "{name}{kind}: nothing sticks out at the side");
        assert_eq!(
            browser.value(CONTRAST),
            json!([]),
            "{name}{kind}: every text can be read"
        );
        browser.screenshot(&picture(&format!("{name}{kind}")));
    }
    browser.shape(DESK, "light", "reduce");
    assert_eq!(browser.value("document.querySelectorAll('h1').length"), 1);
    assert_eq!(browser.value("document.documentElement.lang"), "en");
    assert_eq!(
        browser.value("document.querySelectorAll('main, header, footer').length"),
        3
    );
    assert_eq!(
        browser.value("document.querySelectorAll('.pill.here').length"),
        1,
        "one state is marked"
    );
    assert_eq!(browser.value(HEADINGS), json!([]), "no level of headings is left out");
    assert_eq!(browser.value(TWICE), json!([]), "no id stands twice");
    assert_eq!(
        browser.value("getComputedStyle(document.querySelector('.pill.here')).animationName"),
        "none"
    );
    for (role, name) in browser.accessible() {
        let needs_a_name = ["link", "button", "image", "region", "DisclosureTriangle", "textbox"];
        assert!(
            !needs_a_name.contains(&role.as_str()) || !name.is_empty(),
            "a {role} has no name"
        );
    }
    assert!(
        browser.complaints.iter().all(|said| said.contains("favicon")),
        "{:#?}",
        browser.complaints
    );
    browser
}

fn text(browser: &mut Browser, of: &str) -> String {
    let script = format!("document.querySelector({}).innerText", Value::from(of));
    browser.value(&script).as_str().unwrap().to_owned()
}

/// Leaf texts whose contrast is below what WCAG AA asks for.
const CONTRAST: &str = r"(() => {
  const parse = (color) => { const [r, g, b, a = 1] = color.match(/[\d.]+/g).map(Number); return [r, g, b, a]; };
  const light = (c) => { const [r, g, b] = c.map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
  const behind = (element) => { for (let at = element; at; at = at.parentElement) { const c = parse(getComputedStyle(at).backgroundColor); if (c[3] === 1) return c; } return [255, 255, 255, 1]; };
  const bad = [];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.getClientRects().length || element.closest('.skip')) continue;
    const svg = element.closest('svg');
    let back = behind(element);
    if (svg && element.classList.contains('here')) back = parse(getComputedStyle(svg.querySelector('.pill.here')).fill);
    const color = parse(svg ? getComputedStyle(element).fill : getComputedStyle(element).color);
    if (ratio(color, back) < 4.5) bad.push([element.textContent, ratio(color, back)]);
  }
  return bad;
})()";
const HEADINGS: &str = r"(() => { let last = 0; const bad = [];
  for (const heading of document.querySelectorAll('h1, h2, h3')) { const level = Number(heading.tagName[1]); if (level > last + 1) bad.push(heading.textContent); last = level; }
  return bad; })()";
const TWICE: &str = r"(() => { const ids = [...document.querySelectorAll('[id]')].map((e) => e.id); return ids.filter((id, at) => ids.indexOf(id) !== at); })()";

#[tokio::test(flavor = "multi_thread")]
async fn steady() {
    let stage = Stage::new().await;
    stage.until("its seat", |status| status["drives"] == true).await;
    tokio::task::block_in_place(|| {
        let mut browser = look(&stage, "steady");
        assert_eq!(text(&mut browser, "h1"), "us-east-2 sidecar 1");
        assert!(text(&mut browser, ".badges").starts_with("ARMED"));
        assert_eq!(
            browser.value("document.querySelector('.pill-name.here').textContent"),
            "steady"
        );
        assert!(text(&mut browser, "#said").starts_with("steady: standing by"));
        assert!(text(&mut browser, "[data-part=needs]").contains("Nothing."));
        assert!(text(&mut browser, "[data-part=lease]").contains("us-east-1"));
        let rows = browser.value("document.querySelectorAll('.evidence tbody tr').length");
        assert_eq!(rows, shipped::trading().witnesses.len());
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn taking_over() {
    let stage = Stage::new().await;
    stage.change(|world| world.promotes = false);
    stage.until("its seat", |status| status["drives"] == true).await;
    tokio::task::block_in_place(|| {
        let mut browser = Browser::start();
        browser.shape(DESK, "light", "no-preference");
        browser.open(&stage.url("/"));
        // The page that is open follows by itself, and what a reader has opened stays open.
        browser.value("document.getElementById('guards-now').open = true");
        stage.change(|world| world.home_up = false);
        browser.wait_for("document.querySelector('.pill-name.here').textContent === 'moving'");
        assert_eq!(browser.value("document.getElementById('guards-now').open"), true);
        assert_eq!(browser.value("document.title.startsWith('moving')"), true);
    });
    stage
        .until("half of the budget", |status| {
            status["ledger"]["elapsed_seconds"].as_f64().unwrap() > 25.0
        })
        .await;
    tokio::task::block_in_place(|| {
        let mut browser = look(&stage, "taking-over");
        assert!(text(&mut browser, "#said").starts_with("moving: taking over"));
        assert!(text(&mut browser, "[data-part=ledger]").contains("promote"));
        assert!(text(&mut browser, "[data-part=regions]").contains("region lost"));
        assert!(text(&mut browser, "[data-part=decisions]").contains("every guard agrees"));
        assert_eq!(
            browser.value("document.querySelectorAll('.ledger .limit').length >= 6"),
            true
        );
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn unprotected() {
    let stage = Stage::new().await;
    stage.change(|world| world.home_up = false);
    stage.until_state("rejoining").await;
    tokio::task::block_in_place(|| {
        let mut browser = look(&stage, "unprotected");
        assert!(text(&mut browser, ".who").contains("serving orders"));
        assert!(text(&mut browser, "[data-part=needs]").contains("Unprotected"));
        assert!(text(&mut browser, "[data-part=lease]").contains("could not take over"));
        assert!(text(&mut browser, "[data-part=ledger]").contains("the clock has stopped"));
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn needs_operator() {
    let mut policy = shipped::trading();
    policy.deadlines.verifying = Duration::from_secs(3);
    let stage = Stage::with(policy, one_token()).await;
    stage.change(|world| {
        world.home_up = false;
        world.verifies = Outcome::Failed;
    });
    stage.until_state("needs_operator").await;
    tokio::task::block_in_place(|| {
        let mut browser = look(&stage, "needs-operator");
        let needs = text(&mut browser, "[data-part=needs]");
        assert!(needs.contains("its result could not be verified"), "{needs}");
        assert!(needs.contains("To do: place a probe order"), "{needs}");
        assert!(needs.contains("understudy-engine acknowledge"), "{needs}");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn shadow() {
    let mut policy = shipped::trading();
    policy.mode = Mode::Shadow;
    let stage = Stage::with(policy, one_token()).await;
    stage.change(|world| world.home_up = false);
    stage.until_state("blocked").await;
    tokio::task::block_in_place(|| {
        let mut browser = look(&stage, "shadow");
        assert!(text(&mut browser, ".badges").starts_with("SHADOW"));
        assert!(text(&mut browser, "[data-part=needs]").contains("no failover will happen"));
        assert!(text(&mut browser, "[data-part=decisions]").contains("would fail over if it were armed"));
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_whose_sidecar_has_gone_says_how_old_it_is() {
    let stage = Stage::new().await;
    tokio::task::block_in_place(|| {
        let mut browser = Browser::start();
        browser.shape(PHONE, "light", "reduce");
        browser.open(&stage.url("/"));
        assert_eq!(browser.value("document.getElementById('stale').hidden"), true);
        drop(stage);
        browser.wait_for("!document.getElementById('stale').hidden");
        assert!(text(&mut browser, "#stale").contains("s old: the sidecar does not answer"));
        browser.screenshot(&picture("stale-phone"));
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keyboard_reaches_the_status_and_every_detail() {
    let stage = Stage::new().await;
    tokio::task::block_in_place(|| {
        let mut browser = Browser::start();
        browser.open(&stage.url("/"));
        let focusable =
            browser.value("[...document.querySelectorAll('a, summary, button, input')].every((e) => e.tabIndex >= 0)");
        assert_eq!(focusable, true);
        let first = browser.value("document.querySelector('a, summary, button, input').textContent");
        assert_eq!(first, "Skip to the status");
        // Focus survives what the stream replaces.
        browser.value("document.querySelector('#guards-now summary').focus()");
        let age = "document.getElementById('as-of').textContent";
        let before = browser.value(age);
        browser.wait_for(&format!("{age} !== {before}"));
        assert_eq!(browser.value("document.activeElement.tagName"), "SUMMARY");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_from_outside_is_text_and_never_markup() {
    let attack = "<img src=x onerror=alert(1)>";
    let policy = Policy {
        name: attack.to_owned(),
        ..shipped::trading()
    };
    let stage = Stage::with(policy, one_token()).await;
    stage
        .command(&json!({ "command": "pause", "by": attack, "reason": attack }))
        .await;
    let page = stage.text("/").await;
    assert!(!page.contains("<img"), "{page}");
    assert!(
        page.contains("&lt;img src=x onerror=alert(1)&gt; asked for pause"),
        "{page}"
    );
}
