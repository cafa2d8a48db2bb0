import { SAMPLE_RATE } from "./microphone-core.js";

const MICROPHONE_PROBLEMS = {
  NotAllowedError: "refused",
  SecurityError: "refused",
  NotFoundError: "missing",
  OverconstrainedError: "missing",
};

/** Return the reason that a microphone failed to open: refused, missing, or busy. */
export const microphoneProblem = (error) => MICROPHONE_PROBLEMS[error.name] ?? "busy";

/**
 * Microphone and loudspeaker of a call in one AudioContext, so that playback and speech share a clock: both worklets
 * count the context's frames, and the microphone's sample 0 is the frame at which it started. The microphone's worklet
 * also runs without a microphone, as the clock of a typed call.
 */
export class CallAudio {
  #context;
  #player;
  #microphone;
  #source = null;
  #stream = null;
  #startFrame = 0;
  #started = null;
  #clockStarted;
  #handlers;

  /**
   * `handlers` has level(n), callerLevel(n), frame({index, pcm}), kept(pcm), played(report, atMicSample),
   * microphoneStopped(), and microphoneMuted(on), which is about a mute outside of this page.
   */
  static async open(handlers) {
    const context = new AudioContext({ latencyHint: "interactive" });
    await context.resume();
    const modules = [
      new URL("./microphone-worklet.js", import.meta.url),
      new URL("./player-worklet.js", import.meta.url),
    ];
    await Promise.all(modules.map((address) => context.audioWorklet.addModule(address)));
    return new CallAudio(context, handlers);
  }

  constructor(context, handlers) {
    this.#context = context;
    this.#handlers = handlers;
    this.#microphone = this.#node("microphone");
    this.#player = this.#node("player");
    this.#microphone.port.onmessage = ({ data }) => this.#fromMicrophone(data);
    this.#player.port.onmessage = ({ data }) => this.#fromPlayer(data);
    // Phones suspend audio behind a lock screen or during another call, so resume it when the page is visible again.
    document.addEventListener("visibilitychange", () => context.state === "suspended" && context.resume());
  }

  get context() {
    return this.#context;
  }

  /** Open the given microphone, or the default one. Throws the browser's error; see `microphoneProblem`. */
  async useMicrophone({ deviceId, raw }) {
    if (!navigator.mediaDevices) throw new DOMException("The page is not secure", "NotFoundError");
    this.dropMicrophone();
    const processing = { echoCancellation: !raw, noiseSuppression: !raw, autoGainControl: !raw, channelCount: 1 };
    const device = deviceId ? { deviceId: { exact: deviceId } } : {};
    this.#stream = await navigator.mediaDevices.getUserMedia({ audio: { ...processing, ...device } });
    const [track] = this.#stream.getAudioTracks();
    track.onended = () => this.#handlers.microphoneStopped();
    track.onmute = () => this.#handlers.microphoneMuted?.(true);
    track.onunmute = () => this.#handlers.microphoneMuted?.(false);
    this.#source = this.#context.createMediaStreamSource(this.#stream);
    this.#source.connect(this.#microphone);
  }

  /** Return all microphones and the one in use. Their names are empty until the user grants permission. */
  async microphones() {
    const devices = await navigator.mediaDevices.enumerateDevices();
    const used = this.#stream?.getAudioTracks()[0]?.getSettings().deviceId;
    return { used, all: devices.filter((device) => device.kind === "audioinput" && device.deviceId) };
  }

  /** Return the loudspeakers to choose from, which is none in a browser that cannot change them. */
  async speakers() {
    if (!this.#context.setSinkId) return { used: "", all: [] };
    const devices = await navigator.mediaDevices.enumerateDevices();
    const all = devices.filter((device) => device.kind === "audiooutput" && device.deviceId);
    return { used: this.#context.sinkId || "default", all };
  }

  useSpeaker(deviceId) {
    return this.#context.setSinkId(deviceId === "default" ? "" : deviceId);
  }

  dropMicrophone() {
    this.#source?.disconnect();
    this.#source = null;
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = null;
  }

  /** Start the call's clock. A reconnected line keeps the same clock. */
  startClock() {
    this.#started ??= new Promise((resolve) => {
      this.#clockStarted = resolve;
      this.#microphone.port.postMessage({ type: "start" });
    });
    return this.#started;
  }

  mute(on) {
    this.#microphone.port.postMessage({ type: "mute", on });
  }

  /** Start or stop passing microphone audio to `kept`, before the call. */
  keep(on) {
    this.#microphone.port.postMessage({ type: "keep", on });
  }

  /** Hold the caller in the middle of a word, or let go. */
  hold(on) {
    this.#player.port.postMessage({ type: "hold", on });
  }

  play({ item, index, pcm }) {
    this.#player.port.postMessage({ type: "audio", item, index, pcm }, [pcm.buffer]);
  }

  /** Send the player "pause", "resume", "flush", "item_end" from the socket, or "reset" for a new or broken line. */
  sendToPlayer(type, item) {
    this.#player.port.postMessage({ type, item });
  }

  async close() {
    this.dropMicrophone();
    if (this.#context.state !== "closed") await this.#context.close();
  }

  #node(name) {
    const mono = { channelCount: 1, channelCountMode: "explicit", outputChannelCount: [1] };
    const node = new AudioWorkletNode(this.#context, name, mono);
    node.connect(this.#context.destination); // the microphone's output is silent, but an unconnected node would not run
    return node;
  }

  #micSampleAt(frame) {
    return Math.max(0, Math.round(((frame - this.#startFrame) * SAMPLE_RATE) / this.#context.sampleRate));
  }

  #fromMicrophone({ type, frame, index, pcm, level }) {
    if (type === "started") {
      this.#startFrame = frame;
      this.#clockStarted();
      return;
    }
    this.#handlers.level(level);
    if (type === "kept") this.#handlers.kept?.(pcm);
    if (type === "frame" && this.#stream) this.#handlers.frame({ index, pcm });
  }

  #fromPlayer({ type, frame, level, ...report }) {
    if (type === "level") this.#handlers.callerLevel(level);
    else this.#handlers.played(report, this.#micSampleAt(frame));
  }
}
