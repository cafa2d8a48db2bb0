// What is advised about a text while it is written: a passage that is pressed is selected, and what is new is said aloud.

import { select, unitsBefore } from "./texts.js";

function selectPassage(button) {
  const field = document.getElementById(button.dataset.field);
  const [start, end] = [button.dataset.start, button.dataset.end].map((place) => unitsBefore(field.value, Number(place)));
  select(field, start, end);
}

function announce() {
  const parts = [...document.querySelectorAll(".advice")]
    .filter((advice) => advice.dataset.count !== "0")
    .map((advice) => `${advice.dataset.count} on ${advice.dataset.name}`);
  const words = parts.length ? `Advice: ${parts.join(", ")}.` : "No advice.";
  const status = document.getElementById("advice-status");
  // Only news: whoever goes on writing is not told the same again.
  if (status.dataset.said !== words) status.textContent = status.dataset.said = words;
}

export function watchAdvice() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest(".passage");
    if (button) selectPassage(button);
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    // A page may ask for other things, too.
    if (event.detail.successful && event.detail.pathInfo.requestPath.endsWith("/advice/")) announce();
  });
}
