// An account's page: saying aloud what became of a document while the page looks for news.

let announced = document.querySelector("#procedures")?.dataset.status;

// The part is fetched every two seconds; only news is read out.
document.addEventListener("htmx:load", ({ target }) => {
  const said = target.dataset?.status;
  if (!said || said === announced) return;
  announced = said;
  document.querySelector("[data-announce]").textContent = said;
});
