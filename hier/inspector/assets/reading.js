// Reading: the context as a model sees it, with its citations, and one part of the document.
"use strict";

inspector.Context = class {
  constructor(told) {
    this.told = told; // {lit: a piece is pointed at, left: no more, chosen: its place is asked for}
    this.pieces = document.getElementById("pieces");
    this.text = "";
  }

  show(view) {
    const { segments } = view;
    this.text = segments.text.map((text, i) => segments.before[i] + text).join("");
    this.blocks = segments.text.map((_, i) => this.block(segments, i));
    const inside = this.blocks.flatMap((block, i) => {
      const before = segments.before[i].trim();
      return before
        ? [inspector.make("div", { class: "before" }, inspector.visible(before)), block]
        : [block];
    });
    if (!inside.length) {
      inside.push(inspector.make("p", { class: "quiet" },
        "Nothing fits into so few tokens: the context is empty."));
    }
    this.pieces.replaceChildren(...inside);
    this.pieces.scrollTop = 0;
  }

  block(segments, i) {
    const number = i + 1;
    const kind = segments.kind[i] === "summary" ? "summary" : "verbatim";
    const place = segments.place[i];
    const about = [place, inspector.plural(segments.tokens[i], "token"),
      kind === "summary" ? "a summary" : "word for word"].filter(Boolean).join(" · ");
    const cite = inspector.make("button", { type: "button", class: "cite",
      "aria-label": `Piece ${number}, ${about}: show its place in the map` }, String(number));
    const block = inspector.make("div", { class: `piece ${kind}`, "data-number": number }, cite,
      inspector.make("div", {},
        inspector.make("div", { class: "text", dir: "auto" },
          inspector.visible(segments.text[i].trim())),
        inspector.make("div", { class: "place" }, inspector.visible(about))));
    cite.addEventListener("click", () => this.told.chosen(number));
    cite.addEventListener("focus", () => this.told.lit(number));
    cite.addEventListener("blur", () => this.told.left());
    // Not when it enters: what moves below a resting pointer is not pointed at.
    block.addEventListener("pointermove", () => this.told.lit(number));
    block.addEventListener("pointerleave", () => this.told.left());
    return block;
  }

  light(number, scroll) {
    for (const block of this.blocks ?? []) {
      block.classList.toggle("lit", Number(block.dataset.number) === number);
    }
    const block = this.blocks?.[number - 1];
    if (!scroll || !block) return;
    const behaviour = inspector.still() ? "auto" : "smooth";
    this.pieces.scrollTo({ top: block.offsetTop - this.pieces.offsetTop - 40, behavior: behaviour });
  }
};

inspector.NodePanel = class {
  constructor(tree, opened) {
    this.tree = tree;
    this.opened = opened;
    this.id = null;
    document.getElementById("open").addEventListener("click", () => opened(this.id));
    document.getElementById("shut").addEventListener("click", () => {
      document.getElementById("node").hidden = true;
      document.getElementById("tree").focus();
    });
  }

  show(node) {
    const { tree } = this;
    const fill = (id, text) => { document.getElementById(id).textContent = inspector.visible(text); };
    this.id = node.id;
    document.getElementById("node").hidden = false;
    fill("node-title", tree.label(node.id));
    fill("node-facts", [tree.named(node.level), inspector.plural(tree.size(node.id), "token"),
      node.place].filter(Boolean).join(" · "));
    const by = node.by_model ? " (by a model)" : "";
    fill("node-summary", node.level ? node.summary + by : node.text.trim());
    document.getElementById("node-source").hidden = node.level === 0;
    fill("node-text", node.text + (node.cut ? "\n… (only the beginning is shown)" : ""));
    document.getElementById("open").disabled = node.level === 0;
    const [low, high] = tree.children(node.id);
    const children = [];
    for (let id = low; id < high && node.level > 1 && children.length < 24; id += 1) {
      const child = inspector.make("button", { type: "button", class: "tool" }, tree.label(id));
      child.addEventListener("click", () => this.opened(id));
      children.push(child);
    }
    document.getElementById("node-children").replaceChildren(...children);
  }
};
