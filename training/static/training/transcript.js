/** The turns of a conversation, in the order they were spoken, however they arrive. Knows no page. */
export class Transcript {
  #turns = new Map();

  /** Add a turn, or replace the one with the same item. Return false if what we have is newer. */
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

  /** What we have for good. After a lost line the other side sends what changed since. */
  get revision() {
    const finals = [...this.#turns.values()].filter((turn) => turn.final);
    return Math.max(0, ...finals.map((turn) => turn.revision ?? 0));
  }

  /**
   * Turns along their `after` chain, never by arrival. Those that follow the same turn stand as they were first seen;
   * one whose predecessor is not here yet begins a strand of its own until it comes.
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
