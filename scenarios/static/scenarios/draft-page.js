// Draft page: character counters, passage selection, and announcements of unresolved details.

import { announceAdvice, watchAdvice } from "./advice.js";
import { select, showLength } from "./text-fields.js";

function addCounter(field) {
  const counter = document.createElement("p");
  counter.classList.add("draft-counter", "hint");
  counter.id = `${field.id}_counter`;
  field.after(counter);
  field.setAttribute("aria-describedby", [field.getAttribute("aria-describedby"), counter.id].filter(Boolean).join(" "));
  showLength(field, counter);
}

// Find the occurrence of the words that is nearest to `start`. The text may have been edited since the search.
function findNearest(text, words, start) {
  const after = text.indexOf(words, start);
  const before = text.lastIndexOf(words, start);
  if (before < 0 || (after >= 0 && after - start < start - before)) return after;
  return before;
}

function selectPassage(link) {
  const field = document.getElementById(link.dataset.field);
  const words = link.querySelector("mark").textContent;
  const position = findNearest(field.value, words, Number(link.dataset.start));
  if (position < 0) field.focus();
  else select(field, position, position + words.length);
}

function announce() {
  const count = Number(document.querySelector(".draft-findings").dataset.unresolved);
  const message = count
    ? interpolate(ngettext("%(count)s detail to resolve.", "%(count)s details to resolve.", count), { count }, true)
    : gettext("All details from the complaint are resolved.");
  const status = document.getElementById("draft-status");
  if (status.textContent !== message) status.textContent = message;
}

for (const field of document.querySelectorAll("[data-limit]")) addCounter(field);

const isWide = matchMedia("(min-width: 75rem)").matches;
for (const details of document.querySelectorAll("[data-open-wide]")) details.open ||= isWide;

watchAdvice();
document.addEventListener("click", (event) => {
  const link = event.target.closest(".draft-passage");
  if (!link) return;
  event.preventDefault();
  selectPassage(link);
});
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target.id !== "draft-findings") return;
  announce();
  announceAdvice();
});

// Warn before leaving the page, because resolving the details takes a long time.
const form = document.querySelector("form.draft");
if (form) {
  let isUnsaved = false;
  form.addEventListener("input", () => (isUnsaved = true));
  document.addEventListener("submit", () => (isUnsaved = false));
  window.addEventListener("beforeunload", (event) => {
    if (isUnsaved) event.preventDefault();
  });
}
