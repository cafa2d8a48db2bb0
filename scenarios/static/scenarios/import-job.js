// Announces changes in an import's status. The page loads a new fragment every second, but the status rarely changes.

let announced = "";

function announce(event) {
  const { status } = event.target.dataset;
  if (!status || status === announced) return;
  announced = status;
  document.querySelector("[data-announce]").textContent = status;
}

document.addEventListener("htmx:load", announce);
