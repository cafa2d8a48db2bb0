import { ApiProblem, SessionsApi } from "./sessions-api.js";
import { CallAudio, microphoneProblem } from "./call-audio.js";
import { CallSocket } from "./call-socket.js";
import * as calls from "./call-state.js";
import { CallView } from "./call-view.js";
import { CLOSE_CODES, InterruptibleDelay, isSessionStillOpen, ReconnectSchedule, shouldReconnect } from "./reconnect.js";
import { practiceRequest } from "./page-elements.js";
import { TranscriptView } from "./transcript-view.js";
import { Transcript } from "./transcript.js";

const SPEECH_LEVEL = 0.01;
const FRAMES_OF_SPEECH = 5;
const HANG_UP_TIMEOUT_MS = 4000;
const NOTICE_DURATION_MS = 5000;
const STEADY_AFTER_MS = 10000; // a connection that worked this long makes earlier protocol errors irrelevant
const DEAD_AFTER_MS = 8000; // with no traffic either way for this long, an open line counts as dead

/** Controller of the call page: connects state, socket, audio, and view. */
export class CallPage {
  #state = calls.initialState;
  #opening = null;
  #socket = null;
  #loudFrames = 0;
  #epoch = null; // the gateway's epoch of this line, which lets the page reclaim the line
  #reconnectSchedule = null;
  #reconnectDelay = new InterruptibleDelay();
  #lastCloseCode = null; // close code of the last connection
  #readyAt = null; // when the gateway was ready on this connection, in ms of performance.now()
  #lastReceivedAt = 0;
  #unconfirmedWords = []; // typed and sent, but not in the transcript yet

