// A scenario while it is written: how long its texts are, what is advised about them, and what is not saved yet.

import { select, showLength, unitsBefore } from "./texts.js";

const form = document.getElementById("scenario_form");

function selectPassage(button) {
  const field = document.getElementById(button.dataset.field);
  const [start, end] = [button.dataset.start, button.dataset.end].map((place) => unitsBefore(field.value, Number(place)));
  select(field, start, end);
}

function announceAdvice() {
  const parts = [...document.querySelectorAll(".advice")]
    .filter((advice) => advice.dataset.count !== "0")
    .map((advice) => `${advice.dataset.count} on ${advice.dataset.name}`);
  const words = parts.length ? `Advice: ${parts.join(", ")}.` : "No advice.";
  const status = document.getElementById("advice-status");
  // Only news: whoever goes on writing is not told the same again.
  if (status.dataset.said !== words) status.textContent = status.dataset.said = words;
}

function watchUnsaved(hint) {
  const say = () => {
    hint.textContent = hint.dataset.words;
  };
  if (hint.dataset.unsaved !== undefined) say();
  form.addEventListener("input", say, { once: true });
  for (const link of document.querySelectorAll("a.trial")) {
    link.addEventListener("click", (event) => {
      if (!hint.textContent) return;
      event.preventDefault();
      hint.focus();
    });
  }
}

// The field's help says how long it may be; from now on also how long it is.
for (const field of form.querySelectorAll("[data-limit]")) {
  showLength(field, document.querySelector(`#${field.id}_helptext .counter`));
}
form.addEventListener("click", (event) => {
  const button = event.target.closest(".passage");
  if (button) selectPassage(button);
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful) announceAdvice();
});
if (document.querySelector("a.trial")) watchUnsaved(document.getElementById("unsaved"));
