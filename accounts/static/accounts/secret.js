// Page that shows a new secret once: copies it to the clipboard.

const button = document.querySelector("[data-copy]");

if (navigator.clipboard) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const secret = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(secret.textContent);
      document.querySelector("[data-copied]").textContent = gettext("Copied.");
    } catch {
      getSelection().selectAllChildren(secret);
      document.querySelector("[data-copied]").textContent = gettext("The browser didn’t allow it. The secret is selected, so copy it yourself.");
    }
  });
}
