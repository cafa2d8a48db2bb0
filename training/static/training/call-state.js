/** State of the call page as one value, and its change on each event. Pure functions: no page, socket, or clock. */
export const READY = "ready";
export const CONNECTING = "connecting";
export const TALKING = "talking";
export const LOST = "lost";
export const ENDING = "ending";
export const ENDED = "ended";

export const initialState = Object.freeze({
  phase: READY,
  microphone: "unasked", // asking, working, refused, missing, busy, stopped, typing
  sample: "none", // of the counselor's own voice before the call: recording, playing, question, good, bad
  isHeard: false,
  isFlat: false, // the microphone is open, but silent
  isMuted: false,
  isTyping: false, // the box for typed words is open beside a working microphone
  isSlow: false,
  isRecording: false,
  hasWaitingWords: false, // typed words stay in the box until the call is connected
  hasSpoken: false, // either side has spoken; until then the page asks the counselor to answer the phone
  activity: "listening", // the caller's: speaking, thinking, or listening
  callerName: "", // once the caller has told it
  isReturning: false, // the line broke and the page is reconnecting
  chosenEnd: "", // "end" or "stop" (without a grade) while it can still be undone
  isLeaving: false, // the page goes to the session's page as soon as the call has ended
  session: null,
  problem: null,
  notice: "",
  reason: "",
});

// Notices that disappear after a moment. The others stay for as long as they apply.
export const TEMPORARY_NOTICES = ["caller_back", "typed_too_fast"];

export const isInCall = ({ phase }) => [CONNECTING, TALKING, ENDING].includes(phase);
export const canSpeak = ({ microphone }) => microphone === "working";
export const isSilent = ({ isMuted, chosenEnd }) => isMuted || Boolean(chosenEnd);
const isUnderWay = ({ phase }) => [CONNECTING, TALKING, LOST].includes(phase);

const changes = {
  microphone: (state, { status }) => ({ microphone: status, isHeard: false, isFlat: false, sample: "none" }),
  heard: () => ({ isHeard: true }),
  flat: (state, { on }) => ({ isFlat: on }),
  sample: (state, { status }) => ({ sample: status }),
  start: ({ phase }) =>
    [READY, LOST].includes(phase) ? { phase: CONNECTING, problem: null, notice: "", isSlow: false } : {},
  session: (state, { session }) => ({ session }),
  not_started: (state, { problem }) => ({ phase: READY, isLeaving: false, problem }),
  line_ready: (state, { recording }) =>
    state.phase === CONNECTING ? { phase: TALKING, isRecording: recording, isReturning: false, notice: "" } : {},
  line_broke: (state) =>
    [CONNECTING, TALKING].includes(state.phase)
      ? { phase: CONNECTING, isReturning: state.isReturning || state.phase === TALKING, isSlow: false, notice: "" }
      : {},
  turn: ({ hasSpoken, notice }, { text }) => ({
    hasSpoken: hasSpoken || Boolean(text),
    notice: text && notice === "idle_warning" ? "" : notice,
  }),
  caller_name: ({ callerName }, { name }) => ({ callerName: callerName || name }),
  activity: (state, { activity }) => ({ activity, hasSpoken: state.hasSpoken || activity === "speaking" }),
  notice: (state, { code }) => ({ notice: code }),
  notice_over: (state, { code }) => (state.notice === code ? { notice: "" } : {}),
  typed: (state, { isWaiting }) => ({ hasWaitingWords: isWaiting }),
  typing: (state, { on }) => ({ isTyping: on }),
  mute: (state, { on }) => ({ isMuted: on }),
  slow: (state, { on }) => ({ isSlow: on }),
  line_lost: (state, { problem }) =>
    [CONNECTING, TALKING].includes(state.phase) ? { phase: LOST, problem, isReturning: false } : {},
  choose_end: (state, { choice }) => (isUnderWay(state) ? { chosenEnd: choice } : {}),
  undo_end: () => ({ chosenEnd: "" }),
  hang_up: (state) => (isUnderWay(state) ? { phase: ENDING, isLeaving: true, chosenEnd: "" } : {}),
  not_ended: ({ phase }, { problem }) => (phase === ENDING ? { phase: LOST, isLeaving: false, problem } : {}),
  ended: (state, { reason }) => ({ phase: ENDED, chosenEnd: "", reason: state.reason || reason }),
};

export function reduce(state, event) {
  return { ...state, ...changes[event.type](state, event) };
}
