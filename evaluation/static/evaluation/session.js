// A conversation's page: one player for every play button, announcements while the page polls, and a reviewer's keys.
import { clock, momentIn } from "./timestamps.js";
import { handleKey, Player } from "./recording-player.js";
import { startReviewing } from "./check-keys.js";

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

// Links from before the page had tabs name their place in the hash alone.
const PLACES = { checks: /^#criterion-/, transcript: /^#(t=|turn-|comment|transcript)/, documentation: /^#documentation/ };

function openTabOfHash() {
  const body = document.querySelector("[data-tabs]");
  const found = body?.dataset.tab === "summary" && Object.keys(PLACES).find((tab) => PLACES[tab].test(location.hash));
  const isThere = found && document.querySelector(`#session-tabs a[href="${JSON.parse(body.dataset.tabs)[found]}"]`);
  if (isThere) location.replace(JSON.parse(body.dataset.tabs)[found] + location.hash);
}

/** Open the row that the hash names, and the parts around a place inside one. */
function openRowOfHash() {
  const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  if (!target) return;
  for (let part = target; part; part = part.parentElement?.closest("details")) if (part.matches("details")) part.open = true;
  target.scrollIntoView();
}

function onClick(event) {
  const place = event.target.closest("[data-play-ms]");
  if (place) {
    event.preventDefault();
    if (player) player.listenFrom(Number(place.dataset.playMs));
    else say(gettext("The recording is being prepared."));
  }
  if (event.target.closest("[data-take-moment]") && player) {
    document.querySelector("[data-comment-form] [name=at]").value = clock(player.now);
  }
}

const announced = new Map();

const say = (text) => (document.querySelector("[data-announce]").textContent = text);

// The page's fragments are fetched every two seconds, so announce a status only when it changes.
function announce({ id, dataset }) {
  if (!dataset.status || announced.get(id) === dataset.status) return;
  announced.set(id, dataset.status);
  say(dataset.status);
}

document.addEventListener("click", onClick);
document.addEventListener("keydown", (event) => player && handleKey(player, event));
document.addEventListener("htmx:load", (event) => {
  announce(event.target);
  findPlayer();
});
window.addEventListener("hashchange", () => {
  isMomentDue = true;
  openTabOfHash();
  goToMoment();
  openRowOfHash();
});
// An error of the last action, such as a refused upload, is read at once.
const refusal = document.querySelector("main > .banner-danger");
refusal?.setAttribute("tabindex", "-1");
refusal?.focus();
const tabs = document.querySelector("#session-tabs");
const current = tabs?.querySelector("[aria-current]");
// On a phone, the last tabs are off the screen.
if (current) tabs.scrollLeft = current.offsetLeft + current.offsetWidth - tabs.offsetLeft - tabs.clientWidth;
openTabOfHash();
openRowOfHash();
findPlayer();
startReviewing(document);
