// Recording player that replaces the browser's own: waveform, transcript, mouse, keyboard, links to a moment.
import { clock } from "./timestamps.js";
import { ChannelMixer } from "./channel-mixer.js";

const STEP = 5000; // ms per press of an arrow key
const LATE = 250; // ms after its end for which a turn still counts as playing

export class Player {
  #mixer;

  constructor(root, page = document) {
    this.root = root;
    this.page = page;
    this.audio = root.querySelector("audio");
    this.duration = Number(root.dataset.durationMs);
    this.#mixer = new ChannelMixer(this.audio);
    this.audio.controls = false;
    this.root.dataset.isReady = "";
    for (const part of root.querySelectorAll("[data-controls], [data-play]")) part.hidden = false;
    this.#addListeners();
    this.showMarks();
    this.#show();
  }

  get now() {
    return 1000 * this.audio.currentTime;
  }

  toggle() {
    if (this.audio.paused) this.play();
    else this.audio.pause();
  }

  play() {
    this.#mixer.resume();
    this.audio.play().catch(() => this.#showMessage(gettext("The recording can’t be played right now. Try again in a minute.")));
  }

  seek(ms) {
    const place = Math.min(Math.max(0, ms), this.duration);
    this.audio.currentTime = place / 1000;
    this.#markTurn(place, false); // a jump never moves the page
    this.#show(place);
  }

  listenFrom(ms) {
    this.seek(ms);
    this.play();
  }

  /** Turns with a time in the recording, in transcript order. */
  get turns() {
    return [...this.page.querySelectorAll("[data-transcript] > [data-start-ms]")].map((element) => ({
      element,
      start: Number(element.dataset.startMs),
      end: Number(element.dataset.endMs),
    }));
  }

  turnAt(ms) {
    return this.turns.findLast(({ start, end }) => start <= ms && ms < Math.max(end, start + LATE) + LATE);
  }

  stepTurn(by) {
    const { turns, now } = this;
    const next = by > 0 ? turns.find(({ start }) => start > now + 50) : turns.findLast(({ start }) => start < now - 1500);
    if (next) this.seek(next.start);
    else if (by < 0) this.seek(0);
  }

  /** Move the focus from the turn around `element` to a neighboring turn, and seek to its start. */
  stepFocus(element, by) {
    const turns = this.turns.filter((turn) => turn.element.querySelector("[data-play-ms]")); // typed turns have no sound
    const index = turns.findIndex((turn) => turn.element.contains(element));
    const next = turns[index + by];
    if (index < 0 || !next) return;
    next.element.querySelector("[data-play-ms]").focus();
    this.seek(next.start);
  }

  showMarks() {
    const marks = [...this.page.querySelectorAll("[data-mark-ms]")].map(({ dataset }) => {
      const mark = this.page.createElement("span");
      mark.style.left = `${this.#percent(Number(dataset.markMs))}%`;
      return mark;
    });
    this.root.querySelector("[data-marks]")?.replaceChildren(...marks);
  }

  #find(name) {
    return this.root.querySelector(`[data-${name}]`);
  }

  #percent(ms) {
    return this.duration ? Math.min(100, (100 * ms) / this.duration) : 0;
  }

  #addListeners() {
    const position = this.#find("position");
    for (const name of ["timeupdate", "seeked", "loadedmetadata"]) this.audio.addEventListener(name, () => this.#show());
    for (const name of ["play", "pause", "ended"]) this.audio.addEventListener(name, () => this.#showState());
    this.audio.addEventListener("error", () =>
      this.#showMessage(gettext("The recording can’t be loaded right now. It is safe. Reload the page in a minute.")),
    );
    this.#find("play").addEventListener("click", () => this.toggle());
    position.addEventListener("input", () => this.seek(Number(position.value)));
    this.#find("speed").addEventListener("change", ({ target }) => (this.audio.playbackRate = Number(target.value)));
    this.#find("both-ears").addEventListener("change", ({ target }) => this.#mixer.setBothEars(target.checked));
    this.#find("copy-link").addEventListener("click", () => this.#copyLink());
    for (const slider of this.root.querySelectorAll("[data-volume]"))
      slider.addEventListener("input", () => this.#mixer.setVolume(Number(slider.dataset.volume), slider.value / 100));
    for (const button of this.root.querySelectorAll("[data-step-turn]"))
      button.addEventListener("click", () => this.stepTurn(Number(button.dataset.stepTurn)));
  }

  #show(ms = this.now) {
    const place = Math.round(ms);
    const position = this.#find("position");
    position.value = place;
    const times = { time: clock(place), duration: clock(this.duration) };
    position.setAttribute("aria-valuetext", interpolate(gettext("%(time)s of %(duration)s"), times, true));
    this.#find("now").textContent = clock(place);
    this.root.style.setProperty("--played", `${this.#percent(place)}%`);
    this.#markTurn(place);
  }

  #markTurn(ms, mayScroll = true) {
    const current = this.turnAt(ms)?.element;
    const marked = this.page.querySelector("[data-transcript] > [aria-current]");
    if (current === marked) return;
    marked?.removeAttribute("aria-current");
    current?.setAttribute("aria-current", "true");
    // Follow a reader who is at the moment that was playing, and leave alone one who has scrolled or jumped elsewhere.
    const isFollowing = mayScroll && !this.audio.paused && this.#find("follow").checked && marked && isOnScreen(marked);
    if (current && isFollowing) current.scrollIntoView({ block: "nearest" });
  }

  #showState() {
    this.root.toggleAttribute("data-is-playing", !this.audio.paused);
    this.#find("play").setAttribute("aria-label", this.audio.paused ? gettext("Play") : gettext("Pause"));
  }

  async #copyLink() {
    const { origin, pathname } = this.page.location;
    const path = this.page.querySelector("#session-tabs a[href$='/transcript/']")?.getAttribute("href") ?? pathname;
    const link = `${origin}${path}#t=${(this.now / 1000).toFixed(1)}`;
    try {
      await navigator.clipboard.writeText(link);
      this.#showMessage(interpolate(gettext("Link to %(time)s copied."), { time: clock(this.now) }, true));
    } catch {
      this.#showMessage(interpolate(gettext("Link to %(time)s: %(link)s"), { time: clock(this.now), link }, true));
    }
  }

  #showMessage(text) {
    this.#find("player-says").textContent = text;
  }
}

function isOnScreen(element) {
  const { top, bottom } = element.getBoundingClientRect();
  return bottom > 0 && top < innerHeight;
}

/** Handle the space bar and arrow keys, except where they have another function. */
export function handleKey(player, event) {
  const { target, key } = event;
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  if (target.closest("input, select, textarea, button, summary, [contenteditable]")) return;
  const isLink = target.closest("a") !== null;
  const isInside = target.closest("[data-player], [data-transcript]") !== null;
  if (isLink && !isInside) return;
  // Once playback has been started, the keys also work while nothing has the focus.
  const isUnfocused = target === target.ownerDocument.body && player.audio.played.length > 0;
  const actions = {
    " ": (isInside || isUnfocused) && (() => player.toggle()),
    ArrowLeft: (isInside || isUnfocused) && (() => player.seek(player.now - STEP)),
    ArrowRight: (isInside || isUnfocused) && (() => player.seek(player.now + STEP)),
    ArrowUp: isInside && (() => player.stepFocus(target, -1)),
    ArrowDown: isInside && (() => player.stepFocus(target, 1)),
  };
  const act = actions[key];
  if (!act) return;
  event.preventDefault();
  act();
}
