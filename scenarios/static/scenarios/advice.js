// Writing advice: selects a passage when its button is pressed, and announces new advice.

import { select, unitsBefore } from "./text-fields.js";

function selectPassage(button) {
  const field = document.getElementById(button.dataset.field);
  const toUnits = (characters) => unitsBefore(field.value, Number(characters));
  select(field, toUnits(button.dataset.start), toUnits(button.dataset.end));
}

/** Announce how much advice there is, politely. Pages have other parts that look like advice but are not counted. */
export function announceAdvice() {
  const parts = [...document.querySelectorAll(".advice[data-count]")]
    .filter((advice) => advice.dataset.count !== "0")
    .map(({ dataset: { name, count } }) => interpolate(gettext("%(name)s: %(count)s."), { name, count }, true));
  const message = parts.join(" ") || gettext("No advice.");
  const status = document.getElementById("advice-status");
  // Announce changes only, so that a screen reader does not repeat itself while the author types.
  if (status.dataset.announced !== message) status.textContent = status.dataset.announced = message;
}

export function watchPassages() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest(".passage");
    if (button) selectPassage(button);
  });
}

export function watchAdvice() {
  watchPassages();
  document.addEventListener("htmx:afterRequest", (event) => {
    // The page makes other htmx requests, too.
    if (event.detail.successful && event.detail.pathInfo.requestPath.endsWith("/advice/")) announceAdvice();
  });
}
