// Reads out when an import that the page looks after is finished. Every second there is a new fragment, but seldom news.

let said = "";

function announce(event) {
  const { status } = event.target.dataset;
  if (!status || status === said) return;
  said = status;
  document.querySelector("[data-announce]").textContent = status;
}

document.addEventListener("htmx:load", announce);
