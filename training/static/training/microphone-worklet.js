import { MicrophoneCore } from "./microphone-core.js";

/** Reports the level at all times and, after "start", frames. It is also the clock of a call without a microphone. */
class Microphone extends AudioWorkletProcessor {
  constructor() {
    super();
    this.port.onmessage = ({ data }) => this.receive(data);
    this.inCall = false;
    this.keeps = false; // before the call, for the counselor's own sample
    this.restart();
  }

  receive({ type, on }) {
    if (type === "mute") this.core.muted = on;
    if (type === "keep") this.keeps = on;
    if (type === "start") this.starting = true;
  }

  restart() {
    const muted = this.core?.muted ?? false;
    this.core = new MicrophoneCore(sampleRate, (frame) => this.send(frame));
    this.core.muted = muted;
  }

  send({ index, pcm, level }) {
    if (this.inCall) this.port.postMessage({ type: "frame", index, pcm, level }, [pcm.buffer]);
    else if (this.keeps) this.port.postMessage({ type: "kept", pcm, level }, [pcm.buffer]);
    else this.port.postMessage({ type: "level", level });
  }

  process([input], [output]) {
    if (this.starting) {
      this.starting = false;
      this.inCall = true;
      this.restart();
      this.port.postMessage({ type: "started", frame: currentFrame });
    }
    this.core.addSamples(input[0] ?? new Float32Array(output[0].length));
    return true;
  }
}

registerProcessor("microphone", Microphone);
