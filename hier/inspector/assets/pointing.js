// Pointing: the map under a mouse, a finger or two.
"use strict";

inspector.point = (map, told) => {
  const { canvas } = map;
  const down = new Map();
  let moved = false;
  let apart = 0;

  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const between = () => {
    const [one, other] = [...down.values()];
    return [Math.abs(one[0] - other[0]), (one[0] + other[0]) / 2];
  };

  canvas.addEventListener("wheel", (event) => {
    const aside = Math.abs(event.deltaX) > Math.abs(event.deltaY);
    const whole = map.high - map.low >= map.tree.tokens;
    if (whole && (aside || event.deltaY > 0)) return; // the page may scroll
    event.preventDefault();
    if (aside) {
      const by = (event.deltaX / map.width) * (map.high - map.low);
      map.zoom(map.low + by, map.high + by, false);
    } else map.zoomBy(Math.exp(event.deltaY * 0.0018), place(event)[0], false);
  }, { passive: false });

  canvas.addEventListener("pointerdown", (event) => {
    down.set(event.pointerId, place(event));
    moved = false;
    if (down.size === 2) [apart] = between();
  });

  canvas.addEventListener("pointermove", (event) => {
    const [x, y] = place(event);
    const before = down.get(event.pointerId);
    if (!before) {
      told.over(map.find(x, y));
      return;
    }
    if (!moved && Math.abs(x - before[0]) < 4) return;
    if (!moved) canvas.setPointerCapture(event.pointerId);
    moved = true;
    down.set(event.pointerId, [x, y]);
    if (down.size === 2) {
      const [now, middle] = between();
      if (apart && now) map.zoomBy(apart / now, middle, false);
      apart = now;
    } else {
      const by = ((before[0] - x) / map.width) * (map.high - map.low);
      map.zoom(map.low + by, map.high + by, false);
    }
  });

  const up = (event) => {
    const was = down.delete(event.pointerId);
    if (was && !moved && event.type === "pointerup") told.chosen(map.find(...place(event)));
  };
  canvas.addEventListener("pointerup", up);
  canvas.addEventListener("pointercancel", up);
  canvas.addEventListener("pointerleave", (event) => {
    if (!down.has(event.pointerId)) told.over({ node: null, piece: null });
  });
};
