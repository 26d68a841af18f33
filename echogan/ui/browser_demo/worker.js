// Enhances a clip in a thread of its own: the page stays alive, and ending the thread is the cancel.

import * as ort from "./ort.wasm.min.mjs";
import { Caution } from "./caution.js";
import { KeptWalls } from "./kept_walls.js";
import { GreyCurve, halfEven, WorkingSpace } from "./working_space.js";

// More than one thread needs memory that threads share, which browsers give only to isolated pages.
ort.env.wasm.numThreads = self.crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency) : 1;
ort.env.wasm.wasmPaths = new URL("./", import.meta.url).href;

self.onmessage = async ({ data }) => {
  try {
    await enhance(data);
  } catch (error) {
    self.postMessage({ kind: "failed", why: String(error?.message ?? error) });
  }
};

async function enhance({ facts, frames, mask, box, width, fps }) {
  const session = await opened(facts.file);
  const space = new WorkingSpace(mask, box, width, facts), curve = new GreyCurve(levelsOf(frames, mask), facts);
  const caution = facts.caution ? new Caution(space, facts.caution) : null;
  const entered = new Map(), [height, across] = space.padded, side = height * across;
  const offsets = offsetsOf(facts, fps), reach = Math.max(...offsets);
  const walls = facts.keep_walls ? new KeptWalls(space, curve.plain, facts.keep_walls, await opened(facts.keep_walls.file), ort.Tensor) : null;
  for (let index = 0; index < frames.length; index++) {
    for (let near = Math.max(0, index - reach); near <= Math.min(frames.length - 1, index + reach); near++)
      if (!entered.has(near)) entered.set(near, space.enter(frames[near]));
    entered.delete(index - reach - 1);
    const seen = new Float32Array(offsets.length * side);
    offsets.forEach((offset, place) => {
      const near = Math.max(0, Math.min(frames.length - 1, index + offset));
      space.pad(entered.get(near), curve, seen, place * side);
    });
    const input = new ort.Tensor("float32", seen, [1, offsets.length, height, across]);
    const found = await session.run({ [facts.input]: input });
    const x = entered.get(index), held = space.settle(x, space.unpad(found[facts.output].data, curve, x), curve);
    const result = caution ? caution.apply(x, held) : held;
    const g = walls ? walls.apply(x, result, await walls.at(index, Math.max(1, reach), frames.length, (near) => entered.get(near))) : result;
    const after = space.putBack(frames[index], x, g);
    self.postMessage({ kind: "frame", index, after, power: curve.power }, [after.buffer]);
  }
  self.postMessage({ kind: "done" });
}

function opened(file) {
  return ort.InferenceSession.create(new URL(file, import.meta.url).href, { executionProviders: ["wasm"] });
}

function levelsOf(frames, mask) {
  const counts = new Array(256).fill(0);
  for (const frame of frames) frame.forEach((level, at) => { if (mask[at]) counts[level]++; });
  return counts;
}

// How many frames before or after the one that is enhanced the network sees, in the order in which it sees them.
function offsetsOf(facts, fps) {
  const spacing = Math.max(facts.fastest_ms, fps ? 1000 / fps : facts.frame_ms);
  return facts.offsets_ms.map((ms) => halfEven(ms / spacing));
}
