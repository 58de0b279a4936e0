// Live numbers, and what-if sliders. Every page is complete without this file.
"use strict";

const LIVE_MILLISECONDS = 5000;

function keepLive(region) {
  setInterval(async () => {
    if (document.hidden || region.contains(document.activeElement)) return;
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById(region.id);
    if (fresh) region.replaceChildren(...fresh.childNodes);
  }, LIVE_MILLISECONDS);
}

function watchSliders(form) {
  const score = form.querySelector("[data-score]");
  const told = form.querySelector("[data-told]");
  const changed = new Map();
  let asked = 0;
  form.addEventListener("input", (event) => {
    event.target.parentElement.querySelector("output").value = event.target.value;
  });
  form.addEventListener("change", async (event) => {
    changed.set(event.target.name, Number(event.target.value));
    const number = ++asked;
    told.textContent = "Asking the model…";
    const answer = await fetch("/v1/what-if", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ ...JSON.parse(form.dataset.subject), changes: Object.fromEntries(changed) }),
    });
    const found = await answer.json();
    if (number !== asked) return;
    if (!answer.ok) {
      told.textContent = found.detail;
      return;
    }
    const show = (value) => (found.target === "engagement_score" ? value.toFixed(1) : `${(100 * value).toFixed(1)} %`);
    score.textContent = show(found.score_after);
    told.textContent = `It is ${show(found.score)} as things are. Only an experiment shows whether a change has this effect.`;
  });
}

for (const region of document.querySelectorAll("[data-live]")) keepLive(region);
for (const form of document.querySelectorAll("[data-subject]")) watchSliders(form);
