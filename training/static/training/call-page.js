import { ApiProblem, SessionsApi } from "./api.js";
import { CallAudio, microphoneProblem } from "./audio.js";
import { CallSocket } from "./call-socket.js";
import * as calls from "./call-state.js";
import { CallView } from "./call-view.js";
import { practiceOf } from "./page.js";
import { TranscriptView } from "./transcript-view.js";
import { Transcript } from "./transcript.js";

const SPEECH_LEVEL = 0.01;
const FRAMES_OF_SPEECH = 5;
const HANG_UP_PATIENCE_MS = 4000;
const FREE_AGAIN_WITHIN = 45; // tries
const TRY_EVERY_MS = 1000;

/** One call on one page: wires state, line, audio and view together. */
export class CallPage {
  #state = calls.initialState;
  #opening = null;
  #socket = null;
  #loudFrames = 0;
  #hadLine = false;

  constructor(root) {
    this.root = root;
    this.api = new SessionsApi(root.dataset);
    this.view = new CallView(root);
    this.transcript = new Transcript();
    this.turns = new TranscriptView(root.querySelector("[data-log]"), this.transcript);
    this.raw = "rawMicrophone" in root.dataset || new URLSearchParams(window.location.search).get("raw") === "1";
    this.view.show(this.#state);
  }

  // ---- Before the call

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

  /** Free practice or a trial that was left open: end it, and let the page offer a fresh one. */
  async startAfresh() {
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

  /** The AudioContext is made on a press, because a browser plays nothing before one. */
  #audio() {
    this.#opening ??= this.#openAudio();
    return this.#opening;
  }

  #openAudio() {
    const heard = {
      level: (level) => this.#listen(level),
      callerLevel: (level) => this.view.caller(level),
      frame: (frame) => this.#speak(frame),
      played: (report, at) => this.#socket?.played(report, at),
      microphoneStopped: () => this.#dispatch({ type: "microphone", status: "stopped" }),
    };
    return CallAudio.open(heard).catch(() => {
      this.#opening = null;
      throw new ApiProblem(0, { detail: "The sound of this page could not be started. Try a current browser." });
    });
  }

  #listen(level) {
    this.view.microphone(calls.canSpeak(this.#state) ? level : 0);
    if (level > SPEECH_LEVEL) this.#loudFrames += 1;
    if (this.#loudFrames >= FRAMES_OF_SPEECH && !this.#state.isHeard) this.#dispatch({ type: "heard" });
  }

  // ---- The line

  async connect() {
    this.#dispatch({ type: "start" });
    try {
      const audio = await this.#audio();
      await this.#openSession();
      if (this.#state.phase === calls.ENDING) return await this.#endByRequest();
      const ticket = await this.#ticket();
      await audio.startClock();
      if (this.#state.phase === calls.CONNECTING) this.#dial(audio, ticket);
    } catch (problem) {
      this.#refused(problem);
    }
  }

  async #openSession() {
    if (this.#state.session) return;
    const { liveSessionId } = this.root.dataset;
    const session = await (liveSessionId ? this.api.read(liveSessionId) : this.api.begin(practiceOf(this.root)));
    this.#dispatch({ type: "session", session });
    for (const turn of session.transcript) this.#turn(turn);
    if (session.status !== "active") throw new ApiProblem(409, { code: "session_over", detail: "This call is over." });
  }

  /** The other end may take a while to notice that our own line broke, and until then it is in use. */
  async #ticket() {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.api.ticket(this.#state.session.id);
      } catch (problem) {
        const mayBeOurs = problem.code === "in_use" && this.#hadLine && tries < FREE_AGAIN_WITHIN;
        if (!mayBeOurs || this.#state.phase !== calls.CONNECTING) throw problem;
      }
      await new Promise((resolve) => setTimeout(resolve, TRY_EVERY_MS));
    }
  }

  #dial(audio, { url, ticket }) {
    const record = this.root.querySelector("[name=record]")?.checked ?? true;
    audio.tellPlayer("reset");
    const socket = new CallSocket({ url, ticket, record, lastRevision: this.transcript.revision }, {
      audio: (frame) => audio.play(frame),
      message: (message) => this.#take(message, audio),
      closed: (how) => socket === this.#socket && this.#closed(how, audio),
    });
    this.#socket = socket;
  }

  #take({ type, ...message }, audio) {
    if (["pause", "resume", "flush", "item_end"].includes(type)) audio.tellPlayer(type, message.item);
    if (type === "turn") this.#turn(message);
    if (type === "notice") this.#dispatch({ type, code: message.code });
    if (type === "ended") this.#ended(message.reason);
    if (type !== "ready") return;
    this.#hadLine = true;
    this.#dispatch({ type: "line_ready", recording: message.recording });
    if (this.#state.isMuted) this.#socket.mute(true);
  }

  #turn(turn) {
    this.turns.put(turn);
    this.#dispatch({ type: "turn", text: turn.text });
  }

  #speak({ index, pcm }) {
    if (this.#state.phase !== calls.TALKING) return;
    const isSlow = !this.#socket.sendAudio(index, pcm);
    if (isSlow !== this.#state.isSlow) this.#dispatch({ type: "slow", on: isSlow });
  }

  async #closed({ code, opened }, audio) {
    this.#socket = null;
    audio.tellPlayer("reset");
    if (this.#state.phase === calls.ENDING) await this.#endByRequest();
    else if (opened) this.#dispatch({ type: "line_lost", problem: { message: calls.lostWords(code) } });
    else await this.#askWhy();
  }

  /** A browser hides why a socket was refused; asking for another ticket tells. */
  async #askWhy() {
    try {
      await this.api.ticket(this.#state.session.id);
      const message = "The voice line does not answer. Your network may be blocking it.";
      this.#dispatch({ type: "line_lost", problem: { message } });
    } catch (problem) {
      this.#refused(problem);
    }
  }

  #refused(problem) {
    if (problem.code === "session_over") this.#ended("session_over");
    else if (this.#state.session) this.#dispatch({ type: "line_lost", problem });
    else this.#dispatch({ type: "not_started", problem });
  }

  // ---- In the call and out of it

  toggleMute() {
    const on = !this.#state.isMuted;
    this.#dispatch({ type: "mute", on });
    this.#opening?.then((audio) => audio.mute(on));
    this.#socket?.mute(on);
  }

  /** True if the words are on their way. */
  say(text) {
    return this.#state.phase === calls.TALKING && this.#socket.say(text);
  }

  async hangUp() {
    this.#dispatch({ type: "hang_up" });
    if (!this.#socket?.hangUp()) return await this.#endByRequest();
    setTimeout(() => this.#state.phase === calls.ENDING && this.#endByRequest(), HANG_UP_PATIENCE_MS);
  }

  /** Without a line, or when nobody answers on it. */
  async #endByRequest() {
    if (!this.#state.session) return; // connect() is still asking for one, and ends it
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

  get mustStay() {
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
