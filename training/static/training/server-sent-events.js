/** Parser of server-sent events from text that arrives in pieces of any size. */
export class EventParser {
  #rest = "";
  #event = "";
  #data = [];

  /** Add a piece of the stream and return the events that it completes. */
  push(text) {
    this.#rest += text;
    const events = [];
    for (let line = this.#nextLine(); line !== null; line = this.#nextLine()) {
      const event = this.#take(line);
      if (event) events.push(event);
    }
    return events;
  }

  #nextLine() {
    const end = this.#rest.search(/[\r\n]/);
    // A carriage return at the very end may be the first half of CR LF, so wait for the next piece.
    if (end < 0 || (this.#rest[end] === "\r" && end === this.#rest.length - 1)) return null;
    const line = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end + (this.#rest.startsWith("\r\n", end) ? 2 : 1));
    return line;
  }

  #take(line) {
    if (line === "") return this.#complete();
    const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line);
    if (field === "event") this.#event = value;
    if (field === "data") this.#data.push(value);
    return null;
  }

  #complete() {
    const event = this.#data.length ? { event: this.#event || "message", data: this.#data.join("\n") } : null;
    this.#event = "";
    this.#data = [];
    return event;
  }
}

/** Yield the events of a fetched response, with their data parsed as JSON. */
export async function* readEvents(response) {
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  const parser = new EventParser();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const events = parser.push(decoder.decode(value, { stream: true }));
    for (const { event, data } of events) yield { event, data: JSON.parse(data) };
  }
}
