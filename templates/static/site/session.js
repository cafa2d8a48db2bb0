// The session's page: listening from any moment, and saying aloud what changed while the page looks for feedback.
import { clock, momentIn } from "./clock.js";
import { handleKey, Player } from "./recording-player.js";

let player = null;
let isMomentDue = true; // of the address, until a recording is there

function findPlayer() {
  const root = document.querySelector("[data-player]");
  if (root && root !== player?.root) {
    player = new Player(root);
    goToMoment();
  }
  player?.showMarks();
  for (const button of document.querySelectorAll("[data-take-moment]")) button.hidden = !player;
}

/** A link to a moment: found, shown and ready to be played. */
function goToMoment() {
  const ms = momentIn(location.hash);
  if (!player || ms === null || !isMomentDue) return;
  isMomentDue = false;
  player.seek(ms);
  player.turnAt(ms)?.element.scrollIntoView({ block: "center" });
  player.root.querySelector("[data-play]").focus({ preventScroll: true });
}

function onClick(event) {
  const place = event.target.closest("[data-seek-ms]");
  if (place) {
    event.preventDefault();
    if (player) player.listenFrom(Number(place.dataset.seekMs));
    else document.querySelector("#recording")?.scrollIntoView();
  }
  if (event.target.closest("[data-take-moment]") && player) {
    document.querySelector("[data-comment-form] [name=at]").value = clock(player.now);
  }
}

const announced = new Map();

// Both parts are fetched every two seconds; only news is read out.
function announce({ id, dataset }) {
  if (!dataset.status || announced.get(id) === dataset.status) return;
  announced.set(id, dataset.status);
  document.querySelector("[data-announce]").textContent = dataset.status;
}

document.addEventListener("click", onClick);
document.addEventListener("keydown", (event) => player && handleKey(player, event));
document.addEventListener("htmx:load", (event) => {
  announce(event.target);
  findPlayer();
});
window.addEventListener("hashchange", () => {
  isMomentDue = true;
  goToMoment();
});
findPlayer();
