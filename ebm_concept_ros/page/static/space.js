// Copyright 2026 The ebm_concept_ros contributors
// SPDX-License-Identifier: Apache-2.0

// The arm over its table in perspective, in a few strokes: links are thick lines, things are prisms.

import { COLOURS, fitted, heatColour, outline } from './looks.js';

const THING_M = [.024, .03]; // radius, height
const LIGHT = '#dfe6ea';

export class Space {
  constructor(canvas) {
    this.canvas = canvas;
    this.turn = -2.25; // azimuth and elevation of the eye, rad
    this.tilt = .62;
    this.away = 1.55;
    this.points = null;
    this.things = [];
    this.heat = null;
    this.ground = null; // table, heat and things: drawn anew when these change
    let from = null;
    canvas.addEventListener('pointerdown', (e) => { from = [e.clientX, e.clientY]; canvas.setPointerCapture(e.pointerId); });
    canvas.addEventListener('pointermove', (e) => {
      if (!from) return;
      this.look((e.clientX - from[0]) * -.01, (e.clientY - from[1]) * .01);
      from = [e.clientX, e.clientY];
    });
    for (const end of ['pointerup', 'pointercancel']) canvas.addEventListener(end, () => { from = null; });
    canvas.addEventListener('keydown', (e) => {
      const by = { ArrowLeft: [.1, 0], ArrowRight: [-.1, 0], ArrowUp: [0, .05], ArrowDown: [0, -.05] }[e.key];
      if (by) { e.preventDefault(); this.look(...by); }
    });
    new ResizeObserver(() => { this.ground = null; this.draw(); }).observe(canvas);
  }

  about({ half_width, metres_per_unit, centre_in_base, table_height, lines, radii }) {
    Object.assign(this, { half: half_width, unit: metres_per_unit, centre: centre_in_base, height: table_height, lines, radii });
    this.ground = null;
  }

  show(values) {
    Object.assign(this, values);
    if ('things' in values || 'heat' in values || 'goal' in values) this.ground = null;
    this.draw();
  }

  look(turn, tilt) {
    this.turn += turn;
    this.tilt = Math.max(.15, Math.min(1.5, this.tilt + tilt));
    this.ground = null;
    this.draw();
  }

  // Returns [x, y, depth, pixels per metre] of a point in the base frame.
  project([x, y, z]) {
    const size = this.canvas.clientWidth;
    const [cx, cy, cz] = [this.centre[0] * .72, this.centre[1], this.height + .17];
    const [dx, dy, dz] = [x - cx, y - cy, z - cz];
    const [s, c] = [Math.sin(this.turn), Math.cos(this.turn)];
    const [st, ct] = [Math.sin(this.tilt), Math.cos(this.tilt)];
    const right = -s * dx + c * dy;
    const towards = c * dx + s * dy;
    const depth = this.away - (towards * ct + dz * st);
    const up = -towards * st + dz * ct;
    const scale = 1.5 * size / depth;
    return [size / 2 + right * scale, size / 2 - up * scale, depth, scale];
  }

  inBase(x, y, z = 0) {
    return [x * this.unit + this.centre[0], y * this.unit + this.centre[1], this.height + z];
  }

  polygon(context, points, fill, stroke) {
    context.beginPath();
    for (const point of points) context.lineTo(...this.project(point).slice(0, 2));
    context.closePath();
    context.fillStyle = fill;
    context.fill();
    if (stroke) { context.strokeStyle = stroke; context.lineWidth = 1; context.stroke(); }
  }

  drawGround() {
    const ratio = window.devicePixelRatio || 1;
    const size = this.canvas.clientWidth;
    const ground = new OffscreenCanvas(Math.max(1, size * ratio), Math.max(1, size * ratio));
    const context = ground.getContext('2d');
    context.scale(ratio, ratio);
    const h = this.half;
    const corners = [[-h, -h], [h, -h], [h, h], [-h, h]].map(([x, y]) => this.inBase(x, y));
    this.polygon(context, corners, '#ffffff', '#9fb0bc');
    if (this.heat) this.drawHeat(context);
    if (this.goal) {
      const [x, y, , scale] = this.project(this.inBase(...this.goal));
      const r = .014 * scale;
      context.strokeStyle = '#b0005e'; context.lineWidth = 3;
      context.beginPath(); context.moveTo(x - r, y - r * .6); context.lineTo(x + r, y + r * .6); context.moveTo(x + r, y - r * .6); context.lineTo(x - r, y + r * .6);
      context.stroke();
    }
    const sorted = this.things.map((t) => [this.project(this.inBase(t.x, t.y))[2], t]).sort((a, b) => b[0] - a[0]);
    for (const [, thing] of sorted) this.prism(context, thing);
    return ground;
  }

