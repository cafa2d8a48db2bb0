import { SAMPLE_RATE } from "./microphone-core.js";

const SECONDS = 3; // the page says so
const MARGIN_MS = 1500; // a microphone that delivers nothing ends the recording, too

/** A few seconds of the counselor's own voice, exactly as the caller would hear it. It never leaves this page. */
export class OwnSample {
  #audio;
  #parts = [];
  #length = 0;
  #done = null;
  #seconds;

  constructor(audio, seconds = SECONDS) {
    this.#audio = audio;
    this.#seconds = seconds;
  }

  add(pcm) {
    this.#parts.push(pcm);
    this.#length += pcm.length;
    if (this.#length >= this.#seconds * SAMPLE_RATE) this.#done?.();
  }

  async record() {
    this.#audio.keep(true);
    await new Promise((resolve) => {
      this.#done = resolve;
      setTimeout(resolve, this.#seconds * 1000 + MARGIN_MS);
    });
    this.#audio.keep(false);
  }

  /** Play the sample. Resolve at its end. */
  async play() {
    if (!this.#length) return;
    const { context } = this.#audio;
    const buffer = new AudioBuffer({ length: this.#length, sampleRate: SAMPLE_RATE });
    const samples = buffer.getChannelData(0);
    let at = 0;
    for (const part of this.#parts) for (const value of part) samples[at++] = value / 32768;
    const source = new AudioBufferSourceNode(context, { buffer });
    source.connect(context.destination);
    source.start();
    await new Promise((resolve) => (source.onended = resolve));
  }
}
