import { loudness } from "./microphone-core.js";
import { PlayerCore } from "./player-core.js";

const BLOCKS_PER_LEVEL = 16;

class Player extends AudioWorkletProcessor {
  constructor() {
    super();
    this.core = new PlayerCore(sampleRate, (report) => this.port.postMessage({ type: "played", ...report }));
    this.port.onmessage = ({ data }) => this.receive(data);
    this.blocks = 0;
    this.level = 0;
  }

  receive({ type, item, index, pcm, on }) {
    if (type === "audio") this.core.play(item, index, pcm);
    else if (type === "item_end") this.core.endItem(item);
    else if (type === "flush") this.core.flush(item);
    else if (type === "pause") this.core.pause();
    else if (type === "resume") this.core.resume();
    else if (type === "hold") this.core.hold(on);
    else if (type === "reset") this.core.reset();
  }

  process(_inputs, [[speaker]]) {
    this.core.render(speaker, currentFrame);
    this.level = Math.max(this.level, loudness(speaker));
    if (++this.blocks === BLOCKS_PER_LEVEL) {
      this.port.postMessage({ type: "level", level: this.level });
      this.blocks = 0;
      this.level = 0;
    }
    return true;
  }
}

registerProcessor("player", Player);
