// The tree: its levels as columns, and where each node stands among tokens and characters.
"use strict";

// The last place of an ascending list whose value is at most that; 0 at the least.
inspector.last = (list, value) => {
  let [low, high] = [0, list.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (list[middle] <= value) low = middle;
    else high = middle - 1;
  }
  return low;
};

inspector.Tree = class {
  constructor(map) {
    const leaves = map.leaf_start.length;
    this.map = map;
    this.leafStart = map.leaf_start;
    this.before = new Float64Array(leaves + 1); // tokens before each leaf
    map.leaf_tokens.forEach((tokens, leaf) => { this.before[leaf + 1] = this.before[leaf] + tokens; });
    this.first = [Int32Array.from({ length: leaves }, (_, leaf) => leaf),
      ...map.levels.map((level) => Int32Array.from(level.first_leaf))];
    this.offsets = [0];
    for (const level of this.first) this.offsets.push(this.offsets.at(-1) + level.length);
    this.leaves = leaves;
    this.tokens = this.before[leaves];
    this.height = this.first.length;
    this.root = this.offsets.at(-1) - 1;
  }

  level(id) { return Math.min(inspector.last(this.offsets, id), this.height - 1); }

  // The first leaf of a node, and the leaf behind its last.
  span(id) {
    const level = this.level(id);
    const place = id - this.offsets[level];
    const first = this.first[level];
    return [first[place], place + 1 < first.length ? first[place + 1] : this.leaves];
  }

  range(id) {
    const [low, high] = this.span(id);
    return [this.before[low], this.before[high]];
  }

  characters(id) {
    const [low, high] = this.span(id);
    return [this.leafStart[low], high < this.leaves ? this.leafStart[high] : this.map.characters];
  }

  size(id) {
    const [low, high] = this.range(id);
    return high - low;
  }

  above(level, leaf) { return this.offsets[level] + inspector.last(this.first[level], leaf); }

  parent(id) {
    const level = this.level(id);
    return level + 1 < this.height ? this.above(level + 1, this.span(id)[0]) : null;
  }

  // The first child of a node, and the node behind its last; the same for a leaf.
  children(id) {
    const level = this.level(id);
    if (level === 0) return [id, id];
    const [low, high] = this.span(id);
    const end = high < this.leaves ? this.above(level - 1, high) : this.offsets[level];
    return [this.above(level - 1, low), end];
  }

  ancestors(id) {
    const path = [];
    for (let node = id; node !== null; node = this.parent(node)) path.unshift(node);
    return path;
  }

  // Where characters stand among the tokens.
  at(character) {
    const leaf = inspector.last(this.leafStart, character);
    const [start, end] = this.characters(leaf);
    const share = Math.min(1, (character - start) / Math.max(1, end - start));
    return this.before[leaf] + share * (this.before[leaf + 1] - this.before[leaf]);
  }

  under(level, token) { return this.above(level, Math.min(inspector.last(this.before, token), this.leaves - 1)); }

  label(id) {
    if (id === this.root) return inspector.visible(this.map.name);
    const level = this.level(id);
    if (level === 0) return this.label(this.parent(id));
    const { label } = this.map.levels[level - 1];
    return inspector.visible(this.map.labels[label[id - this.offsets[level]]]);
  }

  named(level) {
    if (level === this.height - 1) return "document";
    return ["sentence", "passage", "section"][level] ?? "chapter";
  }
};
