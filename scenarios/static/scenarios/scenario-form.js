// A scenario while it is written: how long its texts are, what is advised about them, and what is not saved yet.

const form = document.getElementById("scenario_form");

// Characters as the server counts them: not the units in which a browser measures its strings.
const length = (text) => {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
};

const unitsBefore = (text, characters) => {
  let units = 0;
  for (const character of text) {
    if (characters-- <= 0) break;
    units += character.length;
  }
  return units;
};

// The field's help says how long it may be; from now on also how long it is.
function count(field) {
  const limit = Number(field.dataset.limit);
  const counter = document.querySelector(`#${field.id}_helptext .counter`);
  const show = () => {
    const used = length(field.value);
    const over = used - limit;
    counter.classList.toggle("is-over", over > 0);
    counter.textContent = `${used.toLocaleString("en-US")} of ${limit.toLocaleString("en-US")} characters`;
    if (over > 0) counter.textContent += `: ${over.toLocaleString("en-US")} too many`;
  };
  field.addEventListener("input", show);
  show();
}

function selectPassage(button) {
  const field = document.getElementById(button.dataset.field);
  const [start, end] = [button.dataset.start, button.dataset.end].map((place) => unitsBefore(field.value, Number(place)));
  field.focus();
  field.setSelectionRange(start, end);
  // Browsers show a selection that is out of sight only when the field takes the focus again.
  field.blur();
  field.focus();
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

for (const field of form.querySelectorAll("[data-limit]")) count(field);
form.addEventListener("click", (event) => {
  const button = event.target.closest(".passage");
  if (button) selectPassage(button);
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful) announceAdvice();
});
if (document.querySelector("a.trial")) watchUnsaved(document.getElementById("unsaved"));
