// Account page: announce changes in the status of procedure documents.

let announced = document.querySelector("#procedures")?.dataset.status;

// The panel is polled every two seconds. Announce only changes.
document.addEventListener("htmx:load", ({ target }) => {
  const status = target.dataset?.status;
  if (!status || status === announced) return;
  announced = status;
  document.querySelector("[data-announce]").textContent = status;
});
