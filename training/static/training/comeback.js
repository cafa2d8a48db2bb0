/** How a page comes back to a line that broke: when to try next, and when the time is up. Knows no clock of its own. */
export const LINE_KEPT_MS = 60_000;
const WAITS_MS = [0, 500, 1000, 2000, 3000, 5000]; // then always the last
const JITTER = 0.2; // many pages lose their line at the same moment when a gateway restarts

/** What the closing of a socket means for a page that is in a call. */
export const CLOSED = Object.freeze({ loggedOut: 4001, takenOver: 4002 });
const BROKE_RULES = [1008, 1009];

export class Comeback {
  #since;
  #tries = 0;
  #random;

  constructor(now, random = Math.random) {
    this.#since = now;
    this.#random = random;
  }

  /** Milliseconds to wait before the next try; null when the line is not kept any longer. */
  next(now) {
    if (now - this.#since >= LINE_KEPT_MS) return null;
    const wait = WAITS_MS[Math.min(this.#tries, WAITS_MS.length - 1)];
    this.#tries += 1;
    return wait * (1 + JITTER * this.#random());
  }
}

/** Whether to come back by oneself. `before` is the code of the close before this one, if the line never held since. */
export function comesBack(code, before) {
  if (Object.values(CLOSED).includes(code)) return false;
  return !(BROKE_RULES.includes(code) && BROKE_RULES.includes(before));
}

/** Reasons after which the session goes on: the closing of the socket says what to do. */
export const staysOpen = (reason) => ["line_lost", "shutdown", "replaced", "logged_out"].includes(reason);

/** A wait that ends early when `wake` is called: the network is back, or the person looks at the page again. */
export class Pause {
  #done = null;

  for(milliseconds) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#done = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  wake() {
    this.#done?.();
  }
}
