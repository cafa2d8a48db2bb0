import { SAMPLE_RATE } from "./microphone-core.js";
import { Resampler } from "./resampler.js";

const SECONDS_HELD = 120;
const REPORT_EVERY_S = 0.2;
const FADE = 128; // samples over which a jump in the audio is smoothed, so that it does not click

/** Ring buffer of PCM16 waiting to be played. It never allocates, because it runs in the audio thread. */
export class Ring {
  #samples;
  #head = 0;
  length = 0;

  constructor(capacity) {
    this.#samples = new Int16Array(capacity);
  }

  /** Add the samples that fit and return their number. */
  add(pcm) {
    const count = Math.min(pcm.length, this.#samples.length - this.length);
    const at = (this.#head + this.length) % this.#samples.length;
    const first = Math.min(count, this.#samples.length - at);
    this.#samples.set(pcm.subarray(0, first), at);
    this.#samples.set(pcm.subarray(first, count), 0);
    this.length += count;
    return count;
  }

  /** Move the oldest samples into `target`, as values from -1 to 1. */
  take(target) {
    for (let i = 0; i < target.length; i++) {
      target[i] = this.#samples[this.#head] / 32768;
      this.#head = this.#head + 1 === this.#samples.length ? 0 : this.#head + 1;
    }
    this.length -= target.length;
  }

  dropNewest(count) {
    this.length -= count;
  }
}

/** One utterance of the caller. `played` counts its samples at the socket's rate, from the item's start. */
class Item {
  waiting = 0;
  received = 0;
  ended = false;
  drained = false;
  reported = 0;

  constructor(number, start, resampler) {
    Object.assign(this, { number, start, resampler });
  }

  get played() {
    return this.start + Math.min(this.received, this.resampler.position);
  }

  get isOver() {
    return this.drained && this.resampler.position >= this.received;
  }
}

export class PlayerCore {
  #contextRate;
  #onReport;
  #ring;
  #scratch = new Float32Array(4096);
  #items = [];
  #finals = new Map();
  #newest = 0;
  #frame = 0;
  #sinceReport = 0;
  #sounding = false;
  #cut = false;
  #last = 0;
  #jump = 0;
  #fading = 0;

  constructor(contextRate, onReport, capacity = SECONDS_HELD * SAMPLE_RATE) {
    this.#contextRate = contextRate;
    this.#onReport = onReport;
    this.#ring = new Ring(capacity);
    this.paused = false; // by the gateway
    this.held = false; // by this page, and a new line does not change it
  }

  /** Queue audio of the newest item. Ignore an older item's audio: that item was flushed or has been played. */
  play(number, index, pcm) {
    this.#open(number, index);
    const item = this.#items.at(-1);
    if (item?.number !== number) return;
    const taken = this.#ring.add(pcm);
    item.waiting += taken;
    item.received += taken;
  }

  /** Note that all audio of an item has arrived. An item may be empty. */
  endItem(number) {
    this.#open(number, 0);
    const item = this.#items.find((candidate) => candidate.number === number);
    if (item) item.ended = true;
  }

  pause() {
    this.paused = true;
    this.#cut = true;
    this.#reportProgress();
  }

  resume() {
    this.paused = false;
  }

  /** Stop playing until let go, whatever the gateway says. What was not played is not reported as heard. */
  hold(on) {
    this.held = on;
    this.#cut = true;
    this.#reportProgress();
  }

  /** Drop the unplayed audio of this item and all later ones, and report how much was heard. Ends a pause. */
  flush(number) {
    const dropped = this.#items.filter((item) => item.number >= number);
    this.#items = this.#items.filter((item) => item.number < number);
    for (const item of dropped) this.#ring.dropNewest(item.waiting);
    this.#newest = Math.max(this.#newest, number);
    this.#cut = true;
    this.paused = false;
    const isQueued = dropped.some((item) => item.number === number);
    if (!isQueued) this.#reportFinal(number, this.#finals.get(number) ?? 0, this.#frame);
    // A later item that had started playing was heard too, and the gateway cannot find out otherwise.
    const heard = dropped.filter((item) => item.number === number || item.played > 0);
    for (const item of heard) this.#reportFinal(item.number, item.played, this.#frame);
  }

  /** Clear all state of the old line before a new one starts. */
  reset() {
    this.#ring.dropNewest(this.#ring.length);
    this.#items = [];
    this.#finals.clear();
    this.#newest = 0;
    this.#cut = true;
    this.paused = false;
  }

  /** Fill a block whose first sample is the context's frame number `frame`. */
  render(target, frame) {
    let filled = 0;
    while (!this.paused && !this.held && this.#items.length && filled < target.length) {
      const item = this.#items[0];
      const written = this.#fill(item, target, filled);
      filled += written;
      if (item.isOver) this.#finish(frame + filled);
      else if (!written) break;
    }
    target.fill(0, filled);
    this.#smooth(target, 0, filled, this.#sounding && !this.#cut);
    this.#smooth(target, filled, target.length, filled === 0 && !this.#sounding);
    this.#cut = false;
    this.#sounding = filled === target.length;
    this.#frame = frame + target.length;
    this.#sinceReport += target.length;
    if (this.#sinceReport >= REPORT_EVERY_S * this.#contextRate) this.#reportProgress();
  }

  #open(number, start) {
    if (number <= this.#newest) return;
    this.#newest = number;
    this.#items.push(new Item(number, start, new Resampler(SAMPLE_RATE, this.#contextRate)));
  }

  #fill(item, target, offset) {
    const wanted = target.length - offset;
    const count = Math.min(item.resampler.needed(wanted), item.waiting, this.#scratch.length);
    const samples = this.#scratch.subarray(0, count);
    this.#ring.take(samples);
    item.resampler.push(samples);
    item.waiting -= count;
    if (item.ended && !item.waiting && !item.drained) {
      item.resampler.finish();
      item.drained = true;
    }
    return item.resampler.pull(target, offset, wanted);
  }

  #finish(frame) {
    const item = this.#items.shift();
    this.#reportFinal(item.number, item.start + item.received, frame);
  }

  #reportFinal(item, samples, frame) {
    this.#finals.set(item, samples);
    this.#onReport({ item, samples, final: true, frame });
  }

  #reportProgress() {
    const item = this.#items[0];
    this.#sinceReport = 0;
    if (!item || item.played === item.reported) return;
    item.reported = item.played;
    this.#onReport({ item: item.number, samples: item.played, final: false, frame: this.#frame });
  }

  #smooth(target, from, to, joins) {
    if (from === to) return;
    if (!joins) {
      this.#jump = this.#last - target[from];
      this.#fading = FADE;
    }
    for (let i = from; i < to && this.#fading > 0; i++, this.#fading--) target[i] += this.#jump * (this.#fading / FADE);
    this.#last = target[to - 1];
  }
}
