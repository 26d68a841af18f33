// Plays one video and paints crops of it into panes: what is side by side is one frame, so it cannot drift apart.

const MOST_ZOOM = 8;

export class Player {
  // `changed` is called whenever a frame was painted or something about the playback changed.
  constructor(panes, changed) {
    this.panes = panes;
    this.changed = changed;
    this.video = Object.assign(document.createElement("video"), { muted: true, playsInline: true, preload: "auto" });
    this.view = { zoom: 1, x: 0.5, y: 0.5 };
    this.loops = 0;
    this.video.addEventListener("ended", () => this.#ended());
    for (const event of ["seeked", "loadeddata", "play", "pause"]) this.video.addEventListener(event, () => this.paint());
    new ResizeObserver(() => this.paint()).observe(panes);
    this.#listen();
    const next = () => { if (!this.video.paused) this.paint(); this.#onFrame(next); };
    this.#onFrame(next);
  }

  // A clip: { fps, frames, panes }, the labels of panes that share the video's width from left to right; and its bytes.
  async load(clip, blob) {
    this.clear();
    this.view = { zoom: 1, x: 0.5, y: 0.5 };
    if (this.url) URL.revokeObjectURL(this.url);
    this.url = URL.createObjectURL(blob);
    this.panes.replaceChildren(...clip.panes.map((label) => this.#pane(label)));
    const ready = new Promise((done, fail) => {
      this.video.onloadeddata = done;
      this.video.onerror = () => fail(new Error("This clip cannot be played by this browser. Use a current Firefox, Chrome, Edge or Safari."));
    });
    this.video.src = this.url;
    await ready;
    this.clip = clip;
    await this.play();
  }

  // Show nothing, so that a clip that is still playing does not count for the next.
  clear() {
    this.clip = null;
    this.loops = 0;
    this.pause();
  }

  get part() {
    const { played, duration } = this.video;
    let seen = 0;
    for (let index = 0; index < played.length; index++) seen += played.end(index) - played.start(index);
    return duration ? Math.min(1, seen / duration) : 0;
  }

  get frame() {
    return Math.min(this.clip.frames - 1, Math.floor(this.video.currentTime * this.clip.fps + 1e-3));
  }

  async play() {
    this.playing = true;
    if (this.video.ended) this.video.currentTime = 0;
    // A browser may want a touch first; then the button Play is there.
    await this.video.play().catch((error) => { if (error.name === "NotAllowedError") this.playing = false; });
    this.changed();
  }

  pause() {
    this.playing = false;
    this.video.pause();
  }

  // A video pauses by itself where it ends; what counts is what the reader wants.
  toggle() { this.playing ? this.pause() : this.play(); }

  step(by) {
    if (!this.clip) return;
    this.pause();
    const { frames, fps } = this.clip;
    const frame = (this.frame + by + frames) % frames;
    this.video.currentTime = Math.min((frame + 0.5) / fps, this.video.duration - 1e-3);
  }

  // Zoom by a factor around a point of a pane (fractions); without a point around the middle.
  zoomBy(factor, x = 0.5, y = 0.5) {
    const { zoom } = this.view;
    const next = Math.min(MOST_ZOOM, Math.max(1, zoom * factor));
    this.#look(next, this.view.x + (x - 0.5) * (1 / zoom - 1 / next), this.view.y + (y - 0.5) * (1 / zoom - 1 / next));
  }

  fit() { this.#look(1, 0.5, 0.5); }

  #look(zoom, x, y) {
    const half = 0.5 / zoom;
    const inside = (value) => Math.min(1 - half, Math.max(half, value));
    this.view = { zoom, x: inside(x), y: inside(y) };
    this.paint();
  }

  #pane(label) {
    const figure = document.createElement("figure");
    const canvas = figure.appendChild(document.createElement("canvas"));
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", label ? `Echo clip, ${label}` : "Echo clip");
    if (label) figure.appendChild(document.createElement("figcaption")).textContent = label;
    return figure;
  }

  // A clip has played from its first frame to its last: only that is a loop, whatever was stepped through.
  #ended() {
    if (!this.clip) return;
    if (this.part > 0.95) this.loops += 1;
    this.changed();
    if (this.playing) this.play();
  }

  #onFrame(act) {
    // Frames are not shown while the page is hidden; then none is painted either.
    if (this.video.requestVideoFrameCallback) {
      this.video.requestVideoFrameCallback(act);
    } else {
      requestAnimationFrame(act);
    }
  }

  paint() {
    if (!this.clip || this.video.readyState < 2) return;
    const { zoom, x, y } = this.view;
    const width = this.video.videoWidth / this.clip.panes.length, height = this.video.videoHeight;
    for (const [index, canvas] of [...this.panes.querySelectorAll("canvas")].entries()) {
      const density = window.devicePixelRatio || 1;
      const across = Math.round(canvas.clientWidth * density), down = Math.round(canvas.clientHeight * density);
      if (!across || !down) continue;
      if (canvas.width !== across || canvas.height !== down) Object.assign(canvas, { width: across, height: down });
      const scale = Math.min(across / width, down / height);
      const shown = [width * scale, height * scale];
      const ink = canvas.getContext("2d", { alpha: false });
      ink.fillRect(0, 0, across, down);
      ink.imageSmoothingQuality = "high";
      ink.drawImage(this.video, (index + x - 0.5 / zoom) * width, (y - 0.5 / zoom) * height, width / zoom, height / zoom,
        (across - shown[0]) / 2, (down - shown[1]) / 2, ...shown);
    }
    this.changed();
  }

  #listen() {
    const fingers = new Map();
    const part = (event) => {
      const box = (event.target.closest("canvas") ?? this.panes).getBoundingClientRect();
      return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    };
    const apart = () => { const [a, b] = [...fingers.values()]; return Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY); };
    this.panes.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoomBy(Math.exp(-event.deltaY / 400), ...part(event));
    }, { passive: false });
    this.panes.addEventListener("dblclick", () => this.fit());
    this.panes.addEventListener("pointerdown", (event) => {
      fingers.set(event.pointerId, event);
      event.target.setPointerCapture?.(event.pointerId);
    });
    this.panes.addEventListener("pointermove", (event) => {
      const before = fingers.get(event.pointerId);
      if (!before) return;
      const width = fingers.size === 2 ? apart() : 0;
      fingers.set(event.pointerId, event);
      if (fingers.size === 2) {
        this.zoomBy(apart() / (width || apart()), ...part(event));
        return;
      }
      const box = (event.target.closest("canvas") ?? this.panes).getBoundingClientRect();
      const { zoom, x, y } = this.view;
      this.#look(zoom, x - (event.clientX - before.clientX) / box.width / zoom, y - (event.clientY - before.clientY) / box.height / zoom);
    });
    for (const event of ["pointerup", "pointercancel"]) this.panes.addEventListener(event, (done) => fingers.delete(done.pointerId));
  }
}