  constructor(root) {
    this.root = root;
    this.api = new SessionsApi(root.dataset);
    this.lineKeptMs = Number(root.dataset.lineKeptMs); // from the setting LINE_KEPT_FOR
    this.view = new CallView(root);
    this.transcript = new Transcript();
    this.turns = new TranscriptView(root.querySelector("[data-log]"), this.transcript);
    this.raw = "rawMicrophone" in root.dataset || new URLSearchParams(window.location.search).get("raw") === "1";
    this.view.show(this.#state);
  }

  // ---- Before the call: microphone and session

  async checkMicrophone(deviceId) {
    this.#dispatch({ type: "microphone", status: "asking" });
    this.#loudFrames = 0;
    try {
      const audio = await this.#audio();
      await audio.useMicrophone({ deviceId, raw: this.raw });
      this.#dispatch({ type: "microphone", status: "working" });
      this.view.listDevices(await audio.microphones());
    } catch (error) {
      this.#dispatch({ type: "microphone", status: microphoneProblem(error) });
    }
  }

  typeInstead() {
    this.#dispatch({ type: "microphone", status: "typing" });
  }

  async start() {
    if (!this.#isSettled) await this.checkMicrophone();
    if (this.#isSettled) await this.connect();
  }

  async endOtherCall() {
    try {
      await this.api.end(this.#state.problem.sessionId);
      await this.start();
    } catch (problem) {
      this.#dispatch({ type: "not_started", problem });
    }
  }

  /** End a free practice or trial that was left open, and reload the page to offer a new one. */
  async startOver() {
    try {
      await this.api.end(this.root.dataset.liveSessionId);
      window.location.reload();
    } catch (problem) {
      this.#dispatch({ type: "not_started", problem });
    }
  }

  get #isSettled() {
    return ["working", "typing"].includes(this.#state.microphone);
  }

  /** Open the AudioContext once, after a user gesture, because browsers play no audio before one. */
  #audio() {
    this.#opening ??= this.#openAudio();
    return this.#opening;
  }

  #openAudio() {
    const handlers = {
      level: (level) => this.#measureMicrophone(level),
      callerLevel: (level) => this.view.showCallerLevel(level),
      frame: (frame) => this.#sendFrame(frame),
      played: (report, at) => this.#socket?.played(report, at),
      microphoneStopped: () => this.#dispatch({ type: "microphone", status: "stopped" }),
    };
    return CallAudio.open(handlers).catch(() => {
      this.#opening = null;
      throw new ApiProblem(0, { detail: gettext("Sound could not be started on this page. Try a current browser.") });
    });
  }

  #measureMicrophone(level) {
    this.view.showMicrophoneLevel(calls.canSpeak(this.#state) ? level : 0);
    if (level > SPEECH_LEVEL) this.#loudFrames += 1;
    if (this.#loudFrames >= FRAMES_OF_SPEECH && !this.#state.isHeard) this.#dispatch({ type: "heard" });
  }

  // ---- Connection

  async connect({ takeOver = false } = {}) {
    this.#dispatch({ type: "start" });
    this.#reconnectSchedule = null;
    try {
      const audio = await this.#audio();
      await this.#openSession();
      if (this.#state.phase === calls.ENDING) return await this.#endByRequest();
      await audio.startClock();
      await this.#dial(audio, takeOver ? { take_over: true } : this.#claim);
    } catch (problem) {
      this.#refused(problem);
    }
  }

  /** Reconnect a broken line without asking the user, for as long as the gateway keeps it. */
  async #reconnect(problem) {
    this.#dispatch({ type: "line_broke" });
    if (this.#state.phase !== calls.CONNECTING) return;
    this.#reconnectSchedule ??= new ReconnectSchedule(performance.now(), this.lineKeptMs);
    const wait = this.#reconnectSchedule.nextDelay(performance.now());
    if (wait === null) return this.#dispatch({ type: "line_lost", problem });
    await this.#reconnectDelay.wait(wait);
    try {
      await this.#dial(await this.#audio(), this.#claim);
    } catch (next) {
      if (next.isRetryable) await this.#reconnect(next);
      else this.#refused(next);
    }
  }

  get #claim() {
    return this.#epoch === null ? {} : { held: this.#epoch };
  }

  async #openSession() {
    if (this.#state.session) return;
    const { liveSessionId } = this.root.dataset;
    const session = await (liveSessionId ? this.api.read(liveSessionId) : this.api.begin(practiceRequest(this.root)));
    this.#dispatch({ type: "session", session });
    for (const turn of session.transcript) this.#turn(turn);
    if (session.status !== "active")
      throw new ApiProblem(409, { code: "session_over", detail: gettext("This call has ended.") });
  }

  async #dial(audio, claim) {
    const { url, ticket } = await this.api.ticket(this.#state.session.id, claim);
    if (this.#state.phase !== calls.CONNECTING) return;
    const record = this.root.querySelector("[name=record]")?.checked ?? true;
    audio.sendToPlayer("reset");
    const { consent } = this.root.querySelector("[data-consent]").dataset;
    const socket = new CallSocket({ url, ticket, record, consent, lastRevision: this.transcript.revision }, {
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
    if (["pause", "resume", "flush", "item_end"].includes(type)) audio.sendToPlayer(type, message.item);
    if (type === "turn") this.#turn(message);
    if (type === "notice") this.#notice(message.code);
    if (type === "ended" && !isSessionStillOpen(message.reason)) this.#ended(message.reason);
    if (type !== "ready") return;
    this.#epoch = message.epoch;
    this.#reconnectSchedule = null;
    this.#readyAt = performance.now();
    this.#dispatch({ type: "line_ready", recording: message.recording });
    if (this.#state.isMuted) this.#socket.mute(true);
    if (this.#state.hasWaitingWords) this.sendTyped();
  }

  #notice(code) {
    if (code === "typed_too_fast") this.#returnWords();
    this.#dispatch({ type: "notice", code });
    if (calls.TEMPORARY_NOTICES.includes(code))
      setTimeout(() => this.#dispatch({ type: "notice_over", code }), NOTICE_DURATION_MS);
  }

  #turn(turn) {
    if (turn.role === "counselor") this.#unconfirmedWords = this.#unconfirmedWords.filter((text) => text !== turn.text);
    this.turns.put(turn);
    this.#dispatch({ type: "turn", text: turn.text });
  }

  #sendFrame({ index, pcm }) {
    if (this.#state.phase !== calls.TALKING) return;
    const isSlow = !this.#socket.sendAudio(index, pcm);
    if (isSlow && performance.now() - this.#lastReceivedAt > DEAD_AFTER_MS) this.dropDeadLine();
    else if (isSlow !== this.#state.isSlow) this.#dispatch({ type: "slow", on: isSlow });
  }

  /** Drop an open line that carries no traffic and reconnect, before the network reports the loss. */
  dropDeadLine() {
    const socket = this.#socket;
    if (!socket || this.#state.phase !== calls.TALKING) return;
    this.#socket = null;
    socket.close();
    this.#opening?.then((audio) => audio.sendToPlayer("reset"));
    this.#reconnect({ message: calls.lostText(1006) });
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
    if (this.#state.phase === calls.ENDING) return await this.#endByRequest();
    const why = { [CLOSE_CODES.takenOver]: "replaced", [CLOSE_CODES.loggedOut]: "logged_out" }[code];
    const unopened = gettext("The voice line isn’t responding. Your network may be blocking it.");
    const message = opened ? calls.lostText(code) : unopened;
    if (shouldReconnect(code, before)) await this.#reconnect({ message });
    else this.#dispatch({ type: "line_lost", problem: { message, code: why } });
  }

  #refused(problem) {
    if (problem.code === "session_over") this.#ended("session_over");
    else if (this.#state.session) this.#dispatch({ type: "line_lost", problem });
    else this.#dispatch({ type: "not_started", problem });
  }

  // ---- Actions during the call, and its end

  toggleMute() {
    const on = !this.#state.isMuted;
    this.#dispatch({ type: "mute", on });
    this.#opening?.then((audio) => audio.mute(on));
    this.#socket?.mute(on);
  }

  get #wordsBox() {
    return this.root.querySelector("[data-say] [name=text]");
  }

  /** Send the words in the box. Before the call is connected, keep them there until it is. */
  sendTyped() {
    const text = this.#wordsBox.value.trim();
    if (!text) return;
    const isSent = this.#state.phase === calls.TALKING && this.#socket.say(text);
    if (isSent) {
      this.#wordsBox.value = "";
      this.#unconfirmedWords.push(text);
    }
    this.#dispatch({ type: "typed", isWaiting: !isSent });
  }

  /** Put the latest words back into the box, because the gateway refused them. */
  #returnWords() {
    const text = this.#unconfirmedWords.pop();
    if (text) this.#wordsBox.value = [text, this.#wordsBox.value].filter(Boolean).join(" ");
  }

  async hangUp() {
    this.#dispatch({ type: "hang_up" });
    this.tryNow();
    if (!this.#socket?.hangUp()) return await this.#endByRequest();
    setTimeout(() => this.#state.phase === calls.ENDING && this.#endByRequest(), HANG_UP_TIMEOUT_MS);
  }

  /** Stop the call without a grade or a confirmation. Uses an HTTP request, which works even on a broken line. */
  async stop() {
    const { session } = this.#state;
    if (!session) return;
    this.#dispatch({ type: "hang_up" });
    try {
      this.#ended((await this.api.stop(session.id)).end_reason);
    } catch (problem) {
      this.#dispatch({ type: "not_ended", problem });
    }
  }

  /** End the call by HTTP request, for a line that is broken or does not answer. */
  async #endByRequest() {
    if (!this.#state.session) return; // connect() is still requesting a session and will end it
    try {
      const session = await this.api.end(this.#state.session.id);
      this.#ended(session.end_reason);
    } catch (problem) {
      if (problem.code === "session_over") this.#ended("session_over");
      else this.#dispatch({ type: "not_ended", problem });
    }
  }

  #ended(reason) {
    this.#dispatch({ type: "ended", reason });
    this.leaveLine();
    this.#opening?.then((audio) => audio.close());
    if (this.#state.isLeaving) window.location.assign(this.#state.session.page);
  }

  leaveLine() {
    this.#socket?.close();
  }

  get warnsBeforeLeaving() {
    return [calls.CONNECTING, calls.TALKING].includes(this.#state.phase);
  }

  get isTalking() {
    return this.#state.phase === calls.TALKING;
  }

  #dispatch(event) {
    this.#state = calls.reduce(this.#state, event);
    this.view.show(this.#state);
  }
}
