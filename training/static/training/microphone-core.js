import { Resampler } from "./resampler.js";

export const SAMPLE_RATE = 24000;
export const FRAME_SAMPLES = 960; // 40 ms

export function toPcm16(samples) {
  return Int16Array.from(samples, (value) => Math.round(Math.max(-1, Math.min(1, value)) * 32767));
}

export function loudness(samples) {
  let sum = 0;
  for (const value of samples) sum += value * value;
  return samples.length ? Math.sqrt(sum / samples.length) : 0;
}

/** Cuts microphone audio into the socket's frames, each with the running index of its first sample. */
export class MicrophoneCore {
  #index = 0;
  #filled = 0;
  #frame = new Float32Array(FRAME_SAMPLES);

  constructor(contextRate, onFrame) {
    this.resampler = new Resampler(contextRate, SAMPLE_RATE);
    this.onFrame = onFrame;
    this.muted = false;
  }

  /** Add samples. While muted, send silence: it keeps the clock running and lets upstream detect the end of speech. */
  addSamples(samples) {
    this.resampler.push(this.muted ? new Float32Array(samples.length) : samples);
    for (;;) {
      this.#filled += this.resampler.pull(this.#frame, this.#filled);
      if (this.#filled < FRAME_SAMPLES) return;
      this.onFrame({ index: this.#index, pcm: toPcm16(this.#frame), level: loudness(this.#frame) });
      this.#index += FRAME_SAMPLES;
      this.#filled = 0;
    }
  }
}
