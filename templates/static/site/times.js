// The server writes times in UTC; people read them in their own zone.
const style = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

function localize(root) {
  for (const time of root.querySelectorAll("time[data-local]")) {
    time.textContent = style.format(new Date(time.dateTime));
    delete time.dataset.local;
  }
}

localize(document);
document.addEventListener("htmx:load", (event) => localize(event.target));
