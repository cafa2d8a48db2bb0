/** Ring and tone of the line, made on this page. They go to the loudspeaker only, never into what is sent. */
const RING_HERTZ = [440, 480];
const BURST_S = 0.4;
const GAP_S = 0.2;
const RING_GAIN = 0.06;
const LOSS_HERTZ = [392, 294];
const LOSS_S = 0.25;
const LOSS_GAIN = 0.05;
const EDGE_S = 0.03; // fade in and out, so that nothing clicks

/** Ring twice. Resolve when the ring is over, so that the line opens after it and no microphone can pick it up. */
export async function ring(context) {
  const start = context.currentTime;
  const bursts = [start, start + BURST_S + GAP_S];
  await Promise.all(bursts.flatMap((at) => RING_HERTZ.map((hertz) => play(context, hertz, at, BURST_S, RING_GAIN))));
}

/** Play two falling tones when the line is lost. */
export async function playLoss(context) {
  const start = context.currentTime;
  await Promise.all(LOSS_HERTZ.map((hertz, place) => play(context, hertz, start + place * LOSS_S, LOSS_S, LOSS_GAIN)));
}

function play(context, hertz, at, seconds, loudness) {
  const tone = new OscillatorNode(context, { frequency: hertz });
  const gain = new GainNode(context, { gain: 0 });
  gain.gain.setValueAtTime(0, at);
  gain.gain.linearRampToValueAtTime(loudness, at + EDGE_S);
  gain.gain.setValueAtTime(loudness, at + seconds - EDGE_S);
  gain.gain.linearRampToValueAtTime(0, at + seconds);
  tone.connect(gain).connect(context.destination);
  tone.start(at);
  tone.stop(at + seconds);
  return new Promise((resolve) => (tone.onended = resolve));
}
