// Copyright 2026 The ebm_concept_ros contributors
// SPDX-License-Identifier: Apache-2.0

// How things look. The colours are those of Okabe and Ito, which colour-blind people tell apart;
// every thing also has its shape, and its name where there is room.

export const COLOURS = {
  red: '#d55e00', green: '#009e73', blue: '#0072b2',
  yellow: '#f0e442', purple: '#cc79a7', orange: '#e69f00',
};
export const SHAPES = ['circle', 'square', 'triangle'];

// The outline of a shape with radius 1 around the origin, y up.
export function outline(shape) {
  if (shape === 'square') return [[-.85, -.85], [.85, -.85], [.85, .85], [-.85, .85]];
  if (shape === 'triangle') return [[-1, -.75], [1, -.75], [0, 1]];
  return Array.from({ length: 24 }, (_, i) => [Math.cos(i * Math.PI / 12), Math.sin(i * Math.PI / 12)]);
}

// hollow: where it was.
export function drawThing(context, thing, x, y, radius, hollow = false) {
  context.beginPath();
  for (const [dx, dy] of outline(thing.shape)) context.lineTo(x + radius * dx, y - radius * dy);
  context.closePath();
  context.fillStyle = hollow ? '#ffffff' : COLOURS[thing.colour];
  context.fill();
  context.lineWidth = Math.max(1, radius / (hollow ? 4 : 8));
  context.strokeStyle = hollow ? COLOURS[thing.colour] : '#1d2730';
  context.stroke();
}

export function drawHand(context, x, y, radius, hollow = false) {
  const r = radius, w = radius * .34;
  context.beginPath();
  for (const [dx, dy] of [[-w, -r], [w, -r], [w, -w], [r, -w], [r, w], [w, w], [w, r], [-w, r], [-w, w], [-r, w], [-r, -w], [-w, -w]])
    context.lineTo(x + dx, y + dy);
  context.closePath();
  context.fillStyle = hollow ? '#ffffff' : '#1d2730';
  context.fill();
  context.lineWidth = Math.max(1, radius / 8);
  context.strokeStyle = '#1d2730';
  context.stroke();
}

export function drawArrow(context, from, to, width) {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const length = Math.hypot(dx, dy);
  if (length < 3 * width) return;
  const [ux, uy] = [dx / length, dy / length];
  const head = Math.min(5 * width, length / 2);
  context.strokeStyle = context.fillStyle = '#1d2730';
  context.lineWidth = width;
  context.beginPath();
  context.moveTo(...from);
  context.lineTo(to[0] - ux * head, to[1] - uy * head);
  context.stroke();
  context.beginPath();
  context.moveTo(...to);
  context.lineTo(to[0] - ux * head - uy * head / 2, to[1] - uy * head + ux * head / 2);
  context.lineTo(to[0] - ux * head + uy * head / 2, to[1] - uy * head - ux * head / 2);
  context.fill();
}

// Dark where the energy is low, white where it is high.
export function heatColour(level) {
  const t = Math.pow(level / 255, .45);
  return [16 + t * 239, 78 + t * 177, 120 + t * 135];
}

// As many pixels as the screen has; returns the context, and the size in CSS pixels.
export function fitted(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const size = Math.round(canvas.clientWidth * ratio);
  const high = Math.round(canvas.clientHeight * ratio);
  if (canvas.width !== size || canvas.height !== high) { canvas.width = size; canvas.height = high; }
  const context = canvas.getContext('2d');
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
  return [context, canvas.clientWidth];
}
