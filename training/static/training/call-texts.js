/** Sentences of the call page for its states, as pure functions of the state. */
import { CONNECTING, ENDING } from "./call-state.js";

const LOST_CODES = {
  1008: gettext("The connection was closed because of an unexpected message."),
  1009: gettext("The connection was closed because too much was sent at once."),
  1011: gettext("Something went wrong on our side of the line."),
  1012: gettext("The line is restarting."),
  4001: gettext("You were logged out. Log in again in another tab, then reconnect here right away."),
  4002: gettext("You continued this call on another page or device."),
  4008: gettext("This page couldn’t keep up with the call."),
};

const REASONS = {
  hung_up: gettext("You hung up."),
  feedback: gettext("You ended the call to get feedback."),
  line_lost: gettext("The connection was lost."),
  caller_lost: gettext("We lost the connection to the caller. The problem was on our side, not yours."),
  caller_inaudible:
    gettext("The caller’s voice didn’t come through. The problem was on our side, so this call isn’t graded."),
  stopped: gettext("You stopped the call, which is always OK. It isn’t graded."),
  supervisor: gettext("A supervisor ended the call. Everything said up to that point was saved."),
  too_long: gettext("The call reached the maximum length."),
  idle: gettext("The call ended because nobody spoke for a long time."),
  ended_elsewhere: gettext("This call was ended on another page."),
  replaced: gettext("You continued the call on another page."),
  shutdown: gettext("The service restarted."),
  failed: gettext("Something went wrong on our side."),
  too_fast: gettext("The call was ended because this page sent too much at once. Everything said up to that point was saved."),
  session_over: gettext("This call had already ended."),
};

const NOTICES = {
  caller_reconnecting:
    gettext("The caller’s line dropped for a moment. Stay on the line while we call them back."),
  caller_back: gettext("The caller is back on the line."),
  draining:
    gettext("This line will restart later. Take your time to finish. If the call is cut off, we’ll reconnect you."),
  idle_warning: gettext("Nobody has spoken for a while. Say something, or the call will end in a minute."),
  ending_soon: gettext("This call will reach the maximum length in about a minute."),
  typed_too_fast:
    gettext("That was more than the caller can take in at once. Your words are still in the box. Wait a moment, or shorten them, and send them again."),
  too_fast: gettext("This page sent too much at once, so the call is ending. Everything said so far is saved."),
  caller_lost: gettext("We lost the connection to the caller. The problem is on our side, not yours."),
  caller_inaudible:
    gettext("The caller’s voice isn’t coming through. The problem is on our side, so this call won’t be graded."),
};

export const lostText = (code) => LOST_CODES[code] ?? gettext("The connection to the caller was lost.");
export const isElsewhere = ({ problem }) => ["in_use", "replaced"].includes(problem?.code);
export const isLoggedOut = ({ problem }) => problem?.code === "logged_out";
export const lostTitle = (state) =>
  isElsewhere(state) ? gettext("This call is open on another page") : gettext("You were disconnected");
export const lostAdvice = (state) =>
  isElsewhere(state)
    ? gettext("Continue there, or continue here. Nothing is lost either way.")
    : gettext("Everything said up to that point was saved. You can continue with the same caller.");
export const reasonText = ({ reason }) => REASONS[reason] ?? gettext("The call has ended.");

export function noticeText({ notice, isSlow, isFlat, isReturning, chosenEnd, phase, hasWaitingWords }) {
  if (chosenEnd) return "";
  if (hasWaitingWords && phase === CONNECTING)
    return gettext("Your words stay in the box and are sent as soon as the caller is on the line.");
  if (hasWaitingWords && phase === ENDING) return gettext("The call is ending. The words in the box were not sent.");
  if (isReturning)
    return gettext("We’re reconnecting you. Until then, nobody can hear you. You can still type, or end the call.");
  if (isSlow) return gettext("Your connection is slow. The caller may not hear everything you say.");
  if (NOTICES[notice]) return NOTICES[notice];
  if (isFlat)
    return gettext("We can’t hear you. Your microphone is on here, but silent. Look for a mute switch on your headset or computer, choose another microphone in the sound settings, or type.");
  return "";
}

export const undoText = ({ chosenEnd }) =>
  chosenEnd === "stop"
    ? gettext("You stopped without a grade. For ten seconds, you can still go back.")
    : gettext("The call is ending. For ten seconds, you can still go back.");

export function checkText({ isFlat, isHeard }) {
  if (isFlat && !isHeard)
    return gettext("We can’t hear anything. Look for a mute switch on your headset or computer, or choose another microphone.");
  return isHeard ? gettext("We can hear you.") : gettext("Say something. The bar moves when we hear you.");
}
