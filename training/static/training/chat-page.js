import { EndMenu } from "./end-menu.js";
import { ApiProblem, SessionsApi } from "./sessions-api.js";
import { practiceRequest, setTexts, showOnly } from "./page-elements.js";
import { readEvents } from "./server-sent-events.js";
import { TranscriptView } from "./transcript-view.js";
import { Transcript } from "./transcript.js";

export const LIMIT = 10000;
const NEAR_LIMIT = 9000;
const POLL_MS = 1000;
const POLLS_UNTIL_SLOW = 20;
const UNSENT = "unsent"; // item of a message that is being sent
const REPLY = "reply"; // item of a reply that is still arriving

/** Return the length in characters, as the server counts. A string's `length` counts UTF-16 units. */
export const lengthOf = (text) => Array.from(text).length;

export function counterText(text) {
  const left = LIMIT - lengthOf(text);
  if (left < 0)
    return interpolate(
      ngettext("%(count)s character too many", "%(count)s characters too many", -left),
      { count: -left },
      true,
    );
  if (left > LIMIT - NEAR_LIMIT) return "";
  return interpolate(ngettext("%(count)s character left", "%(count)s characters left", left), { count: left }, true);
}

/** Controller of the chat page. The counselor's text always stays in the box or in the transcript. */
export class ChatPage {
  #phase = "ready";
  #session = null;
  #problem = null;
  #unanswered = null; // text that the server may have but has not answered
  #isReplying = false;
  #polls = 0;
  #beginning = null; // request that starts or reads the session
  #startedAt = null; // of the chat, in ms of performance.now()

  constructor(root) {
    this.root = root;
    this.box = root.querySelector("#message");
    this.api = new SessionsApi(root.dataset);
    this.liveSessionId = root.dataset.liveSessionId;
    this.transcript = new Transcript();
    this.turns = new TranscriptView(root.querySelector("[data-log]"), this.transcript);
    this.endMenu = new EndMenu(root, {
      started: () => this.#show({}),
      undone: () => this.#resume(),
      finish: (choice) => this.end(choice),
      leave: (choice) => this.#endWhileLeaving(choice),
    });
    this.#show({});
  }

  // ---- Start

  begin() {
    this.#beginning = this.#open();
    return this.#beginning;
  }

