// Frames of a DICOM file: 8 bits, uncompressed or JPEG baseline, little endian. Anything else is refused in words.

import { Clip, greyOf } from "./clip.js";

const UNCOMPRESSED = { "1.2.840.10008.1.2": "implicit", "1.2.840.10008.1.2.1": "explicit" };
const JPEG_BASELINE = "1.2.840.10008.1.2.4.50";
const LONG = new Set(["OB", "OD", "OF", "OL", "OV", "OW", "SQ", "UC", "UN", "UR", "UT", "SV", "UV"]);
const UNDEFINED = 0xffffffff, ITEM = 0xfffee000, ITEM_END = 0xfffee00d, SEQUENCE_END = 0xfffee0dd, PIXELS = 0x7fe00010;
const CUT = "This DICOM file is cut off or damaged.";

export function isDicom(bytes) {
  return bytes.length > 132 && String.fromCharCode(...bytes.subarray(128, 132)) === "DICM";
}

// The clip in a DICOM file. Throws an Error with a sentence for the reader.
export async function readDicom(bytes) {
  try {
    return await clipOf(bytes, parse(bytes));
  } catch (error) {
    throw error instanceof RangeError ? new Error(CUT) : error;
  }
}

// The file's data elements by tag: { vr, at, length }, without those inside sequences.
function parse(bytes) {
  const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), at: 132, explicit: true };
  const elements = new Map();
  while (reader.at < bytes.length) {
    const group = reader.view.getUint16(reader.at, true);
    if (group !== 2 && !reader.syntax) {
      reader.syntax = text(bytes, elements.get(0x00020010));
      if (reader.syntax !== JPEG_BASELINE && !(reader.syntax in UNCOMPRESSED))
        throw new Error(`This DICOM file is compressed in a way that this page does not read (${reader.syntax || "unknown"}). It reads uncompressed and JPEG baseline.`);
      reader.explicit = UNCOMPRESSED[reader.syntax] !== "implicit";
    }
    const element = header(reader);
    elements.set(element.tag, element);
    if (element.tag === PIXELS) break;
    if (element.length === UNDEFINED) skipSequence(reader);
    else reader.at += element.length;
  }
  return { elements, syntax: reader.syntax };
}

function header(reader) {
  const { view } = reader, tag = view.getUint16(reader.at, true) * 65536 + view.getUint16(reader.at + 2, true);
  let vr = "", length;
  if (!reader.explicit || tag >= ITEM && tag <= SEQUENCE_END) {
    length = view.getUint32(reader.at + 4, true);
    reader.at += 8;
  } else {
    vr = String.fromCharCode(view.getUint8(reader.at + 4), view.getUint8(reader.at + 5));
    const long = LONG.has(vr);
    length = long ? view.getUint32(reader.at + 8, true) : view.getUint16(reader.at + 6, true);
    reader.at += long ? 12 : 8;
  }
  return { tag, vr, at: reader.at, length };
}

// Past the items of a sequence of undefined length, and its end.
function skipSequence(reader) {
  for (;;) {
    const item = header(reader);
    if (item.tag === SEQUENCE_END) return;
    if (item.length !== UNDEFINED) reader.at += item.length;
    else
      for (let inner = header(reader); inner.tag !== ITEM_END; inner = header(reader)) {
        if (inner.length === UNDEFINED) skipSequence(reader);
        else reader.at += inner.length;
      }
  }
}

function text(bytes, element) {
  if (!element) return "";
  return new TextDecoder("latin1").decode(bytes.subarray(element.at, element.at + element.length)).replace(/[\0 ]+$/, "");
}

