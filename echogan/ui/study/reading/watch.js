// How long a case was looked at, and how long the page was hidden meanwhile.

export class Watch {
  // `hidden` is called when the page is no longer seen.
  constructor(hidden) {
    this.start();
    document.addEventListener("visibilitychange", () => {
      this.#count();
      if (document.hidden) hidden();
    });
  }

  start() {
    this.seen = 0;
    this.unseen = 0;
    this.since = performance.now();
    this.was = document.hidden;
  }

  // Milliseconds since `start`: { dwell_ms, hidden_ms }.
  read() {
    this.#count();
    return { dwell_ms: Math.round(this.seen), hidden_ms: Math.round(this.unseen) };
  }

  #count() {
    const now = performance.now();
    if (this.was) this.unseen += now - this.since;
    else this.seen += now - this.since;
    this.since = now;
    this.was = document.hidden;
  }
}
