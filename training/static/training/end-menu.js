const TITLES = {
  end: gettext("You are ending the conversation."),
  stop: gettext("You are stopping without a grade."),
};

/**
 * The end of a call or a chat, which can be undone for as many seconds as `data-ending` says. The choice is "end" or "stop" (without a grade).
 *
 * `started(choice)` pauses the controls, `undone()` resumes them, `finish(choice)` ends the session, and
 * `leave(choice)` ends it while the page is closing.
 */
export class EndMenu {
  #choice = null;
  #timer = null;
  #left = 0;
  #hasLeft = false;

  constructor(root, handlers) {
    this.handlers = handlers;
    this.menu = root.querySelector("[data-end-menu]");
    this.box = root.querySelector("[data-ending]");
    // A request that begins while the page is being replaced may be dropped, so the first of the two sends it.
    for (const leaving of ["beforeunload", "pagehide"]) window.addEventListener(leaving, () => this.#leave());
  }

  get isWaiting() {
    return this.#choice !== null;
  }

  choose(choice) {
    this.menu.open = false;
    if (this.isWaiting) return;
    this.#choice = choice;
    this.#left = Number(this.box.dataset.ending);
    this.box.querySelector("[data-ending-title]").textContent = TITLES[choice];
    this.box.hidden = false;
    this.menu.hidden = true;
    this.handlers.started(choice);
    this.#showSeconds();
    this.#timer = setInterval(() => this.#count(), 1000);
    this.box.querySelector('[data-action="undo-end"]').focus();
  }

  close() {
    this.menu.open = false;
    this.menu.querySelector("summary").focus();
  }

  undo() {
    if (this.#take() !== null) this.handlers.undone();
  }

  /** End at once, without the rest of the ten seconds. */
  endNow() {
    const choice = this.#take();
    if (choice !== null) this.handlers.finish(choice);
  }

  /** Forget the choice, because the session has ended in another way. */
  cancel() {
    this.#take();
  }

  #count() {
    this.#left -= 1;
    this.#showSeconds();
    if (this.#left <= 0) this.endNow();
  }

  #showSeconds() {
    this.box.querySelector("[data-ending-seconds]").textContent = String(this.#left);
  }

  #leave() {
    if (!this.isWaiting || this.#hasLeft) return;
    this.#hasLeft = true;
    this.handlers.leave(this.#choice);
  }

  #take() {
    const choice = this.#choice;
    this.#choice = null;
    clearInterval(this.#timer);
    this.box.hidden = true;
    this.menu.hidden = false;
    return choice;
  }
}
