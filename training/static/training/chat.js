import { ChatPage } from "./chat-page.js";
import { onActions } from "./page-elements.js";

const root = document.querySelector("#chat");
const page = new ChatPage(root);
const composer = root.querySelector("[data-composer]");

onActions(root, {
  begin: () => page.begin(),
  again: () => page.sendAgain(),
  end: () => page.end(),
  stop: () => page.end("stop"),
  feedback: () => page.end(), // same as end: both lead to the session's page, where feedback appears
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

window.addEventListener("beforeunload", (event) => page.box.value.trim() && event.preventDefault());
