import { CallEnding } from "./call-ending.js";
import { CallLine } from "./call-line.js";
import { CallSound } from "./call-sound.js";
import * as calls from "./call-state.js";
import { nameIn } from "./caller-name.js";
import { CallView } from "./call-view.js";
import { SessionsApi } from "./sessions-api.js";
import { TranscriptView } from "./transcript-view.js";
import { Transcript } from "./transcript.js";
import { TypedWords } from "./typed-words.js";

const NOTICE_DURATION_MS = 5000;

/** Controller of the call page: keeps the state, and connects line, sound, words, end, and view. */
export class CallPage {
  #state = calls.initialState;

  constructor(root, settings = { ring: false, tone: false, letters: true }) {
    this.root = root;
    this.api = new SessionsApi(root.dataset);
    this.view = new CallView(root);
    this.transcript = new Transcript();
    this.turns = new TranscriptView(root.querySelector("[data-log]"), this.transcript);
    this.line = new CallLine(this);
    this.sound = new CallSound(this, settings);
    this.ending = new CallEnding(this);
    this.words = new TypedWords(this);
    this.view.show(this.#state);
  }

  get state() {
    return this.#state;
  }

  dispatch(event) {
    this.#state = calls.reduce(this.#state, event);
    this.view.show(this.#state);
  }

  tick(now) {
    this.view.tick(now);
    this.ending.tick(now);
    this.sound.showActivity(now);
  }

  // ---- Before the call

  checkMicrophone(deviceId) {
    return this.sound.useMicrophone(deviceId);
  }

  typeInstead() {
    this.sound.dropMicrophone();
    this.dispatch({ type: "microphone", status: "typing" });
  }

  speak() {
    if (this.#state.microphone === "typing") this.dispatch({ type: "microphone", status: "unasked" });
  }

  async start() {
    if (!this.#isSettled) await this.checkMicrophone();
    if (this.#isSettled) await this.line.connect();
  }

  get #isSettled() {
    return ["working", "typing"].includes(this.#state.microphone);
  }

  async endOtherCall() {
    try {
      await this.api.end(this.#state.problem.sessionId);
      await this.start();
    } catch (problem) {
      this.dispatch({ type: "not_started", problem });
    }
  }

  /** Stop a free practice or trial that was left open, without a grade, and reload the page to offer a new one. */
  async startOver() {
    try {
      await this.api.stop(this.root.dataset.liveSessionId);
      window.location.reload();
    } catch (problem) {
      this.dispatch({ type: "not_started", problem });
    }
  }

  // ---- During the call

  receiveTurn(turn) {
    this.words.confirm(turn);
    this.turns.put(turn);
    this.dispatch({ type: "turn", text: turn.text });
    if (turn.role === "caller") this.dispatch({ type: "caller_name", name: nameIn(turn.text) });
    const isLast = this.transcript.ordered().at(-1)?.item === turn.item;
    if (turn.role === "counselor" && turn.final && turn.text && isLast) this.sound.expectAnswer();
  }

  receiveNotice(code) {
    if (code === "typed_too_fast") this.words.takeBack();
    this.dispatch({ type: "notice", code });
    if (calls.TEMPORARY_NOTICES.includes(code))
      setTimeout(() => this.dispatch({ type: "notice_over", code }), NOTICE_DURATION_MS);
  }

  sendTyped() {
    this.words.send();
  }

  toggleMute() {
    this.dispatch({ type: "mute", on: !this.#state.isMuted });
    this.silenceLine();
  }

  /** Apply the mute to microphone, loudspeaker, and gateway, which records silence for it. */
  silenceLine() {
    this.sound.silence(this.#state);
    this.line.mute(calls.isSilent(this.#state));
  }

  /** Open or close the box for typed words and return whether it is open. A call without a microphone keeps it open. */
  toggleTyping(on = !this.#state.isTyping) {
    this.dispatch({ type: "typing", on });
    return on || !calls.canSpeak(this.#state);
  }

  // ---- The end

  ended(reason) {
    this.dispatch({ type: "ended", reason });
    this.line.leave();
    this.sound.close();
    if (this.#state.isLeaving) window.location.assign(this.#state.session.page);
  }

  leave() {
    this.ending.leave();
    this.line.leave();
  }

  get warnsBeforeLeaving() {
    return [calls.CONNECTING, calls.TALKING].includes(this.#state.phase) && !this.#state.chosenEnd;
  }

  get hasControls() {
    return [calls.CONNECTING, calls.TALKING].includes(this.#state.phase) && !this.#state.chosenEnd;
  }
}
