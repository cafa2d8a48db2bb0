// Session page: playback from any moment, and announcements of changes while the page polls for feedback.
import { clock, momentIn } from "./timestamps.js";
import { handleKey, Player } from "./recording-player.js";

let player = null;
let isMomentDue = true; // the page has yet to seek to the moment in the URL, once a recording is available

function findPlayer() {
  const root = document.querySelector("[data-player]");
  if (root && root !== player?.root) {
    player = new Player(root);
    goToMoment();
  }
  player?.showMarks();
  for (const button of document.querySelectorAll("[data-take-moment]")) button.hidden = !player;
}

/** Seek to the moment in the URL, scroll to its turn, and focus the play button. */
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

// The page's fragments are fetched every two seconds, so announce a status only when it changes.
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
