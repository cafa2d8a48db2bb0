// Times in the user's own time zone. The server writes them in UTC.
const style = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

function localize(root) {
  for (const time of root.querySelectorAll("time[data-local]")) {
    time.textContent = style.format(new Date(time.dateTime));
    delete time.dataset.local;
  }
}

localize(document);
document.addEventListener("htmx:load", (event) => localize(event.target));
