// Search that applies while the person types: <form data-instant> beside elements with data-instant-part and an id.
// Without this script, Enter sends the form.

const PAUSE_MS = 300;
let timer, request;

for (const form of document.querySelectorAll("form[data-instant]")) {
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => show(addressOf(form)), PAUSE_MS);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(timer);
    show(addressOf(form));
  });
}

// The filters in the address stay, the words replace the former ones, and the first page is shown.
function addressOf(form) {
  const address = new URL(location.href);
  for (const [name, value] of new FormData(form)) {
    if (value) address.searchParams.set(name, value);
    else address.searchParams.delete(name);
  }
  address.searchParams.delete("page");
  return address;
}

async function show(address) {
  request?.abort();
  request = new AbortController();
  try {
    const response = await fetch(address, { signal: request.signal });
    if (!response.ok || response.redirected) return location.assign(address);
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    for (const part of document.querySelectorAll("[data-instant-part]")) {
      const next = fresh.getElementById(part.id);
      // A live region announces a new text only if the element itself stays.
      if (part.matches("[role=status]")) part.textContent = next.textContent;
      else part.replaceWith(next);
    }
    history.replaceState(null, "", address);
  } catch (error) {
    if (error.name !== "AbortError") location.assign(address);
  }
}
