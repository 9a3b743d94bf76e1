// Copyright 2026 The ebm_concept_ros contributors
// SPDX-License-Identifier: Apache-2.0

// Small pictures: the energy over the plane, and what was shown.

import { drawArrow, drawHand, drawThing, fitted, heatColour } from './looks.js';

// The heat map as a picture: levels are bytes, y changes fastest and grows upwards.
export function heatPicture({ size, levels }) {
  if (!size) return null;
  const bytes = Uint8Array.from(atob(levels), (c) => c.charCodeAt(0));
  const picture = new OffscreenCanvas(size, size);
  const context = picture.getContext('2d');
  const image = context.createImageData(size, size);
  for (let ix = 0; ix < size; ix += 1)
    for (let iy = 0; iy < size; iy += 1)
      image.data.set([...heatColour(bytes[ix * size + iy]), 255], 4 * ((size - 1 - iy) * size + ix));
  context.putImageData(image, 0, 0);
  return picture;
}

export function thumbnail(canvas, example, half) {
  const [context, size] = fitted(canvas);
  const px = ([x, y]) => [(x / half + 1) / 2 * size, (1 - y / half) / 2 * size];
  const radius = size / 15;
  const ring = (at) => {
    context.strokeStyle = '#005a8c'; context.lineWidth = 2;
    context.beginPath(); context.arc(...at, radius * 1.7, 0, 7); context.stroke();
  };
  for (const thing of example.things) {
    const at = px([thing.x, thing.y]), end = example.moves[thing.id];
    drawThing(context, thing, ...at, radius, Boolean(end));
    if (end) {
      drawArrow(context, at, px(end), 1.5);
      drawThing(context, thing, ...px(end), radius);
      ring(px(end));
    } else if (example.takes_part.includes(thing.id)) ring(at);
  }
  if (!example.hand) return;
  drawHand(context, ...px(example.hand), radius * .8, true);
  drawArrow(context, px(example.hand), px(example.moves.hand), 1.5);
  drawHand(context, ...px(example.moves.hand), radius * .8);
}