  drawHeat(context) {
    const { size, bytes } = this.heat;
    const step = 2, cell = 2 * this.half / (size - 1);
    for (let ix = 0; ix < size - 1; ix += step)
      for (let iy = 0; iy < size - 1; iy += step) {
        const [x, y] = [-this.half + ix * cell, -this.half + iy * cell], w = cell * step;
        const [r, g, b] = heatColour(bytes[(ix + 1) * size + iy + 1]).map(Math.round);
        const colour = `rgb(${r},${g},${b})`;
        this.polygon(context, [[x, y], [x + w, y], [x + w, y + w], [x, y + w]].map((p) => this.inBase(...p)), colour, colour);
      }
  }

  prism(context, thing) {
    const [radius, height] = THING_M;
    const ring = (z) => outline(thing.shape).map(([dx, dy]) => {
      const [x, y] = this.inBase(thing.x, thing.y);
      return [x + dx * radius, y + dy * radius, this.height + z];
    });
    const [low, high] = [ring(0), ring(height)];
    const sides = low.map((_, i) => [low[i], low[(i + 1) % low.length], high[(i + 1) % low.length], high[i]]);
    sides.sort((a, b) => this.project(b[0])[2] - this.project(a[0])[2]);
    context.save();
    for (const side of sides) this.polygon(context, side, shade(COLOURS[thing.colour], .72));
    context.restore();
    this.polygon(context, high, COLOURS[thing.colour], '#1d2730');
  }

  draw() {
    if (!this.lines) return;
    const [context, size] = fitted(this.canvas);
    if (!size) return;
    if (!this.ground) this.ground = this.drawGround();
    context.drawImage(this.ground, 0, 0, size, size);
    if (!this.points) return;
    const stroke = (a, b, width, colour) => {
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.lineCap = 'round';
      context.beginPath(); context.moveTo(a[0], a[1]); context.lineTo(b[0], b[1]);
      context.stroke();
    };
    const onTable = (p) => [p[0], p[1], this.height];
    for (const [i, [a, b]] of this.lines.entries()) {
      const [from, to] = [this.project(onTable(this.points[a])), this.project(onTable(this.points[b]))];
      stroke(from, to, 2 * this.radii[i] * from[3], 'rgba(29,39,48,.07)');
    }
    const links = this.lines.map(([a, b], i) => [this.project(this.points[a]), this.project(this.points[b]), this.radii[i]]);
    links.sort((one, other) => other[0][2] + other[1][2] - one[0][2] - one[1][2]);
    for (const [from, to, radius] of links) {
      const width = radius * (from[3] + to[3]);
      stroke(from, to, width + 2.5, '#44525e');
      stroke(from, to, width, '#aab8c2');
      stroke([from[0] - width * .16, from[1] - width * .16], [to[0] - width * .16, to[1] - width * .16], width * .3, LIGHT);
    }
    const tip = this.points[this.points.length - 1];
    const [low, high] = [this.project(onTable(tip)), this.project(tip)];
    context.setLineDash([3, 3]);
    stroke(low, high, 1.2, '#1d2730');
    context.setLineDash([]);
    context.fillStyle = '#1d2730';
    context.beginPath(); context.arc(high[0], high[1], Math.max(3, .012 * high[3]), 0, 7); context.fill();
  }
}

function shade(colour, by) {
  const n = parseInt(colour.slice(1), 16);
  return `rgb(${[n >> 16, (n >> 8) & 255, n & 255].map((v) => Math.round(v * by)).join(',')})`;
}
