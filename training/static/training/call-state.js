/** State of the call page as one value, and the change that each event makes. Pure: no page, socket, or clock. */
export const READY = "ready";
export const CONNECTING = "connecting";
export const TALKING = "talking";
export const LOST = "lost";
export const ENDING = "ending";
export const ENDED = "ended";

export const initialState = Object.freeze({
  phase: READY,
  microphone: "unasked", // asking, working, refused, missing, busy, stopped, typing
  isHeard: false,
  isMuted: false,
  isSlow: false,
  isRecording: false,
  hasSpoken: false, // either side has spoken; until then the page asks the counselor to answer the phone
  isReturning: false, // the line broke and the page is reconnecting
  isLeaving: false, // the page goes to the session's page as soon as the call has ended
  session: null,
  problem: null,
  notice: "",
  reason: "",
});

const LOST_CODES = {
  1008: "The line was closed because it received something it did not understand.",
  1009: "The line was closed because it received too much at once.",
  1011: "Something went wrong on our side of the line.",
  1012: "The line is being restarted.",
  4001: "You have been logged out. Log in again in another tab, then reconnect here right away.",
  4002: "It was taken over by another page or device of yours.",
  4008: "This page did not keep up with the line.",
};

const REASONS = {
  hung_up: "You hung up.",
  feedback: "You ended the call for feedback.",
  line_lost: "The line was lost.",
  caller_lost: "The caller could not be reached any more. That was our side, not you.",
  caller_inaudible: "The caller’s voice did not come through. That was our side; this call is not graded.",
  stopped: "You stopped the call. That is always all right; it is not graded.",
  supervisor: "A supervisor ended the call. What was said until then is kept.",
  too_long: "The call reached its longest time.",
  idle: "Nobody spoke for a long time, so the call was ended.",
  ended_elsewhere: "The call was ended on another page.",
  replaced: "The call was taken over by another page.",
  shutdown: "The service was restarted.",
  failed: "Something went wrong on our side.",
  session_over: "This call had already ended.",
};

const NOTICES = {
  caller_reconnecting: "The caller’s line dropped for a moment. Stay with them, they are being called back.",
  caller_back: "The caller is back on the line.",
  draining: "This line will be restarted later. Finish your call in peace; if it is cut, you will be connected again.",
  idle_warning: "Nobody has spoken for a while. Say something, or the call will end in a minute.",
  ending_soon: "This call reaches its longest time in about a minute.",
  caller_lost: "The caller could not be reached any more. That was our side, not you.",
  caller_inaudible: "The caller’s voice does not come through. That is our side; this call will not be graded.",
};

// Notices that disappear after a moment. The others stay for as long as they apply.
export const PASSING_NOTICES = ["caller_back"];

export const isInCall = ({ phase }) => [CONNECTING, TALKING, ENDING].includes(phase);
export const canSpeak = ({ microphone }) => microphone === "working";
export const lostWords = (code) => LOST_CODES[code] ?? "The connection to the caller broke off.";
export const isElsewhere = ({ problem }) => ["in_use", "replaced"].includes(problem?.code);
export const isLoggedOut = ({ problem }) => problem?.code === "logged_out";
export const lostTitle = (state) => (isElsewhere(state) ? "This call goes on elsewhere" : "The line was lost");
export const lostAdvice = (state) =>
  isElsewhere(state)
    ? "Go on there, or take it over here: the other page is told, and nothing is lost."
    : "Everything said until then is kept. You can go on with the same caller.";
export const reasonWords = ({ reason }) => REASONS[reason] ?? "The call has ended.";
export function noticeWords({ notice, isSlow, isReturning }) {
  if (isReturning) return "The line broke. You are being connected again; until then nobody hears what you say.";
  return isSlow ? "Your connection is slow: not all of what you say gets through." : (NOTICES[notice] ?? "");
}

export function connectionWords({ phase, session, notice, problem, isReturning }) {
  if (phase === CONNECTING && isReturning) return "Reconnecting…";
  if (phase === CONNECTING) return session ? "Ringing…" : "Connecting…";
  if (phase === TALKING) return notice === "caller_reconnecting" ? "Caller reconnecting…" : "Connected";
  if (phase === LOST && isElsewhere({ problem })) return "Not connected";
  return { ready: "Not connected", lost: "Line lost", ending: "Hanging up…", ended: "Call ended" }[phase];
}

const changes = {
  microphone: (state, { status }) => ({ microphone: status, isHeard: false }),
  heard: () => ({ isHeard: true }),
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
  notice: (state, { code }) => ({ notice: code }),
  notice_over: (state, { code }) => (state.notice === code ? { notice: "" } : {}),
  mute: (state, { on }) => ({ isMuted: on }),
  slow: (state, { on }) => ({ isSlow: on }),
  line_lost: (state, { problem }) => ([CONNECTING, TALKING].includes(state.phase) ? { phase: LOST, problem, isReturning: false } : {}),
  hang_up: ({ phase }) => ([CONNECTING, TALKING, LOST].includes(phase) ? { phase: ENDING, isLeaving: true } : {}),
  not_ended: ({ phase }, { problem }) => (phase === ENDING ? { phase: LOST, isLeaving: false, problem } : {}),
  ended: (state, { reason }) => ({ phase: ENDED, reason: state.reason || reason }),
};

export function reduce(state, event) {
  return { ...state, ...changes[event.type](state, event) };
}
