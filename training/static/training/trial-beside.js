// Chat with the caller of a scenario beside its form. Each trial begins with the newest text.

import { readEvents } from "./server-sent-events.js";
import { SessionsApi } from "./sessions-api.js";

const POLL_MS = 1000;

/** Controller of the chat. The full page of the trial, which the form's buttons open, works without it. */
class TrialBeside {
  #session = null;
  #isReplying = false;

  constructor(root) {
    this.root = root;
    this.api = new SessionsApi(root.dataset);
    this.turns = root.querySelector("[data-try-turns]");
    this.box = root.querySelector("textarea");
    this.status = root.querySelector("[data-try-status]");
  }

  async begin() {
    this.#show(true, gettext("Saving what you have written…"));
    if (!(await saveFirst())) return this.#show(true, gettext("Your text is not saved yet, so the caller is not ready."));
    const practice = { type: "trial", scenario_id: this.root.dataset.trial, mode: "chat" };
    await this.#leave();
    this.turns.replaceChildren();
    await this.#try(async () => {
      this.#say(gettext("They’re typing their first message…"));
      await this.#showSession(await this.api.begin(practice));
    });
    this.box.focus();
  }

  async stop() {
    await this.#leave();
    this.turns.replaceChildren();
    this.#show(false, "");
    this.root.querySelector("[data-try-chat]").focus();
  }

  async send() {
    const text = this.box.value.trim();
    if (!text || !this.#session || this.#isReplying) return;
    this.box.value = "";
    this.#isReplying = true;
    this.#add({ role: "counselor", text });
    this.#say(gettext("They’re reading…"));
    const isSent = await this.#try(() => this.#readReply(text));
    if (!isSent) this.box.value = [text, this.box.value].filter(Boolean).join("\n");
    this.#isReplying = false;
  }

  async #readReply(text) {
    let line = null;
    let words = "";
    for await (const { event, data } of readEvents(await this.api.send(this.#session.id, text))) {
      if (event === "error") throw new Error(data.detail);
      if (event === "delta") {
        line ??= this.#add({ role: "caller", text: "" });
        line.textContent = words += data.text;
        this.#follow();
      }
      if (event === "turn" && data.role === "caller") (line ?? this.#add(data)).textContent = data.text;
    }
    this.#say("");
  }

  async #showSession(session) {
    this.#session = session;
    const isPending = session.greeting === "pending" && !session.transcript.length;
    if (isPending) {
      await new Promise((done) => setTimeout(done, POLL_MS));
      if (this.#session?.id === session.id) return this.#showSession(await this.api.read(session.id));
      return;
    }
    this.turns.replaceChildren();
    for (const turn of session.transcript) this.#add(turn);
    this.#say(session.transcript.length ? "" : gettext("You speak first."));
  }

  async #leave() {
    const session = this.#session;
    this.#session = null;
    if (session) await this.api.stop(session.id).catch(() => null);
  }

  /** Stop the trial when the page is left. The request outlives the page. */
  stopOnLeave() {
    if (!this.#session) return;
    const { sessionsUrl, csrf } = this.root.dataset;
    const headers = { "Content-Type": "application/json", "X-CSRFToken": csrf };
    fetch(`${sessionsUrl}${this.#session.id}/stop/`, { method: "POST", headers, body: "{}", keepalive: true });
  }

  async #try(act) {
    try {
      await act();
      return true;
    } catch (problem) {
      this.#say(problem.message);
      return false;
    }
  }

  #add({ role, text }) {
    const item = document.createElement("li");
    item.className = "turn";
    item.classList.toggle("turn-you", role === "counselor");
    const by = document.createElement("p");
    by.className = "turn-by";
    by.textContent = role === "counselor" ? gettext("You") : gettext("The caller");
    const words = document.createElement("p");
    words.className = "turn-words";
    words.textContent = text;
    item.append(by, words);
    this.turns.append(item);
    this.#follow();
    return words;
  }

  #follow() {
    this.turns.scrollTop = this.turns.scrollHeight;
  }

  #say(words) {
    if (this.status.textContent !== words) this.status.textContent = words;
  }

  #show(isTalking, words) {
    this.root.toggleAttribute("data-talking", isTalking);
    this.root.querySelector("[data-try-talk]").hidden = !isTalking;
    this.#say(words);
  }
}

/** Ask the page to save, and return whether it did. */
async function saveFirst() {
  const waits = [];
  document.dispatchEvent(new CustomEvent("trial:begin", { detail: { waitFor: (promise) => waits.push(promise) } }));
  return (await Promise.all(waits)).every(Boolean);
}

const root = document.getElementById("try-beside");
const trial = new TrialBeside(root);
const isWide = () => matchMedia("(min-width: 1001px)").matches;

root.querySelector("[data-try-chat]").addEventListener("click", (event) => {
  if (!isWide()) return; // on a phone, the chat has a page of its own
  event.preventDefault();
  trial.begin();
});
root.querySelector("[data-try-again]").addEventListener("click", () => trial.begin());
root.querySelector("[data-try-stop]").addEventListener("click", () => trial.stop());
root.querySelector("[data-try-form]").addEventListener("submit", (event) => {
  event.preventDefault();
  trial.send();
});
trial.box.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  trial.send();
});
window.addEventListener("pagehide", () => trial.stopOnLeave());
