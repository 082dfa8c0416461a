// Brings the page up to date, and says how old it is. Without it the page loads itself again.
(() => {
  "use strict";
  const STALE_AFTER_MS = 5000;
  const age = document.getElementById("age");
  const stale = document.getElementById("stale");
  const asOf = document.getElementById("as-of");
  let heard = Date.now();

  // Replaces what changed, from the outside in, and leaves alone what did not: focus, selection and open details stay.
  function patch(html) {
    const fresh = document.createElement("template");
    fresh.innerHTML = html;
    const head = fresh.content.querySelector("template[data-title]");
    if (document.title !== head.dataset.title) document.title = head.dataset.title;
    asOf.textContent = head.dataset.at;
    asOf.dateTime = head.dataset.at;
    for (const part of fresh.content.querySelectorAll("[data-part]")) {
      const old = document.querySelector(`[data-part="${part.dataset.part}"]`);
      if (!old) continue;
      for (const details of part.querySelectorAll("details[id]")) {
        const before = document.getElementById(details.id);
        if (before && before.open) details.open = true;
      }
      if (old.outerHTML === part.outerHTML) continue;
      if (part.dataset.part === "state") { patchState(old, part); continue; }
      const focus = old.contains(document.activeElement) ? document.activeElement : null;
      old.replaceWith(document.importNode(part, true));
      const id = focus && (focus.id || (focus.closest("[id]") || {}).id);
      const again = id && document.getElementById(id);
      if (again) (again.tagName === "DETAILS" ? again.querySelector("summary") : again).focus();
    }
  }

  // A screen reader speaks of the state only when it is another one.
  function patchState(old, part) {
    for (const query of ["#said", "[data-part=state-time]", "svg"]) {
      const before = old.querySelector(query);
      const after = part.querySelector(query);
      if (before.outerHTML === after.outerHTML) continue;
      if (query === "#said") {
        before.dataset.tone = after.dataset.tone;
        before.innerHTML = after.innerHTML;
      } else {
        before.replaceWith(document.importNode(after, true));
      }
    }
  }

  function connect() {
    const source = new EventSource("/live");
    source.addEventListener("page", (event) => {
      heard = Date.now();
      patch(event.data);
      tick();
    });
    source.addEventListener("error", () => {
      // The browser tries again by itself, unless it was told no.
      if (source.readyState === EventSource.CLOSED) setTimeout(connect, STALE_AFTER_MS);
    });
  }

  function tick() {
    const old = Date.now() - heard;
    const late = old > STALE_AFTER_MS;
    age.textContent = late ? "" : "Live.";
    document.body.classList.toggle("old", late);
    stale.hidden = !late;
    const words = `This page is ${Math.round(old / 1000)} s old: the sidecar does not answer.`;
    if (late && stale.textContent !== words) stale.textContent = words;
  }

  connect();
  setInterval(tick, 1000);
})();
