// A scenario while it is written: how long its texts are, what is advised about them, and what is not saved yet.

import { watchAdvice } from "./advice.js";
import { showLength } from "./texts.js";

const form = document.getElementById("scenario_form");

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
watchAdvice();
if (document.querySelector("a.trial")) watchUnsaved(document.getElementById("unsaved"));
