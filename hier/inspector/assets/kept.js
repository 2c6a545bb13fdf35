// Kept: what an allocation shows, as boxes over the map that move from one choice to the next.
"use strict";

inspector.Kept = class {
  constructor(tree) {
    this.tree = tree;
    this.boxes = [];
    this.next = [];
    this.leaving = [];
    this.share = 1;
  }

  // Take a new choice: what was kept before stays, everything else comes from where something was.
  set(view) {
    const { start, end, kind, level } = view.segments;
    const before = this.boxes.map((box) => ({ ...box, ...this.now(box) }));
    this.boxes = start.map((_, i) => ({
      number: i + 1, summary: kind[i] === "summary", level: level[i],
      start: start[i], end: end[i],
      to: [this.tree.at(start[i]), this.tree.at(end[i])],
    }));
    const met = new Set();
    for (const box of this.boxes) {
      const same = before.find((old) => old.start < box.end && box.start < old.end);
      if (same) met.add(same);
      box.from = same?.at ?? null;
    }
    const free = before.filter((old) => !met.has(old));
    const fresh = this.boxes.filter((box) => !box.from);
    fresh.forEach((box, i) => {
      const old = free[Math.floor((i * free.length) / fresh.length)];
      const middle = (box.to[0] + box.to[1]) / 2;
      box.from = old?.at ?? [middle, middle];
      if (old) met.add(old);
    });
    this.leaving = before.filter((old) => !met.has(old));
    this.next = view.next.spans.map(([from, to]) => this.tree.at((from + to) / 2));
    this.share = 0;
  }

  now(box) {
    return { at: box.to.map((to, i) => inspector.mixed(box.from[i], to, this.share)) };
  }

  // The piece whose place holds a token, else none.
  holding(token) {
    return this.boxes.find((box) => box.to[0] <= token && token < box.to[1])?.number ?? null;
  }

  within(low, high) {
    return this.boxes.filter((box) => box.to[0] < high && low < box.to[1]).length;
  }
};

// Numbers below the map; those too near each other share a mark.
inspector.marks = (boxes, place, width) => {
  const marks = [];
  for (const box of boxes) {
    const x = place(box);
    if (x < -12 || x > width + 12) continue;
    const last = marks.at(-1);
    const needed = last ? 13 + 4 * (last.text.length + 1) : 0;
    if (last && x - last.right < needed) {
      last.high = box.number;
      last.right = x;
      last.text = last.low === last.high ? `${last.low}` : `${last.low}–${last.high}`;
      last.x = (last.left + last.right) / 2;
    } else {
      marks.push({ low: box.number, high: box.number, left: x, right: x, x, text: `${box.number}`,
        summary: box.summary });
    }
  }
  return marks;
};
