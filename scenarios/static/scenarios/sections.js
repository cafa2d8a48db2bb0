// Sections of the procedures: picks them into the field, finds them by words, and shows their text beside the list.

const field = () => document.getElementById("id_relevant_policy_sections");
const lines = () => field().value.split("\n").filter((line) => line.trim());

function toggle(button) {
  const isChosen = button.getAttribute("aria-pressed") === "true";
  const kept = lines().filter((line) => line !== button.value);
  field().value = (isChosen ? kept : [...kept, button.value]).join("\n");
  field().dispatchEvent(new Event("input", { bubbles: true }));
}

function showChosen() {
  const chosen = new Set(lines());
  let count = 0;
  for (const button of document.querySelectorAll(".section-pick")) {
    button.setAttribute("aria-pressed", String(chosen.has(button.value)));
    count += chosen.has(button.value);
  }
  const words = document.querySelector("[data-chosen-count]");
  const message = interpolate(ngettext("%(count)s chosen", "%(count)s chosen", count), { count }, true);
  if (words) words.textContent = count ? message : "";
}

async function read(link) {
  const response = await fetch(link.dataset.read).catch(() => null);
  if (!response?.ok) return window.location.assign(link.href);
  const parsed = new DOMParser().parseFromString(await response.text(), "text/html");
  document.getElementById("section-text").replaceWith(parsed.getElementById("section-text"));
  document.querySelector("#section-text h2").focus();
}

function find(words) {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  for (const row of document.querySelectorAll("[data-section-row]")) {
    const text = row.textContent.toLowerCase();
    row.hidden = !wanted.every((word) => text.includes(word));
  }
}

/** Connect the list. The whole part is replaced when the account changes, so events are caught on the document. */
export function watchSections() {
  const showSearch = () => {
    const box = document.querySelector("[data-find-section]");
    if (box) box.hidden = false;
  };
  showSearch();
  document.addEventListener("click", (event) => {
    const pick = event.target.closest(".section-pick");
    const link = event.target.closest("[data-read]");
    if (!pick && !link) return;
    event.preventDefault();
    if (pick) toggle(pick);
    else read(link);
  });
  document.addEventListener("input", (event) => {
    if (event.target === field()) showChosen();
    if (event.target.closest("[data-find-section]")) find(event.target.value);
  });
}

/** Fetch the page again and replace the list, after another account was saved. */
export async function reloadSections() {
  const response = await fetch(window.location.href.split("#")[0]).catch(() => null);
  if (!response?.ok) return;
  const parsed = new DOMParser().parseFromString(await response.text(), "text/html");
  document.getElementById("sections").replaceWith(parsed.getElementById("sections"));
  const box = document.querySelector("[data-find-section]");
  if (box) box.hidden = false;
  const beside = parsed.getElementById("section-text")?.closest("section");
  const old = document.getElementById("section-text")?.closest("section");
  if (beside && !old) document.querySelector(".bench-side").prepend(beside);
  if (!beside) old?.remove();
}
