/** Words that the counselor types instead of speaking. They stay in the box until the line takes them. */
export class TypedWords {
  #unconfirmed = []; // sent, but not in the transcript yet

  constructor(page) {
    this.page = page;
  }

  get #box() {
    return this.page.root.querySelector("[data-say] [name=text]");
  }

  /** Send the words in the box. Before the call is connected, keep them there until it is. */
  send() {
    const text = this.#box.value.trim();
    if (!text) return;
    const isSent = this.page.line.say(text);
    if (isSent) {
      this.#box.value = "";
      this.#unconfirmed.push(text);
    }
    this.page.dispatch({ type: "typed", isWaiting: !isSent });
  }

  confirm(turn) {
    if (turn.role === "counselor") this.#unconfirmed = this.#unconfirmed.filter((text) => text !== turn.text);
  }

  /** Put the latest words back into the box, because the gateway refused them. */
  takeBack() {
    const text = this.#unconfirmed.pop();
    if (text) this.#box.value = [text, this.#box.value].filter(Boolean).join(" ");
  }
}
