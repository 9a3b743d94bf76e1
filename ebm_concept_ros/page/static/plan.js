// Copyright 2026 The ebm_concept_ros contributors
// SPDX-License-Identifier: Apache-2.0

// The plane from above: things and the hand, dragged with mouse or finger, or moved by keys.

import { drawArrow, drawHand, drawThing, fitted } from './looks.js';

const HAND = 'hand';
const CLICK_PX = 4;
const REACH_PX = 30; // how near is meant, which a finger has to hit
const STEP = .02; // of a key, particle units

export class Plan {
  // can: which of 'hand' and 'things' are dragged, and whether that 'shows' where they belong: then
  // they are seen where they were, too. dropped(id, x, y), clicked(id), picked(id).
  constructor(canvas, { half, can, dropped, clicked = () => {}, picked = () => {} }) {
    this.canvas = canvas;
    this.half = half;
    this.can = can;
    this.dropped = dropped;
    this.clicked = clicked;
    this.picked = picked;
    this.things = [];
    this.moves = {}; // where what was moved is now, by id
    this.rings = new Map(); // id: 'solid' or 'dashed'
    this.chosen = null; // by keys, or the last that was clicked
    this.held = null; // { id, x, y, fromPx, moved }
    for (const [event, handler] of [['pointerdown', this.down], ['pointermove', this.move], ['pointerup', this.up], ['pointercancel', this.cancel], ['keydown', this.key]])
      canvas.addEventListener(event, handler.bind(this));
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  show(values) {
    Object.assign(this, values);
    if (this.chosen && this.chosen !== HAND && !this.things.some((t) => t.id === this.chosen)) this.choose(null);
    this.draw();
  }

  choose(id) {
    this.chosen = id;
    this.picked(id);
  }

  // From particle units to pixels and back.
  px([x, y]) {
    const size = this.canvas.clientWidth;
    return [(x / this.half + 1) / 2 * size, (1 - y / this.half) / 2 * size];
  }

  units(event) {
    const box = this.canvas.getBoundingClientRect();
    const within = (v) => Math.max(-this.half, Math.min(this.half, v));
    return [within(((event.clientX - box.left) / box.width * 2 - 1) * this.half),
            within((1 - (event.clientY - box.top) / box.height * 2) * this.half)];
  }

  items() {
    const things = this.things.map((t) => ({ id: t.id, place: this.moves[t.id] ?? [t.x, t.y] }));
    return this.hand ? [...things, { id: HAND, place: this.moves.hand ?? this.hand }] : things;
  }

  down(event) {
    const box = this.canvas.getBoundingClientRect();
    const at = [event.clientX - box.left, event.clientY - box.top];
    let best = null, nearest = REACH_PX;
    for (const item of this.items()) {
      const [x, y] = this.px(item.place);
      const away = Math.hypot(x - at[0], y - at[1]);
      if (away < nearest) { nearest = away; best = item; }
    }
    if (!best) { this.choose(null); this.draw(); return; }
    event.preventDefault();
    this.canvas.focus();
    this.canvas.setPointerCapture(event.pointerId);
    const start = this.units(event);
    this.held = { id: best.id, place: best.place, grip: [best.place[0] - start[0], best.place[1] - start[1]], fromPx: at, moved: false };
    this.choose(best.id);
  }

  move(event) {
    const held = this.held;
    if (!held) return;
    const box = this.canvas.getBoundingClientRect();
    if (Math.hypot(event.clientX - box.left - held.fromPx[0], event.clientY - box.top - held.fromPx[1]) > CLICK_PX) held.moved = true;
    if (!held.moved || !this.can.includes(held.id === HAND ? 'hand' : 'things')) return;
    const [x, y] = this.units(event);
    const within = (v) => Math.max(-this.half, Math.min(this.half, v));
    held.place = [within(x + held.grip[0]), within(y + held.grip[1])];
    this.draw();
  }

  up(event) {
    const held = this.held;
    if (!held) return;
    this.move(event);
    this.held = null;
    if (!held.moved) { if (held.id !== HAND) this.clicked(held.id); this.draw(); return; }
    if (this.can.includes(held.id === HAND ? 'hand' : 'things')) this.drop(held.id, held.place);
  }

  cancel() { this.held = null; this.draw(); }

  drop(id, place) {
    // It stays where it was dropped until the server says where it is.
    if (id === HAND || this.can.includes('shows')) this.moves = { ...this.moves, [id]: place };
    else this.things = this.things.map((t) => t.id === id ? { ...t, x: place[0], y: place[1] } : t);
    this.draw();
    this.dropped(id, ...place);
  }

  key(event) {
    const ids = this.items().map((item) => item.id);
    const steps = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, STEP], ArrowDown: [0, -STEP] };
    if (event.key === 'n' || event.key === 'N') {
      this.choose(ids[(ids.indexOf(this.chosen) + 1) % ids.length]);
    } else if (event.key in steps && this.chosen) {
      if (!this.can.includes(this.chosen === HAND ? 'hand' : 'things')) return;
      if (!this.held) this.held = { id: this.chosen, place: this.items().find((i) => i.id === this.chosen).place, grip: [0, 0], fromPx: [0, 0], moved: true };
      this.held.place = this.held.place.map((v, i) => Math.max(-this.half, Math.min(this.half, v + steps[event.key][i])));
    } else if (event.key === 'Enter' && this.held) {
      const { id, place } = this.held;
      this.held = null;
      this.drop(id, place);
    } else if (event.key === 'Escape') {
      this.held = null;
    } else if ((event.key === 't' || event.key === 'T') && this.chosen && this.chosen !== HAND) {
      this.clicked(this.chosen);
    } else return;
    event.preventDefault();
    this.draw();
  }

  draw() {
    const [context, size] = fitted(this.canvas);
    if (!size) return;
    this.ground(context, size);
    const radius = size / 24;
    for (const [i, { place: now }] of this.items().entries()) {
      const thing = this.things[i];
      if (!thing) break; // the hand, which is above all
      const [x, y] = this.px(this.held?.id === thing.id ? this.held.place : now);
      const start = this.px([thing.x, thing.y]);
      if (this.can.includes('shows') && Math.hypot(x - start[0], y - start[1]) > CLICK_PX) {
        drawThing(context, thing, ...start, radius, true);
        drawArrow(context, start, short(start, [x, y], radius * 1.1), Math.max(1.5, radius / 6));
      }
      const ring = this.rings.get(thing.id);
      if (ring) this.ring(context, x, y, radius * 1.75, ring === 'dashed');
      drawThing(context, thing, x, y, radius);
      if (this.chosen === thing.id) this.frame(context, x, y, radius * 1.45);
    }
    if (size > 150) this.labels(context, size, radius);
    if (this.goal) this.cross(context, ...this.px(this.goal), radius * .9);
    this.drawHands(context, this.goal || !this.can.includes('hand') ? radius * .7 : radius);
  }

  ground(context, size) {
    context.fillStyle = '#ffffff';
    context.fillRect(0, 0, size, size);
    if (this.heat) {
      context.imageSmoothingEnabled = true;
      context.drawImage(this.heat, 0, 0, size, size);
    }
    context.strokeStyle = this.heat ? 'rgba(255,255,255,.35)' : '#edf1f4';
    context.lineWidth = 1;
    for (let v = -1; v <= 1; v += .5) {
      const [x, y] = this.px([v, v]);
      context.beginPath(); context.moveTo(x, 0); context.lineTo(x, size); context.moveTo(0, y); context.lineTo(size, y);
      context.stroke();
    }
  }

  drawHands(context, radius) {
    if (!this.hand) return;
    const held = this.held?.id === HAND && this.held.moved ? this.held.place : this.moves.hand;
    const start = this.px(this.hand);
    if (held) {
      const end = this.px(held);
      drawHand(context, ...start, radius * .9, true);
      drawArrow(context, start, end, Math.max(1.5, radius / 6));
      drawHand(context, ...end, radius * .9);
      return;
    }
    drawHand(context, ...start, radius * .9);
    if (this.chosen === HAND) this.frame(context, ...start, radius * 1.45);
    else if (this.can.includes('hand')) this.halo(context, ...start, radius * 1.6);
  }

  ring(context, x, y, r, dashed) {
    context.setLineDash(dashed ? [5, 4] : []);
    context.strokeStyle = '#ffffff'; context.lineWidth = 5;
    context.beginPath(); context.arc(x, y, r, 0, 7); context.stroke();
    context.strokeStyle = '#005a8c'; context.lineWidth = 2.5;
    context.beginPath(); context.arc(x, y, r, 0, 7); context.stroke();
    context.setLineDash([]);
  }

  halo(context, x, y, r) {
    context.strokeStyle = 'rgba(240,162,2,.8)'; context.lineWidth = 2.5;
    context.beginPath(); context.arc(x, y, r, 0, 7); context.stroke();
  }

  frame(context, x, y, r) {
    context.strokeStyle = '#f0a202'; context.lineWidth = 2;
    context.strokeRect(x - r, y - r, 2 * r, 2 * r);
  }

  cross(context, x, y, r) {
    for (const [colour, width] of [['#ffffff', 7], ['#b0005e', 3.5]]) {
      context.strokeStyle = colour; context.lineWidth = width;
      context.beginPath(); context.moveTo(x - r, y - r); context.lineTo(x + r, y + r); context.moveTo(x + r, y - r); context.lineTo(x - r, y + r);
      context.stroke();
    }
  }

  // Names stand below, above or beside their things, wherever they cover least.
  labels(context, size, radius) {
    context.font = '11px system-ui, sans-serif';
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    const box = ([x, y], w, h) => [x - w / 2, y - h / 2, x + w / 2, y + h / 2];
    const at = this.items().map(({ id, place }) => this.px(this.held?.id === id ? this.held.place : place));
    const width = ({ id }) => radius * (this.rings.has(id) ? 3.5 : 2);
    const taken = this.items().map((item, i) => box(at[i], width(item), width(item)));
    if (this.goal) taken.push(box(this.px(this.goal), radius * 2, radius * 2));
    for (const [i, thing] of this.things.entries()) {
      const text = `${thing.colour} ${thing.shape}`;
      const [x, y] = at[i], w = context.measureText(text).width + 4, h = 13;
      const away = radius * (this.rings.has(thing.id) ? 1.75 : 1.2) + 3;
      const places = [[x, y + away + h / 2], [x, y - away - h / 2], [x + away + w / 2, y], [x - away - w / 2, y]];
      const covered = (place) => {
        const own = box(place, w, h);
        const outside = Math.max(0, -own[0], -own[1], own[2] - size, own[3] - size);
        return taken.reduce((sum, other) => sum + overlap(own, other), 100 * outside);
      };
      const best = places.reduce((a, b) => (covered(b) < covered(a) ? b : a));
      taken.push(box(best, w, h));
      this.label(context, text, ...best);
    }
    context.textBaseline = 'alphabetic';
  }

  label(context, text, x, y) {
    context.lineWidth = 3;
    context.strokeStyle = 'rgba(255,255,255,.9)';
    context.strokeText(text, x, y);
    context.fillStyle = '#1d2730';
    context.fillText(text, x, y);
  }
}

// The end of a line, so much before it is there.
function short([x0, y0], [x, y], by) {
  const length = Math.hypot(x - x0, y - y0), left = Math.max(0, 1 - by / length);
  return [x0 + left * (x - x0), y0 + left * (y - y0)];
}

// The area that two boxes [left, top, right, bottom] have in common.
function overlap(a, b) {
  const [w, h] = [Math.min(a[2], b[2]) - Math.max(a[0], b[0]), Math.min(a[3], b[3]) - Math.max(a[1], b[1])];
  return w > 0 && h > 0 ? w * h : 0;
}
