// Less of the change where it looks like a structure removed or invented: echogan/enhance/caution.py, with the evidence and
// the fusion of echogan/trust, and with the numbers that model.json gives.

import { blur, halfEven, resizer } from "./working_space.js";

// Caution in the frames of one working space (h * w).
export class Caution {
  constructor({ size, small }, facts) {
    Object.assign(this, { facts, size, tissue: small, half: size.map((side) => Math.max(1, Math.floor(side / 2))) });
    this.shrink = resizer(size, this.half);
    this.grow = resizer(this.half, size);
    this.shares = this.shrink(small);
    this.inside = this.shares.map((share) => (share >= 0.5 ? 1 : 0));
    this.smoothers = [facts.speckle, facts.wide, facts.far].map((share) => smoother(this.inside, this.half, share));
    this.sigma = facts.speckle * size[0];
    this.around = ellipse(Math.max(1, halfEven(this.sigma)));
  }

  // g with less of its change from x, both in [-1, 1].
  apply(x, g) {
    const found = this.probabilities(...[x, g].map((frame) => this.reduced(frame.map((value) => (value + 1) / 2))));
    const [removed, invented] = found.map(this.grow), { begins, complete, share } = this.facts;
    const asked = removed.map((one, at) => {
      const probability = this.tissue[at] ? Math.max(one, invented[at]) : 0;
      return Math.max(0, Math.min(1, (probability - begins) / (complete - begins)));
    });
    const withheld = blur(dilated(asked, this.size, this.around), this.size, this.sigma);
    return g.map((value, at) => value + share * withheld[at] * (x[at] - value));
  }

  // At half the size, from tissue alone.
  reduced(frame) {
    const mean = this.shrink(frame.map((value, at) => (this.tissue[at] ? value : 0)));
    return mean.map((value, at) => (this.inside[at] ? value / Math.max(this.shares[at], 1e-6) : 0));
  }

  // Of removed and of invented, at half the size.
  probabilities(x, g) {
    const { mean, scale, limits, hidden, out } = this.facts, evidence = this.evidence(x, g);
    const found = [new Float32Array(x.length), new Float32Array(x.length)];
    const seen = new Float64Array(2 * evidence.length), units = new Float64Array(out.length - 1);
    for (let at = 0; at < x.length; at++) {
      evidence.forEach((map, index) => {
        const level = this.inside[at] ? map[at] : 0;
        const z = Math.max(-limits[index], Math.min(limits[index], (level - mean[index]) / scale[index]));
        seen[index] = z;
        seen[index + evidence.length] = z * z;
      });
      for (let unit = 0; unit < units.length; unit++) {
        let sum = hidden[seen.length][unit];
        for (let index = 0; index < seen.length; index++) sum += seen[index] * hidden[index][unit];
        units[unit] = Math.max(0, sum);
      }
      found.forEach((map, side) => {
        let sum = out[units.length][side];
        for (let unit = 0; unit < units.length; unit++) sum += units[unit] * out[unit][side];
        map[at] = 1 / (1 + Math.exp(-sum));
      });
    }
    return found;
  }

  // The maps in the order of EVIDENCE in echogan/trust/evidence.py.
  evidence(x, g) {
    const matched = toneMatched(x, g, this.inside), change = g.map((value, at) => value - matched[at]);
    const [near, wide, far] = this.smoothers.map((smooth) => smooth(change));
    const before = this.smoothers[0](matched), surround = this.smoothers[1](matched);
    const after = before.map((level, at) => level + near[at]);
    const ranks = [before, after].map((level) => ranked(level, this.inside));
    const [low, high] = this.facts.range.map((share) => interpolated(share, PLACES, ranks[1].levels));
    const span = Math.max(high - low, this.facts.least_range), over = (map) => map.map((value) => value / span);
    const contrast = before.map((level, at) => (level - surround[at]) / span);
    return [near, over(near), wide, over(wide), over(far), contrast, ...ranks.map(({ rank }) => rank)];
  }
}

const PLACES = Array.from({ length: 65 }, (_, index) => index / 64);

// The values at PLACES among the tissue's, with linear interpolation.
function quantiles(map, inside) {
  const sorted = Float64Array.from(map.filter((_, at) => inside[at])).sort();
  return PLACES.map((place) => {
    const at = place * (sorted.length - 1), below = Math.floor(at);
    return sorted[below] + (at - below) * (sorted[Math.min(sorted.length - 1, below + 1)] - sorted[below]);
  });
}

// The straight line between the last of the rising `from` that is not above `value`, and the next one.
function interpolated(value, from, to) {
  if (!(value >= from[0])) return to[0];
  if (value >= from[from.length - 1]) return to[to.length - 1];
  let low = 0, high = from.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (from[middle] <= value) low = middle;
    else high = middle;
  }
  return to[low] + ((to[high] - to[low]) * (value - from[low])) / (from[high] - from[low]);
}

// x with the distribution of grey levels of g.
function toneMatched(x, g, inside) {
  const points = new Map(), outputs = quantiles(g, inside);
  quantiles(x, inside).forEach((input, index) => points.set(input, [...(points.get(input) ?? []), outputs[index]]));
  const from = [...points.keys()], to = [...points.values()].map((all) => all.reduce((sum, one) => sum + one, 0) / all.length);
  const last = from.length - 1, rise = (to[last] - to[0]) / Math.max(from[last] - from[0], Number.MIN_VALUE);
  return x.map((value) => {
    const beyond = value - Math.max(from[0], Math.min(from[last], value));
    return interpolated(value, from, to) + (beyond ? rise * beyond : 0);
  });
}

// The share of tissue that is darker than each pixel, and the levels at PLACES.
function ranked(level, inside) {
  const levels = quantiles(level, inside);
  return { levels, rank: level.map((value, at) => (inside[at] ? interpolated(value, levels, PLACES) : 0)) };
}

// The Gaussian mean over the tissue around each pixel; `share` is sigma over the height.
export function smoother(inside, size, share) {
  const sigma = share * size[0], weights = blur(Float32Array.from(inside), size, sigma, true);
  return (map) => {
    const sums = blur(map.map((value, at) => (inside[at] ? value : 0)), size, sigma, true);
    return sums.map((sum, at) => (inside[at] ? sum / weights[at] : 0));
  };
}

// Half the width of each row of OpenCV's ellipse.
function ellipse(reach) {
  return Array.from({ length: 2 * reach + 1 }, (_, row) => halfEven(Math.sqrt(reach ** 2 - (row - reach) ** 2)));
}

// The highest value within the ellipse around each pixel.
function dilated(map, [height, width], around) {
  const reach = (around.length - 1) / 2;
  return map.map((_, at) => {
    const row = Math.floor(at / width), column = at % width;
    let highest = 0;
    for (let y = Math.max(0, row - reach); y <= Math.min(height - 1, row + reach); y++) {
      const wide = around[y - row + reach];
      for (let x = Math.max(0, column - wide); x <= Math.min(width - 1, column + wide); x++)
        if (map[y * width + x] > highest) highest = map[y * width + x];
    }
    return highest;
  });
}
