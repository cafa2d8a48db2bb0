/** Turns of a conversation in spoken order, whatever the order of their arrival. Independent of the page. */
export class Transcript {
  #turns = new Map();

  /** Add a turn, or replace the one with the same item. Return false if the stored one is newer. */
  put(turn) {
    const known = this.#turns.get(turn.item);
    if (known?.final && (!turn.final || turn.revision < known.revision)) return false;
    this.#turns.set(turn.item, turn);
    return true;
  }

  remove(item) {
    this.#turns.delete(item);
  }

  get(item) {
    return this.#turns.get(item);
  }

  /** Latest revision of a final turn. After a reconnection, the gateway sends the changes since then. */
  get revision() {
    const finals = [...this.#turns.values()].filter((turn) => turn.final);
    return Math.max(0, ...finals.map((turn) => turn.revision ?? 0));
  }

  /**
   * Return the turns along their `after` chain. Turns with the same predecessor keep the order in which they were first
   * seen. A turn whose predecessor has not arrived yet starts a chain of its own until it does.
   */
  ordered() {
    const followers = new Map();
    for (const turn of this.#turns.values()) {
      const before = this.#turns.has(turn.after) ? turn.after : null;
      followers.set(before, [...(followers.get(before) ?? []), turn]);
    }
    const inOrder = [];
    const waiting = [...(followers.get(null) ?? [])].reverse();
    while (waiting.length) {
      const turn = waiting.pop();
      inOrder.push(turn);
      waiting.push(...(followers.get(turn.item) ?? []).reverse());
    }
    return inOrder;
  }
}
