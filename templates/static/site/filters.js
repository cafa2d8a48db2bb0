// Filters that apply at once: <form data-filters> changes the regions of the page and its address. Its button is for
// pages without scripts. Text applies after a pause, other fields when they change.

import { updateRegions } from "./regions.js";

const PAUSE_MS = 300;
const form = document.querySelector("form[data-filters]");
let timer = 0;

function address() {
  const url = new URL(form.action);
  for (const [name, value] of new FormData(form)) if (value) url.searchParams.append(name, value);
  return url;
}

async function apply() {
  clearTimeout(timer);
  const url = address();
  history.replaceState(null, "", url);
  try {
    await updateRegions(url);
  } catch (error) {
    if (error.name !== "AbortError") location.assign(url);
  }
}

form.addEventListener("input", ({ target }) => {
  clearTimeout(timer);
  if (target.matches("[type=search], [type=text]")) timer = setTimeout(apply, PAUSE_MS);
});
form.addEventListener("change", apply);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  apply();
});
form.querySelector("[data-without-scripts]").hidden = true;
