// Listening from a turn, and saying aloud what changed while the page looks for feedback.

function clock(ms) {
  const seconds = Math.floor(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

function showClocks(root) {
  for (const place of root.querySelectorAll("[data-seek-ms], [data-ms]")) {
    const time = clock(place.dataset.seekMs ?? place.dataset.ms);
    place.textContent = time;
    if (place.dataset.seekMs) place.setAttribute("aria-label", `Listen from ${time}`);
  }
}

function listenFrom(event) {
  const place = event.target.closest("[data-seek-ms]");
  const audio = document.querySelector("#recording audio");
  if (!place) return;
  event.preventDefault();
  if (!audio) return document.querySelector("#recording").scrollIntoView();
  audio.currentTime = place.dataset.seekMs / 1000;
  audio.play();
}

const announced = new Map();

// Both parts are fetched every two seconds; only news is read out.
function announce(event) {
  const { id, dataset } = event.target;
  if (!dataset.status || announced.get(id) === dataset.status) return;
  announced.set(id, dataset.status);
  document.querySelector("[data-announce]").textContent = dataset.status;
}

showClocks(document);
document.addEventListener("click", listenFrom);
document.addEventListener("htmx:load", announce);
