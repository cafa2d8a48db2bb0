import { ChatPage } from "./chat-page.js";
import { onActions } from "./page.js";

const root = document.querySelector("#chat");
const page = new ChatPage(root);
const composer = root.querySelector("[data-composer]");

onActions(root, {
  begin: () => page.begin(),
  again: () => page.sendAgain(),
  end: () => page.end(),
  stop: () => page.end("stop"),
  feedback: () => page.end(), // the session page, where feedback appears, is where both lead
  afresh: () => page.beginAfresh(),
});

composer.addEventListener("submit", (event) => {
  event.preventDefault();
  page.sendBox();
});

page.box.addEventListener("input", () => page.drawBox());
page.box.addEventListener("keydown", (event) => {
  // While an input method composes a character, Enter belongs to it.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  page.sendBox();
});

window.addEventListener("beforeunload", (event) => page.box.value.trim() && event.preventDefault());
