// Less is removed where a wall probably lies that the clip does not show: echogan/enhance/keep_walls.py and
// echogan/enhance/hidden_walls.py, with the numbers that model.json gives.

import { smoother } from "./caution.js";
import { halfEven, resizer } from "./working_space.js";

// The walls of one clip, in a working space (h * w); `curve` is the one without lift.
export class KeptWalls {
  constructor({ size, small }, curve, facts, session, Tensor) {
    const scale = facts.working_size / Math.max(...size), found = size.map((side) => Math.max(1, halfEven(side * scale)));
    Object.assign(this, { curve, facts, session, Tensor, found, maps: new Map() });
    this.padded = found.map((side) => Math.ceil(side / facts.multiple) * facts.multiple);
    this.shrink = resizer(size, found);
    this.enlarge = resizer(found, size);
    this.smooth = smoother(small, size, facts.soft);
  }

  // The share of what is removed from frame `index` that is withheld; walls are looked for in every `step`-th frame.
  async at(index, step, count, entered) {
    const before = index - (index % step), after = before + step;
    const ends = before < index && after < count ? [before, after] : [before, before];
    for (const end of ends) if (!this.maps.has(end)) this.maps.set(end, await this.look(entered(end)));
    for (const known of this.maps.keys()) if (!ends.includes(known)) this.maps.delete(known);
    const [first, second] = ends.map((end) => this.maps.get(end)), share = (index - before) / step;
    return first.map((value, at) => value + share * (second[at] - value));
  }

  async look(x) {
    const [height, width] = this.found, [rows, columns] = this.padded;
    const seen = new Float32Array(rows * columns).fill(-1), small = this.shrink(x.map((value) => this.curve.toCanonical(value)));
    for (let y = 0; y < height; y++) seen.set(small.subarray(y * width, (y + 1) * width), y * columns);
    const names = [this.session.inputNames[0], this.session.outputNames[0]];
    const answer = await this.session.run({ [names[0]]: new this.Tensor("float32", seen, [1, 1, rows, columns]) });
    const hidden = new Float32Array(height * width), probability = answer[names[1]].data;
    for (let y = 0; y < height; y++) hidden.set(probability.subarray(y * columns, y * columns + width), y * width);
    return this.smooth(this.enlarge(hidden)).map((value) => value * this.facts.share);
  }

  // g with less of what it removes from x, both in [-1, 1].
  apply(x, g, kept) {
    return g.map((value, at) => (value < x[at] ? value + kept[at] * (x[at] - value) : value));
  }
}
