import { ENDING } from "./call-state.js";

const HANG_UP_TIMEOUT_MS = 4000;

/** Ways to end a call: with a grade, or without one. Both leave some seconds in which one can change one's mind. */
export class CallEnding {
  #isWithoutGrade = false;
  #timer = null;
  #until = 0;
  #hasLeft = false;

  constructor(page) {
    this.page = page;
    this.undoMs = Number(page.root.dataset.undoMs);
  }

  /** Choose to "end" or to "stop" (without a grade). The line stays open and silent for as long as this can be undone. */
  choose(choice) {
    const { page } = this;
    page.dispatch({ type: "choose_end", choice });
    if (!page.state.chosenEnd) return;
    page.silenceLine();
    clearTimeout(this.#timer);
    this.#until = performance.now() + this.undoMs;
    this.#timer = setTimeout(() => this.endNow(), this.undoMs);
    this.tick(performance.now());
  }

  undo() {
    clearTimeout(this.#timer);
    this.page.dispatch({ type: "undo_end" });
    this.page.silenceLine();
    this.page.view.focusControls();
  }

  tick(now) {
    if (this.page.state.chosenEnd) this.page.view.showSecondsLeft(Math.max(0, Math.ceil((this.#until - now) / 1000)));
  }

  /** End at once, without the rest of the time to undo it. */
  async endNow() {
    const { page } = this;
    const { chosenEnd } = page.state;
    clearTimeout(this.#timer);
    if (!chosenEnd) return; // the call has ended in another way
    this.#isWithoutGrade = chosenEnd === "stop";
    page.dispatch({ type: "hang_up" });
    page.line.tryNow();
    // Only a request can stop without a grade. It also works on a broken line.
    if (this.#isWithoutGrade || !page.line.hangUp()) return await this.endByRequest();
    setTimeout(() => page.state.phase === ENDING && this.endByRequest(), HANG_UP_TIMEOUT_MS);
  }

  /** End the call by HTTP request, for a line that is broken or does not answer. */
  async endByRequest() {
    const { page } = this;
    const { session } = page.state;
    if (!session) return; // the line is still requesting a session and will end it
    try {
      const ended = await (this.#isWithoutGrade ? page.api.stop(session.id) : page.api.end(session.id));
      page.ended(ended.end_reason);
    } catch (problem) {
      this.#isWithoutGrade = false;
      if (problem.code === "session_over") page.ended("session_over");
      else page.dispatch({ type: "not_ended", problem });
    }
  }

  /** The page closes. A call whose end was chosen ends now, without waiting. */
  leave() {
    const { chosenEnd, session } = this.page.state;
    clearTimeout(this.#timer);
    if (!chosenEnd || !session || this.#hasLeft) return;
    this.#hasLeft = true;
    this.page.api.finishOnLeaving(session.id, chosenEnd);
  }
}
