const FLAT_LEVEL = 0.0004; // below the noise of an open microphone
const FIRST_MS = 6000; // until the counselor has been heard once
const LATER_MS = 30000; // afterward, because noise suppression makes a pause look flat

/** Notices a microphone that is open but silent, e.g. because it is muted on the headset or the computer. */
export class SilenceWatch {
  #flatMs = 0;
  #last = null;
  #hasHeard = false;

  /** Add a level at a time in ms. Time in which silence is expected does not count. Return true if it is flat. */
  add(level, now, isExpected = false) {
    const passed = this.#last === null ? 0 : now - this.#last;
    this.#last = now;
    if (level >= FLAT_LEVEL) {
      this.#hasHeard = true;
      this.#flatMs = 0;
    } else if (!isExpected) {
      this.#flatMs += passed;
    }
    return this.#flatMs >= (this.#hasHeard ? LATER_MS : FIRST_MS);
  }
}
