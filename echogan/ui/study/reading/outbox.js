// Ratings on their way: kept in the browser until the server says that they are saved, and sent again until then.

const WAITS = [1, 2, 4, 8, 15]; // seconds between two tries

// The browser may forbid its storage, as in some private windows; then ratings are kept as long as the page is open.
function storage() {
  try {
    localStorage.setItem("eg-read", "1");
    localStorage.removeItem("eg-read");
    return localStorage;
  } catch {
    const kept = new Map();
    return { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value) };
  }
}

export function newId() {
  // crypto.randomUUID is missing where the page comes without encryption.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

export class Outbox {
  // `reader` names the ratings' owner in this browser. `send` posts one and throws; `told` gets the answer, or
  // the error and its rating, of each try.
  constructor(reader, send, told) {
    this.key = `eg-read-${reader}`;
    this.send = send;
    this.told = told;
    this.store = storage();
    this.tries = 0;
    window.addEventListener("online", () => this.flush());
    // Another window of this reader may have sent some.
    window.addEventListener("storage", (event) => { if (event.key === this.key) this.told(null, null); });
  }

  get waiting() {
    try {
      return JSON.parse(this.store.getItem(this.key)) ?? [];
    } catch {
      return [];
    }
  }

  add(rating) {
    this.#keep([...this.waiting, rating]);
    return this.flush();
  }

  // Send what waits, the oldest first. A rating leaves the browser only after the server has committed it, or has
  // said that it will never take it.
  async flush() {
    if (this.busy) return;
    this.busy = true;
    clearTimeout(this.timer);
    for (let [rating] = this.waiting; rating; [rating] = this.waiting) {
      try {
        const answer = await this.send(rating);
        this.tries = 0;
        this.#drop(rating.id);
        this.told(answer, null);
      } catch (error) {
        if (error.refused) {
          this.#drop(rating.id);
          this.told(null, error, rating);
          continue;
        }
        if (!error.final) {
          const wait = WAITS[Math.min(this.tries++, WAITS.length - 1)];
          this.timer = setTimeout(() => this.flush(), wait * 1000);
        }
        this.told(null, error, rating);
        break;
      }
    }
    this.busy = false;
  }

  #drop(id) { this.#keep(this.waiting.filter((rating) => rating.id !== id)); }

  #keep(ratings) {
    this.store.setItem(this.key, JSON.stringify(ratings));
  }
}
