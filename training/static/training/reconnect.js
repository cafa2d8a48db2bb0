/** Schedule of attempts to reconnect a broken line. The calling code passes the current time. */
const WAITS_MS = [0, 500, 1000, 2000, 3000, 5000]; // the last one repeats
const JITTER = 0.2; // spreads attempts, because a restarting gateway drops many pages at the same moment

/** Close codes after which the page must not reconnect by itself. */
export const CLOSE_CODES = Object.freeze({ loggedOut: 4001, takenOver: 4002 });
const PROTOCOL_ERROR_CODES = [1008, 1009];

export class ReconnectSchedule {
  #since;
  #keptMs;
  #tries = 0;
  #random;

  /** `keptMs` is how long the gateway keeps the line of a lost connection, in milliseconds. */
  constructor(now, keptMs, random = Math.random) {
    this.#since = now;
    this.#keptMs = keptMs;
    this.#random = random;
  }

  /** Return the milliseconds to wait before the next attempt, or null once the line is no longer kept. */
  nextDelay(now) {
    if (now - this.#since >= this.#keptMs) return null;
    const wait = WAITS_MS[Math.min(this.#tries, WAITS_MS.length - 1)];
    this.#tries += 1;
    return wait * (1 + JITTER * this.#random());
  }
}

/** Return true if the page should reconnect by itself. `before` is the close code of the previous connection. */
export function shouldReconnect(code, before) {
  if (Object.values(CLOSE_CODES).includes(code)) return false;
  return !(PROTOCOL_ERROR_CODES.includes(code) && PROTOCOL_ERROR_CODES.includes(before));
}

/** Return true if an `ended` message with this reason leaves the session open. The close code says how to continue. */
export const isSessionStillOpen = (reason) => ["line_lost", "shutdown", "replaced", "logged_out"].includes(reason);

/** A wait that `wake` ends early, e.g. when the network is back or the user looks at the page again. */
export class InterruptibleDelay {
  #done = null;

  wait(milliseconds) {
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
