import { ENDING } from "./call-state.js";

const HANG_UP_TIMEOUT_MS = 4000;

/** Ways to end a call: with a grade, or without one and with time to change one's mind. */
export class CallEnding {
  #isWithoutGrade = false;
  #timer = null;
  #until = 0;

  constructor(page) {
    this.page = page;
    this.undoMs = Number(page.root.dataset.undoMs);
  }

  async hangUp() {
    const { page } = this;
    page.dispatch({ type: "hang_up" });
    page.line.tryNow();
    if (!page.line.hangUp()) return await this.endByRequest();
    setTimeout(() => page.state.phase === ENDING && this.endByRequest(), HANG_UP_TIMEOUT_MS);
  }

  /** Stop without a grade. The line stays open and silent for a while, in which this can be undone. */
  stop() {
    this.page.dispatch({ type: "stop" });
    if (!this.page.state.isStopping) return;
    this.page.silenceLine();
    this.#until = performance.now() + this.undoMs;
    this.#timer = setTimeout(() => this.stopNow(), this.undoMs);
    this.tick(performance.now());
  }

  undo() {
    clearTimeout(this.#timer);
    this.page.dispatch({ type: "undo_stop" });
    this.page.silenceLine();
    this.page.view.focusControls();
  }

  tick(now) {
    if (this.page.state.isStopping) this.page.view.showSecondsLeft(Math.max(0, Math.ceil((this.#until - now) / 1000)));
  }

  /** Stop for good. Uses an HTTP request, which works even on a broken line. */
  async stopNow() {
    clearTimeout(this.#timer);
    this.#isWithoutGrade = true;
    this.page.dispatch({ type: "hang_up" });
    this.page.line.tryNow();
    await this.endByRequest();
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

  /** The page closes. A call that was stopped ends now, without waiting. */
  leave() {
    const { isStopping, session } = this.page.state;
    clearTimeout(this.#timer);
    if (isStopping && session) this.page.api.stopOnLeaving(session.id);
  }
}
