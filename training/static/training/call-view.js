import { connectionText, isElsewhere, isInCall, isLoggedOut, lostAdvice, lostTitle, noticeText, reasonText, TALKING } from "./call-state.js";
import { setTexts, showOnly } from "./page-elements.js";

const QUIET_DB = -60;
const SPEECH_DB = -20;

/** Convert a level (root mean square) to the position of a meter on the page, 0 to 1. */
export function meterPosition(level) {
  const decibel = 20 * Math.log10(Math.max(level, 1e-6));
  return Math.max(0, Math.min(1, (decibel - QUIET_DB) / (SPEECH_DB - QUIET_DB)));
}

export function formatDuration(seconds) {
  const two = (number) => String(Math.floor(number)).padStart(2, "0");
  return `${two(seconds / 60)}:${two(seconds % 60)}`;
}

/** View of the call page. It draws the state and makes no decisions. */
export class CallView {
  #phase = "ready";
  #talkingSince = null;

  constructor(root) {
    this.root = root;
    this.timer = root.querySelector("[data-elapsed]");
    // `elapsed` is the age, in seconds, of a call that began elsewhere, at the time this page was opened.
    const { elapsed } = this.timer.dataset;
    if (elapsed > 0) this.#talkingSince = -1000 * elapsed;
    this.devices = root.querySelector("[data-devices]");
  }

  show(state) {
    const { phase, session, problem } = state;
    this.root.dataset.phase = phase;
    showOnly(this.root, { when: phase, mic: state.microphone });
    setTexts(this.root, {
      connection: connectionText(state),
      notice: noticeText(state),
      reason: reasonText(state),
      lost: lostTitle(state),
      advice: lostAdvice(state),
      problem: problem?.message ?? "",
      heard: state.isHeard ? gettext("We can hear you.") : gettext("Say something. The bar moves when we hear you."),
      mute: state.isMuted ? gettext("Unmute") : gettext("Mute"),
      microphone: state.isMuted ? gettext("You’re muted") : gettext("Your microphone is on"),
    });
    this.#flag("problem", problem);
    this.#flag("other-call", problem?.code === "call_live" && problem.sessionId);
    this.#flag("recording", state.isRecording && isInCall(state));
    this.#flag("greet", phase === TALKING && !state.hasSpoken);
    this.#flag("notice", noticeText(state));
    this.#flag("elsewhere", isElsewhere(state));
    this.#flag("here", !isElsewhere(state));
    this.#flag("logged-out", isLoggedOut(state));
    this.root.querySelector("[data-action=mute]").setAttribute("aria-pressed", String(state.isMuted));
    const start = this.root.querySelector("[data-action=start]");
    if (start) start.disabled = state.microphone === "asking";
    if (session) for (const link of this.root.querySelectorAll("[data-session-link]")) link.href = session.page;
    if (phase !== this.#phase) this.#enter(phase);
  }

  showCallerLevel(level) {
    this.root.style.setProperty("--caller-level", meterPosition(level).toFixed(2));
  }

  showMicrophoneLevel(level) {
    this.root.style.setProperty("--microphone-level", meterPosition(level).toFixed(2));
  }

  listDevices({ used, all }) {
    const options = all.map(({ deviceId, label }) => new Option(label || gettext("Microphone"), deviceId));
    this.devices.replaceChildren(...options);
    this.devices.value = used;
  }

  tick(now) {
    if (this.#talkingSince === null) return;
    this.timer.textContent = formatDuration((now - this.#talkingSince) / 1000);
  }

  #enter(phase) {
    this.#phase = phase;
    if (phase === TALKING) this.#talkingSince ??= performance.now();
    if (phase === "ended") this.#talkingSince = null;
    this.showCallerLevel(0);
    // Move the focus to the new phase for keyboard and screen reader users.
    this.root.querySelector(`[data-focus="${phase}"]`)?.focus({ preventScroll: true });
    this.root.scrollIntoView({ block: "nearest" });
  }

  #flag(name, on) {
    for (const element of this.root.querySelectorAll(`[data-if="${name}"]`)) element.hidden = !on;
  }
}
