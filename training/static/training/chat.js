import { ChatPage } from "./chat-page.js";
import { onActions } from "./page-elements.js";

const root = document.querySelector("#chat");
const page = new ChatPage(root);
const composer = root.querySelector("[data-composer]");

onActions(root, {
  begin: () => page.begin(),
  again: () => page.sendAgain(),
  end: () => page.endMenu.choose("end"),
  stop: () => page.endMenu.choose("stop"),
  stay: () => page.endMenu.close(),
  "undo-end": () => page.endMenu.undo(),
  "end-now": () => page.endMenu.endNow(),
  "start-over": () => page.startOver(),
});

composer.addEventListener("submit", (event) => {
  event.preventDefault();
  page.sendMessage();
});

page.box.addEventListener("input", () => page.updateComposer());
page.box.addEventListener("keydown", (event) => {
  // While an input method is composing a character, Enter confirms it and must not send.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  page.sendMessage();
});

// An on-screen keyboard covers the page in some browsers, so the conversation takes the height that is left.
const viewport = window.visualViewport;
viewport?.addEventListener("resize", () => root.style.setProperty("--visible-height", `${viewport.height}px`));

window.addEventListener("beforeunload", (event) => page.asksBeforeLeaving && event.preventDefault());
setInterval(() => page.tick(), 1000);
