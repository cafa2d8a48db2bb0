/** Socket of a call: audio frames and JSON messages, independent of the page and the audio device. */
const AUDIO = 1;
const HEADER_BYTES = 8;
const MAX_UNSENT = 256 * 1024;

export function encodeAudio(index, pcm, item = 0) {
  const buffer = new ArrayBuffer(HEADER_BYTES + pcm.length * 2);
  const view = new DataView(buffer);
  view.setUint8(0, AUDIO);
  view.setUint16(2, item, true);
  view.setUint32(4, index, true);
  for (let i = 0; i < pcm.length; i++) view.setInt16(HEADER_BYTES + 2 * i, pcm[i], true);
  return buffer;
}

export function decodeAudio(buffer) {
  const view = new DataView(buffer);
  const bytes = buffer.byteLength - HEADER_BYTES;
  if (bytes < 0 || bytes % 2 || view.getUint8(0) !== AUDIO) throw new RangeError("not an audio frame");
  const pcm = Int16Array.from({ length: bytes / 2 }, (_, i) => view.getInt16(HEADER_BYTES + 2 * i, true));
  return { item: view.getUint16(2, true), index: view.getUint32(4, true), pcm };
}

/** Return the socket's URL. The server records only if `record` is "true". `consent` is the consent text's version. */
export function callAddress(url, record, consent = "") {
  const address = new URL(url);
  for (const name of ["record", "consent"]) address.searchParams.delete(name);
  if (record) address.searchParams.set("record", "true");
  if (record && consent) address.searchParams.set("consent", consent);
  return address.href;
}

export class CallSocket {
  #socket;

  /** Open the socket. `handlers` has audio(frame), message(object), and closed({code, opened}), called once. */
  constructor({ url, ticket, lastRevision, record, consent }, handlers, Socket = WebSocket) {
    this.opened = false;
    this.#socket = new Socket(callAddress(url, record, consent), ["steadyline.v1", `ticket.${ticket}`]);
    this.#socket.binaryType = "arraybuffer";
    this.#socket.onopen = () => {
      this.opened = true;
      this.#say("hello", { last_revision: lastRevision });
    };
    this.#socket.onmessage = ({ data }) =>
      typeof data === "string" ? handlers.message(JSON.parse(data)) : handlers.audio(decodeAudio(data));
    this.#socket.onclose = ({ code }) => handlers.closed({ code, opened: this.opened });
  }

  /** Send a frame. Return false if the line is too slow: the frame is skipped, and the next index shows the gap. */
  sendAudio(index, pcm) {
    if (!this.#isOpen || this.#socket.bufferedAmount > MAX_UNSENT) return false;
    this.#socket.send(encodeAudio(index, pcm));
    return true;
  }

  say(text) {
    return this.#say("say", { text });
  }

  played({ item, samples, final }, atMicSample) {
    return this.#say("played", { item, samples, at_mic_sample: atMicSample, final });
  }

  mute(on) {
    return this.#say("mute", { on });
  }

  hangUp() {
    return this.#say("hang_up");
  }

  close() {
    this.#socket.close(1000);
  }

  get #isOpen() {
    return this.#socket.readyState === 1;
  }

  #say(type, body = {}) {
    if (!this.#isOpen) return false;
    this.#socket.send(JSON.stringify({ type, ...body }));
    return true;
  }
}
