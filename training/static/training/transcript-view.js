const NEAR_END = 32;
const SPEAKERS = { caller: gettext("Caller"), counselor: gettext("You") };

function formatTime(milliseconds) {
  const seconds = Math.floor(milliseconds / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** Draws a Transcript into a scrolling log, which follows the newest line only while the reader is at the end. */
export class TranscriptView {
  #lines = new Map();
  #isFollowing = true;
  #top = 0;

  constructor(log, transcript) {
    this.transcript = transcript;
    this.log = log;
    this.list = log.querySelector("ol");
    this.template = log.querySelector("template");
    this.more = log.parentElement.querySelector("[data-transcript-more]");
    this.more.addEventListener("click", () => this.follow());
    log.addEventListener("scroll", () => this.#scrolled());
    // An on-screen keyboard or a notice below shrinks the log, so scroll to the end again.
    new ResizeObserver(() => this.#isFollowing && this.follow()).observe(log);
  }

  put(turn) {
    if (this.transcript.put(turn)) this.draw();
  }

  draw() {
    const follows = this.#isAtEnd();
    const turns = this.transcript.ordered().filter((turn) => turn.text || !turn.final);
    this.#removeAllExcept(turns);
    turns.forEach((turn, place) => this.#place(this.#line(turn), place));
    this.log.toggleAttribute("data-empty", turns.length === 0);
    // Screen readers then wait until a growing line is complete.
    this.log.setAttribute("aria-busy", String(turns.some((turn) => !turn.final)));
    if (follows) this.follow();
    else this.more.hidden = false;
  }

  follow() {
    this.log.scrollTop = this.log.scrollHeight;
    this.#top = this.log.scrollTop;
    this.more.hidden = true;
    this.#isFollowing = true;
  }

  /** Scroll to the end if the reader is there. */
  keepAtEnd() {
    if (this.#isFollowing) this.follow();
  }

  /** Stop following only if the reader scrolled up. A log that shrinks is farther from its end without having moved. */
  #scrolled() {
    const isUp = this.log.scrollTop < this.#top;
    this.#top = this.log.scrollTop;
    if (this.#isAtEnd()) this.follow();
    else if (isUp) this.#isFollowing = false;
  }

  #isAtEnd() {
    return this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < NEAR_END;
  }

  #removeAllExcept(turns) {
    const items = new Set(turns.map((turn) => turn.item));
    for (const [item, line] of this.#lines) {
      if (items.has(item)) continue;
      line.remove();
      this.#lines.delete(item);
    }
  }

  #line(turn) {
    const line = this.#lines.get(turn.item) ?? this.template.content.firstElementChild.cloneNode(true);
    this.#lines.set(turn.item, line);
    line.dataset.speaker = turn.role;
    line.dataset.item = turn.item;
    line.dataset.final = String(turn.final);
    line.querySelector("[data-name]").textContent = SPEAKERS[turn.role];
    line.querySelector("[data-text]").textContent = turn.text || "…";
    line.querySelector("[data-cut-off]").hidden = !turn.interrupted;
    line.classList.toggle("turn-you", turn.role === "counselor");
    const time = line.querySelector("[data-time]");
    if (time && turn.final && turn.start_ms !== undefined) time.textContent = formatTime(turn.start_ms);
    return line;
  }

  #place(line, place) {
    const here = this.list.children[place];
    if (here !== line) this.list.insertBefore(line, here ?? null);
  }
}
