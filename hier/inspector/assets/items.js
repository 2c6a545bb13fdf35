// Items: the map for those who do not see it, a tree of which the way to one node is there.
"use strict";

inspector.Items = class {
  constructor(tree, host, box) {
    this.tree = tree;
    this.host = host;
    this.box = box;
  }

  // Say one node, with the way to it, its neighbours and its children.
  show(id, describe) {
    const { tree } = this;
    const path = tree.ancestors(id);
    const parent = path.at(-2);
    const [low, high] = parent === undefined ? [id, id + 1] : tree.children(parent);
    const near = [];
    for (let node = Math.max(low, id - 3); node < Math.min(high, id + 4); node += 1) near.push(node);
    const [first, end] = tree.children(id);
    const below = [];
    for (let node = first; node < Math.min(end, first + 12); node += 1) below.push(node);
    const items = [...path.slice(0, -1), ...near.filter((node) => node <= id), ...below,
      ...near.filter((node) => node > id)].map((node) => this.item(node, id, describe));
    this.box.replaceChildren(...items);
    this.host.setAttribute("aria-activedescendant", `node-${id}`);
  }

  item(node, active, describe) {
    const { tree } = this;
    const level = tree.level(node);
    const parent = tree.parent(node);
    const [low, high] = parent === null ? [node, node + 1] : tree.children(parent);
    const item = inspector.make("div", {
      role: "treeitem", id: `node-${node}`, "aria-level": tree.height - level,
      "aria-setsize": high - low, "aria-posinset": node - low + 1,
      "aria-selected": String(node === active),
    }, describe(node));
    if (level > 0) {
      const open = node === active || tree.ancestors(active).includes(node);
      item.setAttribute("aria-expanded", String(open));
    }
    return item;
  }
};
