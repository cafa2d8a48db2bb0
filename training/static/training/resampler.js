/**
 * Streaming sample-rate converter: a windowed sinc with one row of weights for each phase between the two rates.
 * Positions are integers throughout, so an hour of audio does not drift by a single sample.
 */
const ZERO_CROSSINGS = 16;
const PASSBAND = 0.92;
const SPARE = 4096;
const kernels = new Map();

const commonDivisor = (a, b) => (b ? commonDivisor(b, a % b) : a);

function weight(distance, reach, cutoff) {
  const x = Math.PI * distance * cutoff;
  const turn = (Math.PI * distance) / reach;
  const blackman = 0.42 + 0.5 * Math.cos(turn) + 0.08 * Math.cos(2 * turn);
  return Math.abs(distance) >= reach ? 0 : blackman * (x ? Math.sin(x) / x : 1);
}

function weightsAt(offset, half, cutoff) {
  const row = Float32Array.from({ length: 2 * half }, (_, tap) => weight(tap - half + 1 - offset, half, cutoff));
  const sum = row.reduce((total, value) => total + value, 0);
  return row.map((value) => value / sum);
}

function kernelFor(step, phases) {
  const key = `${step}/${phases}`;
  if (!kernels.has(key)) {
    const half = Math.ceil(ZERO_CROSSINGS * Math.max(1, step / phases));
    const cutoff = PASSBAND * Math.min(1, phases / step);
    const rows = Array.from({ length: phases }, (_, phase) => weightsAt(phase / phases, half, cutoff));
    kernels.set(key, { half, rows });
  }
  return kernels.get(key);
}

export class Resampler {
  #buffer;
  #filled;
  #at = 0;
  #phase = 0;
  #pulled = 0;

  constructor(inputRate, outputRate) {
    const divisor = commonDivisor(inputRate, outputRate);
    this.step = inputRate / divisor;
    this.phases = outputRate / divisor;
    const { half, rows } = kernelFor(this.step, this.phases);
    this.half = half;
    this.rows = rows;
    this.#buffer = new Float32Array(2 * half + SPARE);
    this.#filled = half - 1; // silence before the first sample
  }

  /** Return the number of further input samples needed to pull `count` outputs. */
  needed(count) {
    const last = this.#at + Math.floor((this.#phase + (count - 1) * this.step) / this.phases);
    return Math.max(0, last + 2 * this.half - this.#filled);
  }

  /** Input position of the next output, in whole samples. */
  get position() {
    return Math.floor((this.#pulled * this.step) / this.phases);
  }

  push(samples) {
    this.#makeRoom(samples.length);
    this.#buffer.set(samples, this.#filled);
    this.#filled += samples.length;
  }

  /** End the input, so that the last outputs can be pulled. */
  finish() {
    this.push(new Float32Array(this.half));
  }

  /** Write at most `count` outputs into `target` and return their number. */
  pull(target, offset = 0, count = target.length - offset) {
    const taps = 2 * this.half;
    let done = 0;
    for (; done < count && this.#at + taps <= this.#filled; done++) {
      const row = this.rows[this.#phase];
      let sum = 0;
      for (let tap = 0; tap < taps; tap++) sum += row[tap] * this.#buffer[this.#at + tap];
      target[offset + done] = sum;
      this.#advance();
    }
    this.#pulled += done;
    return done;
  }

  #advance() {
    const next = this.#phase + this.step;
    this.#at += Math.floor(next / this.phases);
    this.#phase = next % this.phases;
  }

  #makeRoom(count) {
    if (this.#filled + count <= this.#buffer.length) return;
    const kept = this.#buffer.subarray(Math.min(this.#at, this.#filled), this.#filled);
    const size = Math.max(this.#buffer.length, 2 * (kept.length + count));
    const target = size > this.#buffer.length ? new Float32Array(size) : this.#buffer;
    target.set(kept);
    this.#buffer = target;
    this.#at -= this.#filled - kept.length;
    this.#filled = kept.length;
  }
}
