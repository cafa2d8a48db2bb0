// A reviewer's keys on the checks: A agrees, M and N set a verdict, J and K move. Buttons do the same without scripts.

const CHOICE = "steadyline-check-keys"; // in the browser's storage: "off" once a person has turned the keys off

export function startReviewing(page) {
  const choice = page.querySelector("[data-keys-choice]");
  if (!choice) return;
  showChoice(page);
  page.addEventListener("change", ({ target }) => {
    if (!target.matches("[data-keys]")) return;
    localStorage.setItem(CHOICE, target.checked ? "on" : "off");
  });
  page.addEventListener("keydown", (event) => onKey(page, event));
  page.addEventListener("htmx:load", ({ target }) => {
    showChoice(page);
    if (target.matches("[data-check]")) focusAfterReview(page, target);
  });
}

function showChoice(page) {
  const choice = page.querySelector("[data-keys-choice]");
  choice.hidden = false;
  choice.querySelector("input").checked = localStorage.getItem(CHOICE) !== "off";
}

function onKey(page, event) {
  const { target, key } = event;
  if (event.defaultPrevented || event.metaKey || event.altKey) return;
  const form = target.closest("[data-review]");
  if (form && key === "Enter" && event.ctrlKey) return save(event, form, form.dataset.chosen ?? "a");
  if (event.ctrlKey || localStorage.getItem(CHOICE) === "off") return;
  if (target.closest("input, select, textarea, [contenteditable]")) return;
  const row = rowAt(page, target);
  const name = key.toLowerCase();
  if (name === "j" || name === "k") return move(event, page, row, name === "j" ? 1 : -1);
  if (row && "amn".includes(name) && name.length === 1) return choose(event, row, name);
}

const rows = (page) => [...page.querySelectorAll("[data-check]")];

function rowAt(page, target) {
  return target.closest("[data-check]") ?? (target === page.body ? page.querySelector("[data-check][open]") : null);
}

function move(event, page, row, by) {
  const all = rows(page);
  const next = row ? all[all.indexOf(row) + by] : all[0];
  if (!next) return;
  event.preventDefault();
  if (row) row.open = false;
  show(next);
}

function show(row) {
  row.open = true;
  row.querySelector("summary").focus();
}

/** Save the verdict of a key. One that differs from the evaluator's needs a reason first. */
function choose(event, row, name) {
  event.preventDefault();
  const isSame = { m: "met", n: "not_met" }[name] === row.dataset.verdict;
  const form = row.querySelector("[data-review]");
  const reason = form.querySelector("textarea");
  if (name === "a" || isSame || reason.value.trim()) return save(event, form, isSame ? "a" : name);
  row.open = true;
  form.dataset.chosen = name;
  reason.placeholder = gettext("Say why, then press Ctrl+Enter.");
  reason.focus();
}

let isByKey = false; // the review that is being saved was given with a key, so the next row opens

function save(event, form, name) {
  event.preventDefault();
  isByKey = true;
  form.querySelector(`[data-key="${name}"]`)?.click();
}

function focusAfterReview(page, row) {
  const refused = row.querySelector("[role=alert]");
  const next = rows(page)[rows(page).indexOf(row) + 1];
  if (refused) row.querySelector("textarea").focus();
  else if (isByKey && next) {
    row.open = false;
    show(next);
  } else row.querySelector("summary").focus({ preventScroll: true });
  isByKey = false;
}
