// The clips of the session: thumbnails with their state, messages on refused files, and the undo of a removal.

function make(tag, text, attributes = {}) {
  const node = document.createElement(tag);
  node.textContent = text;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

const UNDO_MS = 6000;
const BUSY = new Set(["opening", "queued", "enhancing", "checking"]);

function makeList({ list, messages, undo, url, chosen, removed }) {
  let clips = [], current = null, going = null;

  const seconds = (s) => (s < 90 ? `${Math.max(1, Math.round(s))} s` : `${Math.round(s / 60)} min`);

  function words(clip) {
    const length = clip.frames > 1 ? `${clip.frames} frames${clip.seconds ? ` · ${clip.seconds.toFixed(1)} s` : ""}` : clip.frames ? "still" : "";
    if (clip.state === "opening") return "Opening";
    if (clip.state === "enhancing") return clip.ready ? `Enhancing ${clip.ready} of ${clip.frames}` : "Enhancing";
    if (clip.state === "checking") return `Making the trust card, ${clip.checked} of ${clip.frames}`;
    if (clip.state === "queued") {
      const before = clip.place ? `${clip.place} before it` : "next";
      return `Waiting, ${before}${clip.wait_s ? `, about ${seconds(clip.wait_s)}` : ""}`;
    }
    if (clip.state === "failed") return clip.error || "Not enhanced";
    if (BUSY.has(clip.second?.state)) return `${clip.second.model}: ${words(clip.second)}`;
    if (clip.has_result) return `Enhanced · ${length}`;
    return length;
  }

  function item(clip) {
    const node = make("li", "", { "data-id": clip.id, "data-state": clip.state, ...(clip.id === current ? { "aria-current": "true" } : {}) });
    const open = make("button", "", { type: "button", class: "eg-clip", title: clip.name });
    if (clip.thumb) open.append(make("img", "", { src: url(clip.thumb), alt: "" }));
    else open.append(make("i", ""));
    const text = make("span", "");
    text.append(make("b", clip.name.split("/").pop()), make("small", words(clip)));
    const working = [clip, clip.second].find((one) => one?.state === "enhancing" || one?.state === "checking");
    if (working) text.append(bar(working));
    open.append(text);
    node.append(open, make("button", "×", { type: "button", class: "eg-remove", "aria-label": `Remove ${clip.name}`, title: "Remove" }));
    return node;
  }

  // How much of the stage is done that its work is in.
  const share = (clip) => (clip.state === "checking" ? clip.checked : clip.ready || 0) / Math.max(1, clip.frames);

  function bar(clip) {
    const track = make("i", "", { class: "eg-track" }), done = make("i", "");
    done.style.width = `${100 * share(clip)}%`;
    track.append(done);
    return track;
  }

  // What changed alone is drawn anew, so that the focus and a press in course stay.
  function show(next) {
    const drawn = new Map([...list.children].map((node) => [node.dataset.id, node]));
    clips = next.filter((clip) => clip.state !== "refused" && !(going && going.ids.includes(clip.id)));
    const nodes = clips.map((clip) => {
      const look = JSON.stringify([clip, clip.id === current]), before = drawn.get(clip.id);
      if (before?.look === look) return before;
      const node = item(clip);
      node.look = look;
      if (before?.contains(document.activeElement)) requestAnimationFrame(() => node.querySelector("button").focus());
      return node;
    });
    if (nodes.length !== list.children.length || nodes.some((node, i) => node !== list.children[i])) list.replaceChildren(...nodes);
  }

  function say(name, sentence) {
    // What is said again, such as that the server does not answer, stands there once.
    for (const node of [...messages.children]) if (node.textContent === `${name}${sentence}×`) node.remove();
    const node = make("li", "");
    node.append(make("b", name), make("span", sentence), make("button", "×", { type: "button", "aria-label": "Close this message" }));
    node.querySelector("button").addEventListener("click", () => node.remove());
    messages.append(node);
    while (messages.children.length > 4) messages.firstChild.remove();
  }

  // The server hears of a removal when it cannot be undone any more.
  function remove(ids) {
    finish();
    going = { ids, timer: setTimeout(finish, UNDO_MS) };
    const name = clips.find((clip) => clip.id === ids[0])?.name.split("/").pop();
    undo.querySelector("span").textContent = ids.length === 1 ? `Removed ${name}.` : `Removed ${ids.length} clips.`;
    undo.hidden = false;
    const at = clips.findIndex((clip) => clip.id === current), left = clips.filter((clip) => !ids.includes(clip.id));
    show(clips);
    if (ids.includes(current)) chosen(left[Math.min(at, left.length - 1)]?.id);
  }

  function finish() {
    if (!going) return;
    clearTimeout(going.timer);
    const { ids } = going;
    going = null;
    undo.hidden = true;
    removed(ids);
  }

  function restore() {
    if (!going) return;
    clearTimeout(going.timer);
    going = null;
    undo.hidden = true;
  }

  list.addEventListener("click", (event) => {
    const id = event.target.closest("li")?.dataset.id;
    if (!id) return;
    if (event.target.closest(".eg-remove")) remove([id]); else chosen(id);
  });

  return {
    show, say, remove, restore, words, share,
    select(id) { current = id; show(clips); },
    get clips() { return clips; },
    get current() { return clips.find((clip) => clip.id === current); },
    beside(step) { return clips[clips.findIndex((clip) => clip.id === current) + step]?.id; },
  };
}
