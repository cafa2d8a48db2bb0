// Rows of a list that are chosen with check boxes: <form data-selection>. "All" chooses every row on the page, and the
// buttons for the chosen rows appear with the first one. Without scripts they are always there.

// The boxes may stand outside of the form and name it, where the rows have forms of their own.
const boxesOf = (form) => [...form.elements].filter((one) => one.matches("[data-choose]"));

function update(form) {
  const boxes = boxesOf(form);
  const chosen = boxes.filter((box) => box.checked).length;
  const all = [...form.elements].find((one) => one.matches("[data-choose-all]"));
  if (all) {
    all.closest("label").hidden = false;
    all.checked = chosen > 0 && chosen === boxes.length;
    all.indeterminate = chosen > 0 && chosen < boxes.length;
  }
  const actions = form.querySelector("[data-for-chosen]");
  if (!actions) return;
  actions.dataset.count = chosen;
  for (const button of actions.querySelectorAll("button")) button.disabled = chosen === 0;
  const count = actions.querySelector("[data-chosen-count]");
  if (count) count.textContent = String(chosen);
}

const forms = () => document.querySelectorAll("form[data-selection]");
document.addEventListener("change", ({ target }) => {
  const form = target.form;
  if (!form?.matches("form[data-selection]")) return;
  if (target.matches("[data-choose-all]")) {
    for (const box of boxesOf(form)) box.checked = target.checked;
  }
  update(form);
});
for (const form of forms()) {
  update(form);
}
new MutationObserver(() => forms().forEach(update)).observe(document.querySelector("main"), { childList: true });
