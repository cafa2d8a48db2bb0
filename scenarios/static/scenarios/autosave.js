// Autosave: sends the form a moment after each change, and keeps trying while the server cannot be reached.

const DELAY_MS = 900;
const RETRY_MS = 5000;

/** Saver of one form. `onSaved(answer)` gets every answer, also that of a refused save. */
export class Autosave {
  #timer = null;
  #running = null;
  #isDirty = false;
  #isRefused = false;

  constructor(form, onSaved) {
    this.form = form;
    this.onSaved = onSaved;
    form.addEventListener("input", () => this.touch());
    form.addEventListener("change", () => this.touch());
    form.addEventListener("submit", (event) => this.#submitted(event));
    document.addEventListener("visibilitychange", () => document.hidden && this.flush());
    window.addEventListener("beforeunload", (event) => this.#isDirty && event.preventDefault());
  }

  get isDirty() {
    return this.#isDirty;
  }

  touch(delay = DELAY_MS) {
    this.#isDirty = true;
    clearTimeout(this.#timer);
    if (!this.#isRefused) this.#timer = setTimeout(() => this.flush(), delay);
  }

  /** The button saves everything. It waits for a save on its way, whose answer holds the revision to build on. */
  async #submitted(event) {
    clearTimeout(this.#timer);
    this.#isDirty = false;
    if (!this.#running) return;
    event.preventDefault();
    await this.#running;
    this.#isDirty = false;
    this.form.requestSubmit(event.submitter);
  }

  /** Save what is not saved yet. Return whether everything is saved. */
  async flush() {
    clearTimeout(this.#timer);
    await this.#running;
    if (this.#isRefused) return false;
    if (!this.#isDirty) return true;
    this.#isDirty = false;
    this.#running = this.#send();
    const isSaved = await this.#running;
    this.#running = null;
    // More may have been typed in the meantime.
    return isSaved && this.flush();
  }

  async #send() {
    const body = new FormData(this.form);
    body.delete("context_file"); // a file is sent with the button, because it replaces the text
    const request = { method: "POST", body, headers: { Accept: "application/json" }, keepalive: document.hidden };
    const response = await fetch(this.form.dataset.autosave, request).catch(() => null);
    if (response?.ok || response?.status === 409) {
      this.#isRefused = !response.ok;
      if (this.#isRefused) this.#isDirty = true;
      this.onSaved(await response.json());
      return response.ok;
    }
    this.onSaved({ saved: gettext("Not saved yet. We’ll try again in a moment.") });
    this.touch(RETRY_MS);
    return false;
  }
}
