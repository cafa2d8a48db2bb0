// Scenario form: character counters, advice, section picker, and a hint about unsaved changes.

import { watchAdvice } from "./advice.js";
import { showLength } from "./text-fields.js";

const form = document.getElementById("scenario_form");

function watchUnsaved(hint) {
  const show = () => {
    hint.textContent = hint.dataset.words;
  };
  if (hint.dataset.unsaved !== undefined) show();
  form.addEventListener("input", show, { once: true });
  for (const link of document.querySelectorAll("a.trial")) {
    link.addEventListener("click", (event) => {
      if (!hint.textContent) return;
      event.preventDefault();
      hint.focus();
    });
  }
}

/** Add a section as a line of the field unless it is already there. */
function pickSection(event) {
  const button = event.target.closest("[data-section]");
  if (!button) return;
  const field = document.getElementById("id_relevant_policy_sections");
  const lines = field.value.split("\n").filter((line) => line.trim());
  if (!lines.includes(button.dataset.section)) field.value = [...lines, button.dataset.section].join("\n");
  field.dispatchEvent(new Event("input", { bubbles: true }));
  button.setAttribute("aria-pressed", "true");
}

// Replace the limit in the field's help text with a live counter.
for (const field of form.querySelectorAll("[data-limit]")) {
  showLength(field, document.querySelector(`#${field.id}_helptext .counter`));
}
watchAdvice();
document.getElementById("sections")?.addEventListener("click", pickSection);
if (document.querySelector("a.trial")) watchUnsaved(document.getElementById("unsaved"));
