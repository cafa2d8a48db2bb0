// List of scenarios: selects all rows of the page, and says how many are selected.

const form = document.getElementById("selection");
const boxes = [...form.querySelectorAll("[name=selected]")];
const all = form.querySelector("[data-select-all]");
const status = form.querySelector("[data-selected]");

function show() {
  const count = boxes.filter((box) => box.checked).length;
  all.checked = count === boxes.length;
  all.indeterminate = count > 0 && count < boxes.length;
  status.textContent = count
    ? interpolate(ngettext("%(count)s selected", "%(count)s selected", count), { count }, true)
    : gettext("Select scenarios to do something with them.");
}

if (all) {
  all.hidden = false;
  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
    show();
  });
  form.addEventListener("change", show);
  if (boxes.some((box) => box.checked)) show();
}
