// Rows of checks: adds a blank row, and removes one. Without scripts, saving adds blank rows.

function renumber(list) {
  list.querySelectorAll("[data-check]").forEach((row, index) => {
    for (const element of row.querySelectorAll("[id], [name], [for]")) {
      for (const attribute of ["id", "name", "for"]) {
        const value = element.getAttribute(attribute);
        if (value) element.setAttribute(attribute, value.replace(/checks-\d+-/, `checks-${index}-`));
      }
    }
    const label = interpolate(gettext("Check %(number)s"), { number: index + 1 }, true);
    row.querySelector("label").textContent = label;
    const remove = row.querySelector("[data-remove-check]");
    remove.setAttribute("aria-label", interpolate(gettext("Remove check %(number)s"), { number: index + 1 }, true));
  });
}

const showRemoveButtons = (root) => {
  for (const button of root.querySelectorAll("[data-remove-check]")) button.hidden = false;
};

function addRow(list) {
  const row = list.lastElementChild.cloneNode(true);
  for (const field of row.querySelectorAll("textarea")) field.value = field.textContent = "";
  row.querySelector("select").value = "2";
  row.querySelector("details").open = false;
  list.append(row);
  renumber(list);
  row.querySelector("textarea").focus();
}

function removeRow(list, row) {
  const next = row.nextElementSibling ?? row.previousElementSibling;
  if (!next) return;
  row.remove();
  renumber(list);
  next.querySelector("textarea").focus();
}

/** Let the buttons of the page change the rows. `onChange` is called after each change. */
export function watchChecks(onChange) {
  showRemoveButtons(document);
  document.addEventListener("click", (event) => {
    const list = document.querySelector("[data-checks]");
    const remove = event.target.closest("[data-remove-check]");
    const add = event.target.closest("[data-add-check]");
    if (!list || (!remove && !add)) return;
    event.preventDefault();
    if (add) addRow(list);
    else removeRow(list, remove.closest("[data-check]"));
    onChange();
  });
}

export { showRemoveButtons };