async function clipOf(bytes, { elements, syntax }) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const number = (tag, usual) => (elements.has(tag) ? view.getUint16(elements.get(tag).at, true) : usual);
  const words = (tag) => text(bytes, elements.get(tag));
  const height = number(0x00280010, 0), width = number(0x00280011, 0), channels = number(0x00280002, 1);
  const count = Math.max(1, parseInt(words(0x00280008), 10) || 1), kind = words(0x00280004);
  if (!elements.has(PIXELS) || !width || !height) throw new Error("This DICOM file holds no picture.");
  if (number(0x00280100, 8) !== 8) throw new Error("This DICOM file has more than 8 bits a pixel, which this page does not read.");
  const known = channels === 1 ? ["MONOCHROME1", "MONOCHROME2"] : ["RGB", "YBR_FULL", "YBR_FULL_422"];
  if (!known.includes(kind)) throw new Error(`This page does not read the colours of this DICOM file (${kind || "not told"}).`);
  const clip = new Clip(width, height, rateOf(words), "DICOM");
  const facts = { width, height, channels, kind, planar: number(0x00280006, 0) === 1 };
  const pixels = elements.get(PIXELS);
  if (syntax === JPEG_BASELINE) {
    if (kind === "RGB" || kind === "MONOCHROME1") throw new Error(`This page does not read JPEG in ${kind}.`);
    for (const jpeg of fragments(view, pixels, count)) clip.addPicture(await pictureOf(jpeg), channels === 1);
  } else {
    if (kind === "YBR_FULL_422") throw new Error("This page does not read uncompressed YBR_FULL_422.");
    const size = width * height * channels;
    if (pixels.length < size * count || pixels.at + size * count > bytes.length) throw new Error(CUT);
    for (let index = 0; index < count; index++) addRaw(clip, bytes.subarray(pixels.at + index * size, pixels.at + (index + 1) * size), facts);
  }
  return clip;
}

function rateOf(words) {
  const rate = parseFloat(words(0x00180040)), frameMs = parseFloat(words(0x00181063)), cine = parseFloat(words(0x00082144));
  return frameMs > 0 ? 1000 / frameMs : rate > 0 ? rate : cine > 0 ? cine : null;
}

function addRaw(clip, raw, { width, height, channels, kind, planar }) {
  const count = width * height;
  if (channels === 1) {
    clip.add(kind === "MONOCHROME1" ? raw.map((level) => 255 - level) : raw.slice(), null);
    return;
  }
  const rgba = new Uint8ClampedArray(4 * count).fill(255);
  for (let at = 0; at < count; at++)
    for (let channel = 0; channel < 3; channel++) rgba[4 * at + channel] = planar ? raw[channel * count + at] : raw[3 * at + channel];
  if (kind !== "RGB") toRgb(rgba);
  clip.add(greyOf(rgba), rgba);
}

function toRgb(ybr) {
  for (let at = 0; at < ybr.length; at += 4) {
    const y = ybr[at], blue = ybr[at + 1] - 128, red = ybr[at + 2] - 128;
    ybr[at] = y + 1.402 * red;
    ybr[at + 1] = y - 0.344136 * blue - 0.714136 * red;
    ybr[at + 2] = y + 1.772 * blue;
  }
}

// The JPEG data of each frame. A frame may be in several fragments: a new one begins with the marker of a picture.
function fragments(view, pixels, count) {
  const reader = { view, at: pixels.at, explicit: true }, frames = [];
  header(reader).length && (reader.at += view.getUint32(pixels.at + 4, true)); // the table of offsets
  for (let item = header(reader); item.tag === ITEM; item = header(reader)) {
    if (item.at + item.length > view.byteLength) throw new Error(CUT);
    const part = new Uint8Array(view.buffer, view.byteOffset + item.at, item.length);
    if (view.getUint16(item.at) === 0xffd8) frames.push([part]);
    else if (frames.length) frames.at(-1).push(part);
    reader.at += item.length;
  }
  if (frames.length < count) throw new Error(CUT);
  return frames.slice(0, count);
}

async function pictureOf(parts) {
  try {
    return await createImageBitmap(new Blob(parts, { type: "image/jpeg" }));
  } catch {
    throw new Error("A JPEG frame of this DICOM file is damaged or not baseline.");
  }
}
