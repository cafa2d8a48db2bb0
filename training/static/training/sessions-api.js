/** Error of an API request, with a message that can be shown on the page. */
export class ApiProblem extends Error {
  constructor(status, { detail, code, session_id: sessionId, retryable } = {}) {
    super(detail || defaultMessage(status));
    this.status = status;
    this.code = code ?? "";
    this.sessionId = sessionId ?? null;
    this.isRetryable = retryable ?? (status === 0 || status >= 500);
  }
}

function defaultMessage(status) {
  if (status === 0) return gettext("We can’t reach the server. Check your connection and try again.");
  if (status === 401 || status === 403)
    return gettext("You don’t have permission to do this. If you were logged out, reload the page.");
  if (status === 404) return gettext("We can’t find this. It may have been removed.");
  return gettext("Something went wrong on our side. Try again in a moment.");
}

/** Client of /api/sessions/. */
export class SessionsApi {
  #url;
  #csrf;

  constructor({ sessionsUrl, csrf }) {
    this.#url = sessionsUrl;
    this.#csrf = csrf;
  }

  begin(practice) {
    return this.#json("POST", "", practice);
  }

  read(id) {
    return this.#json("GET", `${id}/`);
  }

  /** End the session. `keepalive` finishes the request although the page is closing. */
  end(id, { keepalive = false } = {}) {
    return this.#json("POST", `${id}/end/`, {}, keepalive);
  }

  /** Stop the session without a grade. */
  stop(id, { keepalive = false } = {}) {
    return this.#json("POST", `${id}/stop/`, {}, keepalive);
  }

  /** "end" or "stop" the session while the page closes. The browser sends the request after the page is gone. */
  finishOnLeaving(id, choice) {
    return this[choice](id, { keepalive: true }).catch(() => {}); // nobody sees the page
  }

  /** Request a ticket. `claim` is empty, `{held: epoch}` for a page that reconnects, or `{take_over: true}`. */
  ticket(id, claim = {}) {
    return this.#json("POST", `${id}/ticket/`, claim);
  }

  /** Send a chat message. The response streams the reply as server-sent events. */
  send(id, content) {
    return this.#fetch("POST", `${id}/messages/`, { content }, "text/event-stream");
  }

  async #json(method, path, body, keepalive = false) {
    const response = await this.#fetch(method, path, body, "application/json", keepalive);
    return response.json().catch(() => {
      throw new ApiProblem(502); // a response that is not JSON did not come from our API
    });
  }

  async #fetch(method, path, body, accept, keepalive = false) {
    const headers = { Accept: accept, "Content-Type": "application/json", "X-CSRFToken": this.#csrf };
    const request = { method, headers, credentials: "same-origin", body: body && JSON.stringify(body), keepalive };
    const response = await fetch(this.#url + path, request).catch(() => null);
    if (!response) throw new ApiProblem(0);
    if (!response.ok) throw new ApiProblem(response.status, await response.json().catch(() => ({})));
    return response;
  }
}
