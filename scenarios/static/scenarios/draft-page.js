// Draft page: character counters, passage selection, and announcements of the details left to resolve.

import { watchAdvice } from "./advice.js";
import { select, showLength } from "./text-fields.js";

function count(field) {
  const counter = document.createElement("p");
  counter.className = "draft-counter";
  counter.id = `${field.id}_counter`;
  field.after(counter);
  field.setAttribute("aria-describedby", [field.getAttribute("aria-describedby"), counter.id].filter(Boolean).join(" "));
  showLength(field, counter);
}

// Find the occurrence of the words nearest to `start`: the text may have been edited since the search.
function nearest(text, words, start) {
  const after = text.indexOf(words, start);
  const before = text.lastIndexOf(words, start);
  if (before < 0 || (after >= 0 && after - start < start - before)) return after;
  return before;
}

function selectPassage(link) {
  const field = document.getElementById(link.dataset.field);
  const words = link.querySelector("mark").textContent;
  const place = nearest(field.value, words, Number(link.dataset.start));
  if (place < 0) field.focus();
  else select(field, place, place + words.length);
}

function announce() {
  const left = Number(document.querySelector(".draft-findings").dataset.left);
  const words = left
    ? interpolate(ngettext("%(count)s detail to resolve.", "%(count)s details to resolve.", left), { count: left }, true)
    : gettext("All details from the complaint are resolved.");
  const status = document.getElementById("draft-status");
  if (status.textContent !== words) status.textContent = words;
}

for (const field of document.querySelectorAll("[data-limit]")) count(field);

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
  if (event.target.id === "draft-findings") announce();
});

// Warn before leaving the page: resolving names is long work that must not be lost by mistake.
const edited = document.querySelector("form.draft");
if (edited) {
  let isUnsaved = false;
  edited.addEventListener("input", () => (isUnsaved = true));
  document.addEventListener("submit", () => (isUnsaved = false));
  window.addEventListener("beforeunload", (event) => {
    if (isUnsaved) event.preventDefault();
  });
}
