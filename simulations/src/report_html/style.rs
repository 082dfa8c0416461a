//! How the page looks.

/// The whole style sheet: light, dark, narrow, printed.
pub(super) const SHEET: &str = "
:root {
  --paper: #ffffff; --ink: #1b1f24; --soft: #57606a; --line: #d5dae0; --card: #f6f8fa;
  --good: #1a7f37; --bad: #b3261e; --warn: #8a5a00; --calm: #0b61c4;
  --bar: #4c8dd6; --bar-good: #3f9d5b; --bar-warn: #d99a2b; --bar-bad: #cf4a41; --bar-idle: #b9c1ca;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14181d; --ink: #e6eaef; --soft: #9aa5b1; --line: #333b45; --card: #1c222a;
    --good: #57c27a; --bad: #ff7b72; --warn: #e0ab4b; --calm: #6cb2ff;
    --bar: #3f7fc6; --bar-good: #2f8a4c; --bar-warn: #b67d1c; --bar-bad: #b8423a; --bar-idle: #48525d;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: .2rem 0 .4rem; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 2.2rem 0 .6rem; }
h3 { font-size: .95rem; margin: 0; color: var(--soft); font-weight: 600; }
p { margin: .4rem 0; }
code { font-size: .92em; overflow-wrap: anywhere; }
.kicker, .note { color: var(--soft); font-size: .92rem; }
.lead { font-size: 1.1rem; }
.badge { font-size: 1rem; padding: .1rem .6rem; border-radius: 1rem; border: 2px solid currentColor; vertical-align: middle; }
.good { color: var(--good); } .bad { color: var(--bad); } .warn td { color: var(--warn); }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); gap: .8rem; margin-top: 1.4rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .9rem 1rem; }
.figure { font-size: 2rem; font-weight: 650; margin: .1rem 0; font-variant-numeric: tabular-nums; }
ul.points { list-style: none; margin: .4rem 0; padding: 0; }
ul.points li { padding-left: 1.5rem; position: relative; color: var(--ink); margin: .15rem 0; }
ul.points li::before { position: absolute; left: 0; font-weight: 700; }
ul.points li.good::before { content: '✓'; color: var(--good); }
ul.points li.bad::before { content: '✗'; color: var(--bad); }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
table.narrow { width: auto; }
th, td { text-align: left; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--soft); font-weight: 600; }
td.number, th.number { text-align: right; }
.number { font-variant-numeric: tabular-nums; white-space: nowrap; }
tr.strong td { font-weight: 650; } tr.bad td { color: var(--bad); }
.scroll { overflow-x: auto; }
details { margin: .5rem 0; border: 1px solid var(--line); border-radius: .5rem; padding: .4rem .8rem; }
summary { cursor: pointer; padding: .2rem 0; }
summary:focus-visible { outline: 3px solid var(--calm); outline-offset: 2px; }
.chart { overflow-x: auto; }
svg { display: block; width: 100%; min-width: 34rem; height: auto; }
svg text { fill: var(--ink); font: 13px system-ui, sans-serif; }
svg .soft { fill: var(--soft); } svg .inside { fill: #fff; font-size: 12px; }
svg .grid { stroke: var(--line); stroke-width: 1; }
svg .line { stroke: var(--bad); stroke-width: 2; stroke-dasharray: 5 4; }
svg .onset { stroke: var(--warn); stroke-width: 2; }
svg .plain { fill: var(--bar); } svg .ok { fill: var(--bar-good); } svg .busy { fill: var(--bar-warn); }
svg .wrong { fill: var(--bar-bad); } svg .idle { fill: var(--bar-idle); }
footer { margin-top: 2.5rem; border-top: 1px solid var(--line); padding-top: .8rem; }
@media print {
  main { max-width: none; padding: 0; }
  details { border: 0; padding: 0; } details:not([open]) { display: none; }
  section, .card, svg { break-inside: avoid; }
}
";
