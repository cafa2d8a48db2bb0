/** Volume of each channel, in one ear or in both. Audio is routed through the mixer only after the user changes it. */
export class ChannelMixer {
  #context = null;
  #gains = [];
  #crossings = [];
  #volumes = [1, 1];
  #isInBothEars = false;

  constructor(audio, Context = window.AudioContext) {
    this.audio = audio;
    this.Context = Context;
  }

  setVolume(channel, volume) {
    this.#volumes[channel] = volume;
    this.#apply();
  }

  setBothEars(isInBothEars) {
    this.#isInBothEars = isInBothEars;
    this.#apply();
  }

  /** Resume the audio context, which browsers suspend if it was created before the user interacted with the page. */
  resume() {
    this.#context?.resume();
  }

  #apply() {
    if (!this.#context) this.#build();
    for (const channel of [0, 1]) {
      this.#gains[channel].gain.value = this.#volumes[channel];
      this.#crossings[channel].gain.value = this.#isInBothEars ? this.#volumes[channel] : 0;
    }
    this.resume();
  }

  #build() {
    this.#context = new this.Context();
    const split = this.#context.createChannelSplitter(2);
    const merge = this.#context.createChannelMerger(2);
    this.#context.createMediaElementSource(this.audio).connect(split);
    for (const channel of [0, 1]) {
      const [own, other] = [this.#context.createGain(), this.#context.createGain()];
      split.connect(own, channel);
      split.connect(other, channel);
      own.connect(merge, 0, channel);
      other.connect(merge, 0, 1 - channel);
      this.#gains.push(own);
      this.#crossings.push(other);
    }
    merge.connect(this.#context.destination);
  }
}
