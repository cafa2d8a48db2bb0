// A complaint and its draft: how long texts are, where a passage stands, and what is left to resolve, said aloud.

const number = (count) => count.toLocaleString("en-US");

// Characters as the server counts them, not the units in which a browser measures its strings.
const lengthOf = (text) => Array.from(text.trim()).length;

function count(field) {
  const least = Number(field.dataset.least ?? 0);
  const limit = Number(field.dataset.limit);
  const counter = document.createElement("p");
  counter.className = "draft-counter";
  counter.id = `${field.id}_counter`;
  field.after(counter);
  field.setAttribute("aria-describedby", [field.getAttribute("aria-describedby"), counter.id].filter(Boolean).join(" "));
  const show = () => {
    const used = lengthOf(field.value);
    const isShort = used > 0 && used < least;
    counter.classList.toggle("is-wrong", used > limit || isShort);
    counter.textContent = `${number(used)} of ${number(limit)} characters`;
    if (used > limit) counter.textContent += `: ${number(used - limit)} too many`;
    if (isShort) counter.textContent += `: ${number(least - used)} more are needed`;
  };
  field.addEventListener("input", show);
  show();
}

// Something may have been typed since it was found: the nearest place with these words.
function nearest(text, words, start) {
  const after = text.indexOf(words, start);
  const before = text.lastIndexOf(words, start);
  if (before < 0 || (after >= 0 && after - start < start - before)) return after;
  return before;
}

function select(link) {
  const field = document.getElementById(link.dataset.field);
  const start = Number(link.dataset.start);
  const words = link.querySelector("mark").textContent;
  const place = nearest(field.value, words, start);
  field.focus();
  if (place < 0) return;
  field.setSelectionRange(place, place + words.length);
  // Browsers show a selection that is out of sight only when the field takes the focus again.
  field.blur();
  field.focus();
}

function announce() {
  const left = Number(document.querySelector(".draft-findings").dataset.left);
  const words = left ? `${left} to resolve.` : "Nothing of the complaint’s people is left to resolve.";
  const status = document.getElementById("draft-status");
  if (status.textContent !== words) status.textContent = words;
}

for (const field of document.querySelectorAll("[data-limit]")) count(field);

const isWide = matchMedia("(min-width: 75rem)").matches;
for (const details of document.querySelectorAll("[data-open-wide]")) details.open ||= isWide;

document.addEventListener("click", (event) => {
  const link = event.target.closest(".draft-passage");
  if (!link) return;
  event.preventDefault();
  select(link);
});
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target.id === "draft-findings") announce();
});
