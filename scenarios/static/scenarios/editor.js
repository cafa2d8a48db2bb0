// Scenario editor: autosave, advice, counters, checks, and sections. Without scripts, the buttons save.

import { announceAdvice, watchPassages } from "./advice.js";
import { Autosave } from "./autosave.js";
import { showRemoveButtons, watchChecks } from "./check-rows.js";
import { reloadSections, watchSections } from "./sections.js";
import { showLength } from "./text-fields.js";

const form = document.getElementById("editor");
const savedWords = document.querySelector("[data-saved]");

function replacePart(id, html) {
  const old = document.getElementById(id);
  if (!old || old.contains(document.activeElement)) return;
  const parsed = new DOMParser().parseFromString(html, "text/html").getElementById(id);
  if (!parsed || parsed.outerHTML === old.outerHTML) return;
  old.replaceWith(parsed);
  if (id === "checks") showRemoveButtons(parsed);
}

function showSaved({ revision, saved, title, page, trial, parts = {} }) {
  if (saved !== undefined && savedWords.textContent !== saved) savedWords.textContent = saved;
  if (revision !== undefined) form.elements.revision.value = revision;
  if (title) {
    document.querySelector("[data-title]").textContent = title;
    document.title = document.title.replace(/^.* · /, `${title} · `);
  }
  if (trial) document.getElementById("try-beside").dataset.trial = trial;
  // From the first save on, the page has an address of its own, and a reload finds what was typed.
  if (page && window.location.pathname !== page && revision) history.replaceState(null, "", page);
  for (const [id, html] of Object.entries(parts)) replacePart(id, html);
  if (Object.keys(parts).some((id) => id.startsWith("advice-"))) announceAdvice();
}

const autosave = new Autosave(form, showSaved);

// A link to another step saves first. Before the first save, the steps are buttons, which save, too.
document.querySelector(".steps").addEventListener("click", async (event) => {
  const link = event.target.closest("a");
  if (!link?.href || !autosave.isDirty || event.metaKey || event.ctrlKey) return;
  event.preventDefault();
  if (await autosave.flush()) window.location.assign(link.href);
});

// The caller beside the form is the newest one, so everything is saved before a trial begins.
document.addEventListener("trial:begin", (event) => {
  if (form.elements.revision.value === "0" && form.elements.is_new) autosave.touch();
  event.detail.waitFor(autosave.flush());
});

function showCounters(root) {
  for (const field of root.querySelectorAll("[data-limit]")) {
    const counter = document.querySelector(`#${field.id}_helptext .counter`);
    if (counter) showLength(field, counter);
  }
}

showCounters(form);
/** Return whether a field was changed before this script ran. */
function isEdited(field) {
  if (field.matches("select")) {
    const usual = [...field.options].find((option) => option.defaultSelected) ?? field.options[0];
    return field.value !== usual.value;
  }
  if (field.matches("[type=checkbox], [type=radio]")) return field.checked !== field.defaultChecked;
  return field.matches("input:not([type=hidden], [type=file]), textarea") && field.value !== field.defaultValue;
}

async function showOtherAccount() {
  autosave.touch();
  if (!(await autosave.flush())) return;
  await reloadSections();
  showCounters(document.getElementById("sections"));
}

watchPassages();
watchChecks(() => autosave.touch());
watchSections();
form.elements.account?.addEventListener("change", showOtherAccount);

const edited = [...form.elements].filter((field) => isEdited(field));
if (edited.includes(form.elements.account)) showOtherAccount();
else if (edited.length) autosave.touch();

const wrong = form.querySelector("[aria-invalid=true]");
if (wrong) {
  const details = wrong.closest("details");
  if (details) details.open = true;
  (wrong.matches("fieldset") ? wrong.querySelector("input") : wrong).focus();
}
