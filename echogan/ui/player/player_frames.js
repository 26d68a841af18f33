// Frames of a clip as lossless tiles: fetched in files of eight, decoded when needed, kept while memory allows.

const CHUNK = 8;
const KEPT_BYTES = 400e6; // of decoded pictures in all streams

const kept = new Map(); // "stream/frame" -> picture, the least recently used first
let keptBytes = 0;

function keep(key, picture) {
  kept.set(key, picture);
  keptBytes += 4 * picture.width * picture.height;
  for (const [old, gone] of kept) {
    if (keptBytes <= KEPT_BYTES || old === key) return;
    forget(old, gone);
  }
}

function forget(key, picture) {
  kept.delete(key);
  keptBytes -= 4 * picture.width * picture.height;
  picture.close();
}

// `ready` frames can be had; `grow(n)` when the server has written more.
function makeStream(url, folder, ready) {
  const files = new Map(); // first frame -> the PNG files of a chunk, or the promise of them
  const decoding = new Map();
  let closed = false;

  async function fetchChunk(first) {
    const answer = await fetch(url(`${String(first).padStart(6, "0")}.tiles`), { cache: "no-store" });
    if (!answer.ok) throw new Error("These frames are no longer kept. Enhance the clip again.");
    const bytes = await answer.arrayBuffer(), head = new DataView(bytes), count = head.getUint32(4, true);
    const pictures = [];
    let at = 8 + 4 * count;
    for (let i = 0; i < count; i += 1) {
      const length = head.getUint32(8 + 4 * i, true);
      pictures.push(new Blob([bytes.slice(at, at + length)], { type: "image/png" }));
      at += length;
    }
    return pictures;
  }

  // The PNG file of a frame. Whoever asks for the same chunk meanwhile waits for the same answer.
  async function file(frame) {
    const first = frame - (frame % CHUNK), asked = files.get(first);
    const pictures = await asked;
    if (pictures && pictures.length > frame - first) return pictures[frame - first];
    // Nobody has asked, or the chunk has grown since. Another may have been quicker to ask again.
    if (files.get(first) === asked) files.set(first, fetchChunk(first).catch((error) => { files.delete(first); throw error; }));
    return (await files.get(first))[frame - first];
  }

  async function decode(frame) {
    const blob = await file(frame);
    const picture = await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
    if (closed) picture.close();
    else keep(`${folder}/${frame}`, picture);
    return picture;
  }

  return {
    folder,
    get ready() { return ready; },
    grow(count) { ready = count; },
    // The decoded picture if it is at hand.
    peek(frame) {
      const key = `${folder}/${frame}`, picture = kept.get(key);
      if (picture) { kept.delete(key); kept.set(key, picture); }
      return picture;
    },
    has: (frame) => kept.has(`${folder}/${frame}`),
    async get(frame) {
      const there = this.peek(frame);
      if (there) return there;
      if (!decoding.has(frame)) decoding.set(frame, decode(frame).finally(() => decoding.delete(frame)));
      return decoding.get(frame);
    },
    close() {
      closed = true;
      for (const [key, picture] of kept) if (key.startsWith(`${folder}/`)) forget(key, picture);
    },
  };
}
