// Account page: move to a refused upload's message, and announce changes in the status of procedure documents.

// Firefox ignores `autofocus` on an element that is no form control.
document.querySelector("#upload-refused")?.focus();

let announced = document.querySelector("#procedures")?.dataset.status;

// The panel is polled every two seconds. Announce only changes.
document.addEventListener("htmx:load", ({ target }) => {
  const status = target.dataset?.status;
  if (!status || status === announced) return;
  announced = status;
  document.querySelector("[data-announce]").textContent = status;
});
