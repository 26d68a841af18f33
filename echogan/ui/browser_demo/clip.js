// A clip in memory: its frames as grey levels, and their colours where they have any.

export const MOST_BYTES = 1e9; // of all frames
const TOO_LARGE = "This clip is too large for the memory of a browser. Cut it, or enhance it with the program itself.";

export class Clip {
  constructor(width, height, fps, kind) {
    Object.assign(this, { width, height, fps, kind, frames: [], notes: [], bytes: 0 });
  }

  // Grey levels Uint8Array (height * width), and RGBA Uint8ClampedArray or null. Throws where the memory is full.
  add(grey, rgba) {
    this.bytes += grey.length + (rgba?.length ?? 0);
    if (this.bytes > MOST_BYTES) throw new Error(TOO_LARGE);
    this.frames.push({ grey, rgba });
  }

  // A picture as the browser decodes it.
  addPicture(picture, isGrey = false) {
    if (picture.width && (picture.width !== this.width || picture.height !== this.height)) throw new Error("A frame of this file has another size than the file says.");
    this.canvas ??= new OffscreenCanvas(this.width, this.height);
    const context = this.canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(picture, 0, 0, this.width, this.height);
    const rgba = context.getImageData(0, 0, this.width, this.height).data;
    this.add(greyOf(rgba), isGrey ? null : rgba);
    picture.close?.();
  }
}

// Luma by ITU-R BT.601, rounded; equal channels keep their value.
export function greyOf(rgba) {
  const grey = new Uint8Array(rgba.length / 4);
  for (let at = 0; at < grey.length; at++) grey[at] = Math.round(0.299 * rgba[4 * at] + 0.587 * rgba[4 * at + 1] + 0.114 * rgba[4 * at + 2]);
  return grey;
}
