// Printing of a conversation: the button, which needs scripts.
const button = document.querySelector("[data-print]");
button.hidden = false;
button.addEventListener("click", () => window.print());
