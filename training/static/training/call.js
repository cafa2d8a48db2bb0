import { CallPage } from "./call-page.js";
import { onActions } from "./page-elements.js";

function listenTo(page, root) {
  onActions(root, {
    check: () => page.checkMicrophone(),
    type: () => page.typeInstead(),
    start: () => page.start(),
    "end-other": () => page.endOtherCall(),
    reconnect: () => page.connect(),
    "take-over": () => page.connect({ takeOver: true }),
    mute: () => page.toggleMute(),
    "hang-up": () => page.hangUp(),
    stop: () => page.stop(),
    feedback: () => page.hangUp(), // same as hang-up: both lead to the session's page, where feedback appears
    "start-over": () => page.startOver(),
  });
  root.querySelector("[data-devices]").addEventListener("change", ({ target }) => page.checkMicrophone(target.value));
  const form = root.querySelector("[data-say]");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    page.sendTyped();
  });
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key.toLowerCase() !== "m" || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    if (page.isTalking) page.toggleMute();
  });
  window.addEventListener("beforeunload", (event) => page.warnsBeforeLeaving && event.preventDefault());
  window.addEventListener("pagehide", () => page.leaveLine());
  window.addEventListener("offline", () => page.dropDeadLine());
  window.addEventListener("online", () => page.tryNow());
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && page.tryNow());
  setInterval(() => page.view.tick(performance.now()), 500);
}

const root = document.querySelector("#call");
listenTo(new CallPage(root), root);
