// Keys: everything on the page without a mouse.
"use strict";

// In the map.
inspector.steer = (page, event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { tree, map } = page;
  const id = map.selected;
  const level = tree.level(id);
  const beside = (by) => {
    const next = id + by;
    return next >= tree.offsets[level] && next < tree.offsets[level + 1] ? next : id;
  };
  const [child, end] = tree.children(id);
  const to = {
    ArrowLeft: () => beside(-1),
    ArrowRight: () => beside(1),
    ArrowUp: () => tree.parent(id) ?? id,
    ArrowDown: () => (child < end ? child : id),
    Home: () => tree.offsets[level],
    End: () => tree.offsets[level + 1] - 1,
  };
  if (event.key in to) {
    page.select(to[event.key]());
    map.reveal(map.selected);
  } else if (event.key === "Enter" || event.key === " ") page.open(id);
  else if (event.key === "Escape" || event.key === "Backspace") page.open(tree.parent(id) ?? id);
  else return;
  event.preventDefault();
  event.stopPropagation();
};

// Anywhere but where one types.
inspector.listen = (page) => {
  const pick = (id) => document.getElementById(id);
  const step = (by) => {
    const most = page.view?.segments.text.length ?? 0;
    if (!most) return;
    const from = page.lastPiece ?? (by > 0 ? 0 : most + 1);
    page.lastPiece = ((from - 1 + by + most) % most) + 1;
    page.goTo(page.lastPiece);
  };
  const keys = {
    "/": () => { pick("question").focus(); pick("question").select(); },
    b: () => pick("slider").focus(),
    m: () => pick("tree").focus(),
    c: () => pick("context").focus(),
    d: () => inspector.turn(page),
    "?": () => pick("help").showModal(),
    "+": () => page.map.zoomBy(0.5),
    "=": () => page.map.zoomBy(0.5),
    "-": () => page.map.zoomBy(2),
    0: () => page.open(page.tree.root),
    n: () => step(1),
    p: () => step(-1),
  };
  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input:not([type=range])") || pick("help").open;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && event.target === pick("question")) pick("tree").focus();
    if (typing || !(event.key in keys)) return;
    event.preventDefault();
    keys[event.key]();
  });
};
