// Assignment page: moves a checked search result up to the chosen ones.
function onCheck({ target }) {
  const picker = target.closest("[data-picker]");
  if (!picker || target.type !== "checkbox") return;
  const line = target.closest("li");
  const chosen = picker.querySelector("[data-chosen]");
  if (target.checked && !chosen.contains(line)) {
    chosen.append(line);
    target.focus();
  } else if (!target.checked && chosen.contains(line)) {
    line.remove();
    picker.querySelector("[type=search]").focus();
  }
}

const form = document.querySelector("[data-assign]");
form.addEventListener("change", onCheck);
// Enter in a search field must not submit the assignment form.
form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.type === "search") event.preventDefault();
});
for (const button of form.querySelectorAll("[data-plain]")) button.hidden = true;
