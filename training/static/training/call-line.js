import { ApiProblem } from "./sessions-api.js";
import { CallSocket } from "./call-socket.js";
import { CONNECTING, ENDING, isSilent, TALKING } from "./call-state.js";
import { lostText } from "./call-texts.js";
import { practiceRequest } from "./page-elements.js";
import { CLOSE_CODES, InterruptibleDelay, isSessionStillOpen, ReconnectSchedule, shouldReconnect } from "./reconnect.js";

const STEADY_AFTER_MS = 10000; // a connection that worked this long makes earlier protocol errors irrelevant
const DEAD_AFTER_MS = 8000; // with no traffic either way for this long, an open line counts as dead
const PLAYER_MESSAGES = ["pause", "resume", "flush", "item_end"];

/** Line of a call: opens the session and its socket, and restores the socket when it breaks. */
export class CallLine {
  #socket = null;
  #epoch = null; // the gateway's epoch of this line, which lets the page reclaim the line
  #reconnectSchedule = null;
  #reconnectDelay = new InterruptibleDelay();
  #lastCloseCode = null; // close code of the last connection
  #readyAt = null; // when the gateway was ready on this connection, in ms of performance.now()
  #lastReceivedAt = 0;

  constructor(page) {
    this.page = page;
    this.keptMs = Number(page.root.dataset.lineKeptMs); // from the setting LINE_KEPT_FOR
  }

  async connect({ takeOver = false } = {}) {
    const { page } = this;
    page.dispatch({ type: "start" });
    this.#reconnectSchedule = null;
    try {
      const audio = await page.sound.open();
      await Promise.all([this.#openSession(), this.#isNew && page.sound.ring()]);
      if (page.state.phase === ENDING) return await page.ending.endByRequest();
      await audio.startClock();
      await this.#dial(audio, takeOver ? { take_over: true } : this.#claim);
    } catch (problem) {
      this.#refused(problem);
    }
  }

  /** Reconnect a broken line without asking the user, for as long as the gateway keeps it. */
  async #reconnect(problem) {
    const { page } = this;
    if (page.state.phase === TALKING) page.sound.playLoss();
    page.dispatch({ type: "line_broke" });
    if (page.state.phase !== CONNECTING) return;
    this.#reconnectSchedule ??= new ReconnectSchedule(performance.now(), this.keptMs);
    const wait = this.#reconnectSchedule.nextDelay(performance.now());
    if (wait === null) return page.dispatch({ type: "line_lost", problem });
    await this.#reconnectDelay.wait(wait);
    try {
      await this.#dial(await page.sound.open(), this.#claim);
    } catch (next) {
      if (next.isRetryable) await this.#reconnect(next);
      else this.#refused(next);
    }
  }

  get #isNew() {
    return !this.page.state.session && !this.page.root.dataset.liveSessionId;
  }

  get #claim() {
    return this.#epoch === null ? {} : { held: this.#epoch };
  }

  async #openSession() {
    const { page } = this;
    if (page.state.session) return;
    const { liveSessionId } = page.root.dataset;
    const session = await (liveSessionId ? page.api.read(liveSessionId) : page.api.begin(practiceRequest(page.root)));
    page.dispatch({ type: "session", session });
    for (const turn of session.transcript) page.receiveTurn(turn);
    if (session.status !== "active")
      throw new ApiProblem(409, { code: "session_over", detail: gettext("This call has ended.") });
  }

  async #dial(audio, claim) {
    const { page } = this;
    const { url, ticket } = await page.api.ticket(page.state.session.id, claim);
    if (page.state.phase !== CONNECTING) return;
    const record = page.root.querySelector("[name=record]")?.checked ?? true;
    audio.sendToPlayer("reset");
    const { consent } = page.root.querySelector("[data-consent]").dataset;
    const socket = new CallSocket({ url, ticket, record, consent, lastRevision: page.transcript.revision }, {
      audio: (frame) => {
        this.#lastReceivedAt = performance.now();
        if (socket === this.#socket) audio.play(frame);
      },
      message: (message) => socket === this.#socket && this.#receive(message, audio),
      closed: (closure) => socket === this.#socket && this.#closed(closure, audio),
    });
    this.#socket = socket;
  }

  #receive({ type, ...message }, audio) {
    this.#lastReceivedAt = performance.now();
    if (PLAYER_MESSAGES.includes(type)) audio.sendToPlayer(type, message.item);
    if (type === "turn") this.page.receiveTurn(message);
    if (type === "notice") this.page.receiveNotice(message.code);
    if (type === "ended" && !isSessionStillOpen(message.reason)) this.page.ended(message.reason);
    if (type === "ready") this.#ready(message);
  }

  #ready({ epoch, recording }) {
    this.#epoch = epoch;
    this.#reconnectSchedule = null;
    this.#readyAt = performance.now();
    this.page.dispatch({ type: "line_ready", recording });
    if (isSilent(this.page.state)) this.mute(true);
    if (this.page.state.hasWaitingWords) this.page.sendTyped();
  }

  sendFrame({ index, pcm }) {
    const { page } = this;
    if (page.state.phase !== TALKING) return;
    const isSlow = !this.#socket.sendAudio(index, pcm);
    if (isSlow && performance.now() - this.#lastReceivedAt > DEAD_AFTER_MS) this.dropDeadLine();
    else if (isSlow !== page.state.isSlow) page.dispatch({ type: "slow", on: isSlow });
  }

  say(text) {
    return this.page.state.phase === TALKING && this.#socket.say(text);
  }

  played(report, at) {
    this.#socket?.played(report, at);
  }

  mute(on) {
    this.#socket?.mute(on);
  }

  /** Ask the gateway to hang up. Return false if there is no open line. */
  hangUp() {
    return this.#socket?.hangUp() ?? false;
  }

  leave() {
    this.#socket?.close();
  }

  /** Drop an open line that carries no traffic and reconnect, before the network reports the loss. */
  dropDeadLine() {
    const socket = this.#socket;
    if (!socket || this.page.state.phase !== TALKING) return;
    this.#socket = null;
    socket.close();
    this.page.sound.resetPlayer();
    this.#reconnect({ message: lostText(1006) });
  }

  /** End the current wait early, because the network or the user is back. */
  tryNow() {
    this.#reconnectDelay.wake();
  }

  async #closed({ code, opened }, audio) {
    const wasSteady = this.#readyAt !== null && performance.now() - this.#readyAt >= STEADY_AFTER_MS;
    const before = wasSteady ? null : this.#lastCloseCode;
    this.#socket = null;
    this.#readyAt = null;
    this.#lastCloseCode = code;
    audio.sendToPlayer("reset");
    const { page } = this;
    if (page.state.phase === ENDING) return await page.ending.endByRequest();
    const why = { [CLOSE_CODES.takenOver]: "replaced", [CLOSE_CODES.loggedOut]: "logged_out" }[code];
    const unopened = gettext("The voice line isn’t responding. Your network may be blocking it.");
    const message = opened ? lostText(code) : unopened;
    if (shouldReconnect(code, before)) return await this.#reconnect({ message });
    if (page.state.phase === TALKING) page.sound.playLoss();
    page.dispatch({ type: "line_lost", problem: { message, code: why } });
  }

  #refused(problem) {
    const { page } = this;
    if (problem.code === "session_over") page.ended("session_over");
    else if (page.state.session) page.dispatch({ type: "line_lost", problem });
    else page.dispatch({ type: "not_started", problem });
  }
}
