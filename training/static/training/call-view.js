import { canSpeak, isInCall, LOST, TALKING } from "./call-state.js";
import { presenceOf } from "./call-presence.js";
import { checkText, isElsewhere, isLoggedOut, lostAdvice, lostTitle, noticeText, reasonText, undoText } from "./call-texts.js";
import { setTexts, showOnly } from "./page-elements.js";

const QUIET_DB = -60;
const SPEECH_DB = -20;
const TURN_TAKING = ["speaking", "thinking", "listening"];

/** Convert a level (root mean square) to the position of a meter on the page, 0 to 1. */
export function meterPosition(level) {
  const decibel = 20 * Math.log10(Math.max(level, 1e-6));
  return Math.max(0, Math.min(1, (decibel - QUIET_DB) / (SPEECH_DB - QUIET_DB)));
}

export function formatDuration(seconds) {
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
}

/** View of the call page. It draws the state and makes no decisions. */
export class CallView {
  #phase = "ready";
  #talkingSince = null;
  #couldUndo = false;

  constructor(root) {
    this.root = root;
    this.timer = root.querySelector("[data-elapsed]");
    // `elapsed` is the age, in seconds, of a call that began elsewhere, at the time this page was opened.
    const { elapsed } = this.timer.dataset;
    if (elapsed > 0) this.#talkingSince = -1000 * elapsed;
  }

  show(state) {
    const { phase, session, problem } = state;
    this.root.dataset.phase = phase;
    showOnly(this.root, { when: phase, mic: state.microphone, sample: state.sample });
    this.#showPresence(state);
    setTexts(this.root, {
      notice: noticeText(state),
      reason: reasonText(state),
      lost: lostTitle(state),
      advice: lostAdvice(state),
      problem: problem?.message ?? "",
      heard: checkText(state),
      "undo-end": undoText(state),
    });
    for (const [name, on] of Object.entries(flagsOf(state))) this.#flag(name, on);
    this.#showButtons(state);
    if (session) for (const link of this.root.querySelectorAll("[data-session-link]")) link.href = session.page;
    if (phase !== this.#phase) this.#enter(phase);
    const canUndo = Boolean(state.chosenEnd);
    if (canUndo && !this.#couldUndo) this.root.querySelector("[data-action=undo-end]")?.focus();
    this.#couldUndo = canUndo;
  }

  #showPresence(state) {
    const { look, title, detail } = presenceOf(state);
    const words = this.root.querySelector("[data-presence]");
    if (!words) return;
    // Turn-taking is heard on the line, and a screen reader would talk over it. Everything else is announced.
    const isHeardAnyway = TURN_TAKING.includes(look) && TURN_TAKING.includes(this.root.dataset.look) && !state.isMuted;
    words.setAttribute("aria-live", isHeardAnyway ? "off" : "polite");
    this.root.dataset.look = look;
    setTexts(this.root, { title, detail });
    showOnly(this.root, { look });
  }

  #showButtons(state) {
    this.#press("mute", state.isMuted);
    this.#press("toggle-typing", state.isTyping || !canSpeak(state));
    this.#press("type", state.microphone === "typing");
    this.#press("speak", state.microphone !== "typing");
    const start = this.root.querySelector("[data-action=start]");
    if (start) start.disabled = state.microphone === "asking";
  }

  #press(action, on) {
    for (const button of this.root.querySelectorAll(`[data-action="${action}"][aria-pressed]`))
      button.setAttribute("aria-pressed", String(Boolean(on)));
  }

  showCallerLevel(level) {
    this.root.style.setProperty("--caller-level", meterPosition(level).toFixed(2));
  }

  showMicrophoneLevel(level) {
    this.root.style.setProperty("--microphone-level", meterPosition(level).toFixed(2));
  }

  showSecondsLeft(seconds) {
    setTexts(this.root, { "seconds-left": String(seconds) });
  }

  listDevices(microphones, speakers) {
    this.#list("[data-devices]", microphones, gettext("Microphone"));
    this.#list("[data-speakers]", speakers, gettext("Loudspeaker"));
    this.#flag("speakers", speakers.all.length > 1);
  }

  #list(selector, { used, all }, unnamed) {
    for (const select of this.root.querySelectorAll(selector)) {
      select.replaceChildren(...all.map(({ deviceId, label }) => new Option(label || unnamed, deviceId)));
      select.value = used;
    }
  }

  toggleTranscript() {
    const isHidden = this.root.toggleAttribute("data-transcript-hidden");
    this.root.querySelector(isHidden ? ".dock [data-action=toggle-transcript]" : "[data-log]").focus();
  }

  focusControls() {
    this.root.querySelector("[data-action=mute]").focus();
  }

  tick(now) {
    if (this.#talkingSince === null) return;
    this.timer.textContent = formatDuration((now - this.#talkingSince) / 1000);
  }

  #enter(phase) {
    const isInterrupted = this.#phase === TALKING && phase === "connecting";
    this.#phase = phase;
    if (phase === TALKING) this.#talkingSince ??= performance.now();
    if (phase === "ended") this.#talkingSince = null;
    this.showCallerLevel(0);
    if (isInterrupted) return; // the controls stay, and somebody may be typing
    // Move the focus to the new phase for keyboard and screen reader users.
    this.root.querySelector(`[data-focus="${phase}"]`)?.focus({ preventScroll: true });
    this.root.scrollIntoView({ block: "nearest" });
  }

  #flag(name, on) {
    for (const element of this.root.querySelectorAll(`[data-if="${name}"]`)) element.hidden = !on;
  }
}

/** Return what the elements with `data-if` depend on. */
function flagsOf(state) {
  const { phase, problem } = state;
  const canUndo = Boolean(state.chosenEnd);
  const isLive = isInCall(state) && !canUndo;
  return {
    problem,
    "other-call": problem?.code === "call_live" && problem.sessionId,
    recording: state.isRecording && isInCall(state),
    notice: noticeText(state),
    elsewhere: isElsewhere(state),
    here: !isElsewhere(state),
    "logged-out": isLoggedOut(state),
    undo: canUndo,
    controls: isLive,
    presence: isInCall(state) || canUndo,
    lost: phase === LOST && !canUndo,
    typing: isLive && (state.isTyping || !canSpeak(state)),
  };
}
