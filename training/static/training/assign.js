// Assignment page: searches while typing, keeps what is checked, counts it, and fills in a due date with one press.

const PAUSE_MS = 200;
const form = document.querySelector("[data-assign]");

function count() {
  for (const one of form.querySelectorAll("[data-count]")) {
    one.textContent = form.querySelectorAll(`[name=${one.dataset.count}]:checked`).length;
  }
}

// What is checked moves up to the chosen ones only when a search replaces the list below, so that no row moves under
// the pointer.
async function search(field) {
  const picker = field.closest("[data-picker]");
  const chosen = picker.querySelector("[data-chosen]");
  const found = picker.querySelector("[data-found]");
  for (const box of found.querySelectorAll(":checked")) chosen.append(box.closest("li"));
  const query = new URLSearchParams([[field.name, field.value]]);
  for (const box of chosen.querySelectorAll("[type=checkbox]")) query.append(box.name, box.value);
  const text = field.value;
  const answer = await fetch(`${field.dataset.url}?${query}`);
  if (!answer.ok || field.value !== text) return; // an older search, or no answer: the list stays
  found.replaceChildren(...new DOMParser().parseFromString(await answer.text(), "text/html").body.childNodes);
}

const timers = new Map();
form.addEventListener("input", ({ target }) => {
  if (target.type !== "search") return;
  clearTimeout(timers.get(target));
  timers.set(target, setTimeout(() => search(target), PAUSE_MS));
});
form.addEventListener("change", count);
// Enter in a search field must not submit the assignment form.
form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.type === "search") event.preventDefault();
});
for (const button of form.querySelectorAll("[data-plain]")) button.hidden = true;

const days = form.querySelector("[data-days]");
const day = form.querySelector("[name=due_date]");
function markDay() {
  for (const button of days.children) button.setAttribute("aria-pressed", String(button.dataset.day === day.value));
}
days.addEventListener("click", ({ target }) => {
  if (target.dataset.day === undefined) return;
  day.value = target.dataset.day;
  markDay();
});
day.addEventListener("input", markDay);
days.hidden = false;
form.querySelector("[data-counts]").hidden = false;
markDay();
count();
