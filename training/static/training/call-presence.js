/** What the caller does right now, in words and as the state of the drawing. A pure function of the page's state. */
import { canSpeak, CONNECTING, ENDING, isInCall, TALKING } from "./call-state.js";
import { isElsewhere } from "./call-texts.js";

const ACTIVITIES = {
  speaking: { title: gettext("%(name)s is speaking"), detail: gettext("You can speak at any time") },
  thinking: { title: gettext("%(name)s is thinking"), detail: gettext("An answer is on its way") },
  listening: { title: gettext("%(name)s is listening"), detail: gettext("Your microphone is on") },
};

/** Return the drawing's state (ringing, listening, thinking, speaking, reconnecting, off), a title, and a detail. */
export function presenceOf(state) {
  const { phase, session, notice, isReturning, chosenEnd } = state;
  if (chosenEnd) return { look: "off", title: endTitle(chosenEnd), detail: gettext("The line is silent. Nobody hears you") };
  if (phase === CONNECTING && isReturning)
    return { look: "reconnecting", title: gettext("Reconnecting…"), detail: gettext("Nobody hears you now. Nothing is lost") };
  if (phase === CONNECTING)
    return { look: "ringing", title: session ? gettext("Ringing…") : gettext("Connecting…"), detail: gettext("You’re being connected") };
  if (phase === TALKING && notice === "caller_reconnecting")
    return { look: "reconnecting", title: gettext("Caller reconnecting…"), detail: gettext("Stay on the line") };
  if (phase === TALKING) return talking(state);
  return { look: "off", title: stoppedTitle(state), detail: "" };
}

const endTitle = (choice) => (choice === "stop" ? gettext("You stopped the call") : gettext("You ended the call"));

function talking(state) {
  const { activity, hasSpoken, callerName } = state;
  const words = ACTIVITIES[activity];
  const title = interpolate(words.title, { name: callerName || gettext("The caller") }, true);
  if (state.isMuted) return { look: activity, title: gettext("You’re muted"), detail: mutedDetail(state, title) };
  const isGreeting = !hasSpoken && activity === "listening";
  const detail = isGreeting ? gettext("You’re answering the phone. Say your greeting.") : ownLine(state, words.detail);
  return { look: activity, title, detail };
}

/** Return what goes on while the counselor is muted: the caller goes on speaking, or hears nothing. */
function mutedDetail({ activity, callerName }, title) {
  if (activity !== "listening") return title;
  return interpolate(gettext("%(name)s can’t hear you"), { name: callerName || gettext("The caller") }, true);
}

/** Return what the counselor should know about their own side of the line, or the given text. */
function ownLine(state, text) {
  if (canSpeak(state) || state.activity !== "listening") return text;
  return state.microphone === "asking" ? gettext("Waiting for your microphone…") : gettext("Your microphone is off. Type to the caller.");
}

function stoppedTitle(state) {
  if (state.phase === ENDING) return gettext("Hanging up…");
  if (isInCall(state)) return "";
  if (state.phase === "lost" && !isElsewhere(state)) return gettext("Disconnected");
  return state.phase === "ended" ? gettext("Call ended") : gettext("Not connected");
}
