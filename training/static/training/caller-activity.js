const AUDIBLE = 0.004;
const PAUSE_MS = 700; // a shorter pause still belongs to the caller's sentence
const THINKING_MS = 15000; // the gateway reports a caller who stays silent longer

/** Follows whether the caller speaks, thinks about an answer, or listens. Independent of the page and its clock. */
export class CallerActivity {
  #heardAt = null;
  #thinkingSince = null;

  hear(level, now) {
    if (level < AUDIBLE) return;
    this.#heardAt = now;
    this.#thinkingSince = null;
  }

  /** Note that the counselor's turn is complete and the caller owes an answer. */
  expectAnswer(now) {
    if (this.at(now) !== "speaking") this.#thinkingSince = now;
  }

  counselorSpeaks() {
    this.#thinkingSince = null;
  }

  reset() {
    this.#heardAt = null;
    this.#thinkingSince = null;
  }

  at(now) {
    if (this.#heardAt !== null && now - this.#heardAt < PAUSE_MS) return "speaking";
    if (this.#thinkingSince !== null && now - this.#thinkingSince < THINKING_MS) return "thinking";
    return "listening";
  }
}
