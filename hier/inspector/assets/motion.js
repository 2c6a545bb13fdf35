// Motion: values that move from what they were to what they are, unless the reader wants none.
"use strict";

inspector.still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

// Calls back with the share of the way that is done, 0 to 1, until it is done or begun anew.
inspector.Motion = class {
  constructor(milliseconds, step) {
    this.milliseconds = milliseconds;
    this.step = step;
    this.running = 0;
  }

  begin() {
    cancelAnimationFrame(this.running);
    if (inspector.still()) {
      this.step(1);
      return;
    }
    const started = performance.now();
    const tick = (now) => {
      const share = Math.min(1, Math.max(0, now - started) / this.milliseconds);
      this.step(1 - (1 - share) ** 3);
      if (share < 1) this.running = requestAnimationFrame(tick);
    };
    this.running = requestAnimationFrame(tick);
  }
};

inspector.mixed = (from, to, share) => from + (to - from) * share;