  async #open() {
    this.#show({ phase: "opening", problem: null });
    try {
      const { api, liveSessionId } = this;
      this.#applySession(await (liveSessionId ? api.read(liveSessionId) : api.begin(practiceRequest(this.root))));
    } catch (problem) {
      this.#show({ phase: "ready", problem });
    }
  }

  /** Stop a free practice or trial that was left open, without a grade, and reload the page to offer a new one. */
  async startOver() {
    try {
      await this.api.stop(this.liveSessionId);
      window.location.reload();
    } catch (problem) {
      this.#show({ problem });
    }
  }

  #applySession(session) {
    this.#session = session;
    this.#startedAt ??= performance.now() - Number(this.root.dataset.liveSeconds) * 1000;
    for (const turn of session.transcript) this.turns.put(turn);
    if (session.status !== "active") return this.#show({ phase: "ended", problem: null });
    const isPending = session.greeting === "pending" && !session.transcript.length;
    if (isPending) setTimeout(() => this.#poll(), POLL_MS);
    this.#show({ phase: isPending ? "opening" : "talking", problem: null });
  }

  async #poll() {
    if (this.#phase !== "opening") return;
    this.#polls += 1;
    try {
      this.#applySession(await this.api.read(this.#session.id));
    } catch (problem) {
      this.#show({ problem });
      if (problem.isRetryable) setTimeout(() => this.#poll(), POLL_MS);
    }
  }

  // ---- Messages

  get canSend() {
    return this.#phase === "talking" && !this.#isReplying && !this.endMenu.isWaiting;
  }

  async sendMessage() {
    const text = this.box.value.trim();
    if (!this.canSend || !text || lengthOf(text) > LIMIT) return;
    this.box.value = "";
    await this.#send(text);
  }

  /** Send unanswered text again. The server treats the same text as a retry, not as a second turn. */
  sendAgain() {
    return this.#unanswered ? this.#send(this.#unanswered) : this.sendMessage();
  }

  async #send(text) {
    const isKept = this.#unanswered === text;
    this.#unanswered = null;
    this.#isReplying = true;
    this.#show({ problem: null });
    if (!isKept) this.#draft(UNSENT, "counselor", text);
    this.turns.follow();
    try {
      await this.#readReply(await this.api.send(this.#session.id, text));
    } catch (problem) {
      await this.#handleMissingReply(text, problem);
    }
    this.#isReplying = false;
    this.#show({});
  }

  async #readReply(response) {
    let reply = "";
    for await (const { event, data } of readEvents(response)) {
      if (event === "error") throw new ApiProblem(502, data);
      if (event === "delta") this.#draft(REPLY, "caller", (reply += data.text));
      if (event !== "turn") continue;
      this.#settle(data);
      if (data.role === "caller") return;
    }
    throw new ApiProblem(502, { detail: gettext("The reply was cut off.") });
  }

  #draft(item, role, text) {
    const before = this.transcript.ordered().findLast((turn) => turn.item !== item);
    const after = this.transcript.get(item)?.after ?? before?.item ?? null;
    this.turns.put({ item, role, text, after, final: false, interrupted: false });
  }

  /** Replace a draft with the server's version of the turn. */
  #settle(turn) {
    this.transcript.remove(turn.role === "counselor" ? UNSENT : REPLY);
    this.turns.put(turn);
    this.turns.draw();
  }

  /** Handle a missing reply. If the server saved the text, offer to send it again; if not, put it back into the box. */
  async #handleMissingReply(text, problem) {
    this.transcript.remove(REPLY);
    const session = await this.api.read(this.#session.id).catch(() => null);
    for (const turn of session?.transcript ?? []) this.transcript.put(turn);
    this.transcript.remove(UNSENT);
    this.turns.draw();
    const last = this.transcript.ordered().at(-1);
    const isSaved = last?.role === "counselor" && last.text === text;
    const isAnswered = session?.transcript.at(-2)?.text === text && last.role === "caller";
    if (isAnswered) return;
    if (isSaved) this.#unanswered = text;
    else this.box.value = [text, this.box.value].filter(Boolean).join("\n");
    const isOver = problem.code === "session_over" || (session && session.status !== "active");
    this.#show(isOver ? { phase: "ended" } : { problem });
  }

  // ---- End

  /** Return whether leaving the page asks first. The page may close while it ends the chat. */
  get asksBeforeLeaving() {
    return ["opening", "talking"].includes(this.#phase) && !this.endMenu.isWaiting;
  }

  #endWhileLeaving(choice) {
    if (this.#session) this.api.finishOnLeaving(this.#session.id, choice);
  }

  #resume() {
    this.#show({});
    this.box.focus();
  }

  /** End the chat. `action` is "end", or "stop" to leave without a grade. */
  async end(action) {
    const before = this.#phase;
    if (before === "ended") return;
    this.#show({ phase: "ending", problem: null });
    await this.#beginning;
    if (!this.#session) return; // it could not be started, and the page says why
    try {
      await this.api[action](this.#session.id);
    } catch (problem) {
      if (problem.code !== "session_over") return this.#show({ phase: before, problem });
    }
    this.#show({ phase: "ended" });
    window.location.assign(this.#session.page);
  }

  // ---- View

  get #statusText() {
    if (this.#phase === "ending") return gettext("Ending the chat…");
    if (this.#phase === "ended") return gettext("The chat has ended.");
    if (this.#isReplying) return this.transcript.get(REPLY) ? gettext("They’re typing…") : gettext("They’re reading…");
    if (this.#phase === "talking") return gettext("They’re waiting for you.");
    if (this.#phase !== "opening") return "";
    return this.#polls < POLLS_UNTIL_SLOW
      ? gettext("They’re typing their first message…")
      : gettext("The first message is taking longer than usual. You can wait, or end the chat and come back.");
  }

  updateComposer() {
    setTexts(this.root, { counter: counterText(this.box.value) });
    this.box.disabled = this.endMenu.isWaiting || this.#phase === "ending";
    this.root.querySelector("[data-send]").disabled = !this.canSend || lengthOf(this.box.value) > LIMIT;
  }

  /** Show how long the chat has lasted. */
  tick() {
    if (this.#startedAt === null) return;
    const seconds = Math.floor((performance.now() - this.#startedAt) / 1000);
    const text = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    this.root.querySelector("[data-elapsed]").textContent = text;
  }

  #show({ phase = this.#phase, problem = this.#problem }) {
    const isNew = phase !== this.#phase;
    this.#phase = phase;
    this.#problem = problem;
    this.root.dataset.phase = phase;
    if (phase === "ended") this.endMenu.cancel();
    const isWriting = phase === "opening" || (this.#isReplying && !this.transcript.get(REPLY));
    this.root.querySelector("[data-typing]").hidden = !isWriting;
    if (isWriting) this.turns.keepAtEnd();
    showOnly(this.root, { when: phase });
    setTexts(this.root, { status: this.#statusText, problem: problem?.message ?? "" });
    setTexts(this.root, { unsent: this.box.value.trim() });
    const unsent = phase === "ended" && this.box.value.trim();
    const flags = { problem, unanswered: problem && this.#canTryAgain, unsent };
    for (const [name, on] of Object.entries(flags)) {
      for (const element of this.root.querySelectorAll(`[data-if="${name}"]`)) element.hidden = !on;
    }
    if (this.#session) this.root.querySelector("[data-session-link]").href = this.#session.page;
    this.updateComposer();
    if (isNew && phase === "talking") this.box.focus();
    if (isNew && phase !== "talking") this.root.querySelector(`[data-focus~="${phase}"]`)?.focus();
  }

  get #canTryAgain() {
    return this.#phase === "talking" && Boolean(this.#unanswered || this.box.value);
  }
}
