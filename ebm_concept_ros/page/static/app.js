// Copyright 2026 The ebm_concept_ros contributors
// SPDX-License-Identifier: Apache-2.0

// What the page shows is what the server says; what a person does is told to the server.

import { COLOURS, SHAPES } from './looks.js';
import { heatPicture, thumbnail } from './pictures.js';
import { Plan } from './plan.js';
import { Socket } from './socket.js';
import { Space } from './space.js';

const $ = (id) => document.getElementById(id);
const HALF = 1.25;
const SIGNS = { nothing: '○', little: '◔', good: '✓', bad: '✗' };
const STATES = ['waiting', 'holding', 'moving', 'holding: a fault'];

let state = null;
let heat = null;
let live = null; // the newest frame, until it is drawn
let sum = {}; // names with their weights, of those that are ticked
const send = (message) => socket.send(message);

const board = new Plan($('board'), {
  half: HALF,
  can: ['hand', 'things'],
  dropped: (id, x, y) => send(id === 'hand' ? { type: 'show', x, y } : { type: 'move', id, x, y }),
  clicked: (id) => send({ type: 'takes_part', id, takes_part: !state.takes_part.includes(id) || state.is_suggested }),
  picked: showPicked,
});
const table = new Plan($('table'), {
  half: HALF,
  can: ['things'],
  dropped: (id, x, y) => send({ type: 'table_move', id, x, y }),
  picked: (id) => { $('table_remove').disabled = id === null || id === 'hand'; },
});
const space = new Space($('space'));

const heard = {
  about: (message) => space.about(message),
  state: (message) => { state = message; showState(); },
  heat: (message) => { heat = message.size ? message : null; showHeat(); },
  live: (message) => {
    if (!live) requestAnimationFrame(showLive);
    live = message;
  },
  progress: ({ distance_m, energy, moving, reason }) => {
    if (moving) showMoving(moving, reason);
    else $('numbers').textContent = `${distance_m === null ? '–' : (distance_m * 100).toFixed(1)} cm to go, energy ${energy === null ? '–' : energy.toFixed(2)}`;
  },
  refused: ({ reason }) => { showBanner(`Refused: ${reason}`, 6000); showState(); },
  file: ({ name, text }) => {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
    link.download = `${name.replace(/[^\p{L}\p{N} _-]/gu, '_')}.json`;
    link.click();
    URL.revokeObjectURL(link.href);
  },
};

const socket = new Socket((message) => heard[message.type]?.(message), (isOpen) => {
  document.body.dataset.connected = isOpen;
  if (isOpen) showBanner('', 0);
  else showBanner('The connection is lost, and the arm stops. Trying again …', 0);
});

// A browser that draws more slowly than frames come draws the newest, and no queue grows.
function showLive() {
  const { points, hand, state: number, reason } = live;
  live = null;
  space.show({ points });
  table.show({ hand });
  $('numbers').title = reason;
  $('link').textContent = `arm: ${STATES[number] ?? ''}`;
}

let hiding = 0;
function showBanner(words, forMs) {
  $('banner').textContent = words;
  $('banner').hidden = !words;
  clearTimeout(hiding);
  if (forMs) hiding = setTimeout(() => { $('banner').hidden = true; }, forMs);
}

function showState() {
  if (!state) return;
  const { verdict, board: shown } = state;
  const kind = state.is_suggested ? 'dashed' : 'solid';
  const moves = state.moves_things;
  board.show({
    things: shown.things, hand: shown.hand, moves: shown.moves, can: shown.hand ? ['hand', 'things'] : ['things', 'shows'],
    rings: new Map(state.takes_part.map((id) => [id, id in shown.moves ? 'solid' : kind])),
  });
  table.show({ things: state.table, can: state.table_changes ? ['things'] : [] });
  $('may_drag').hidden = $('table_row').hidden = !state.table_changes;
  space.show({ things: state.table });
  if (document.activeElement !== $('name')) $('name').value = state.name;
  $('hint').textContent = hint();
  $('show_row').hidden = Boolean(shown.hand);
  $('show_moved').disabled = $('start_here').disabled = !Object.keys(shown.moves).length;
  $('start_here').disabled ||= state.selected > 0;
  $('see').textContent = moves ? 'The live table from above. Ringed once it runs: what is moved; dashed: beside what.'
    : 'The live table from above. Dark: where the hand belongs; ✕: where it would go.';
  $('speed_row').hidden = moves;
  if (moves && !state.running) showMoving(null, '');
  $('verdict').className = verdict.level;
  $('sign').textContent = SIGNS[verdict.level];
  $('words').textContent = verdict.words;
  $('advice').textContent = verdict.advice;
  $('colours').checked = state.deals.colours;
  $('shapes').checked = state.deals.shapes;
  $('record').hidden = state.recording === null;
  $('record').textContent = state.recording ? 'End recording' : 'Record';
  $('record').className = state.recording ? 'stop' : '';
  $('undo').disabled = !state.examples.length;
  const runs = state.running;
  $('run').disabled = Boolean(state.why_not);
  $('why').textContent = runs ? `Running ${Object.keys(runs.concepts).join(' + ')}${runs.state === 'paused' ? ' (paused)' : ''}.` : state.why_not || (state.ended?.words ?? '');
  $('why').className = !runs && !state.why_not && state.ended && !state.ended.reached ? 'hint refused' : 'hint';
  $('pause').textContent = runs?.state === 'paused' ? 'Resume' : 'Pause';
  $('pause').disabled = !runs;
  if (!runs) $('numbers').textContent = '';
  $('said').replaceChildren(...state.said.map((words) => Object.assign(document.createElement('li'), { textContent: words })));
  showThumbs();
  showLibrary();
  document.body.dataset.ready = 'true';
}

function hint() {
  const what = state.board.hand ? 'the hand' : 'things';
  if (state.selected) return `Example ${state.selected}: drag ${what} to show it again, click who takes part. Esc: back.`;
  if (state.board.hand) {
    return state.examples.length ? 'Drag the hand again. Ringed: who probably takes part; click to change.'
      : 'Drag the hand (the black cross) to where it belongs. Click the things that it is about.';
  }
  return state.examples.length ? 'Drag things again. Ringed: who probably takes part; click to change.'
    : 'Drag what is to be moved to where it belongs. Click the things beside which it is.';
}

// How far an arm is that moves things, and who takes part; null: it does not.
const STAGES = ['approach', 'grasp', 'lift', 'carry', 'place', 'release', 'retreat'];
function showMoving(moving, reason) {
  $('stages').hidden = !moving?.moves;
  $('numbers').textContent = reason;
  if (!moving) { table.show({ rings: new Map() }); $('who').textContent = ''; return; }
  $('stages').replaceChildren(...STAGES.map((stage) =>
    Object.assign(document.createElement('li'), { textContent: stage, className: stage === moving.stage ? 'now' : '' })));
  const rings = [...moving.references.map((id) => [id, 'dashed']), ...moving.movers.map((id) => [id, 'solid'])];
  table.show({ rings: new Map(rings) });
  const beside = moving.references.length ? `, beside ${names(moving.references)}` : '';
  $('who').textContent = moving.movers.length ? `Arranged: ${names(moving.movers)}${beside}.` : '';
}

function names(ids) {
  return ids.map((id) => state?.table.find((t) => t.id === id)).filter(Boolean).map((t) => `the ${t.colour} ${t.shape}`).join(', ');
}

function showHeat() {
  if (state?.moves_things) return;
  const picture = heat && heatPicture(heat);
  const bytes = heat && Uint8Array.from(atob(heat.levels), (c) => c.charCodeAt(0));
  const part = heat ? Object.keys(heat.attention).filter((id) => heat.attention[id] > .5 && id !== 'end_effector') : [];
  table.show({ heat: picture, goal: heat?.lowest ?? null, rings: new Map(part.map((id) => [id, 'solid'])) });
  space.show({ heat: heat && { size: heat.size, bytes }, goal: heat?.lowest ?? null });
  $('who').textContent = heat ? `Would take part: ${names(part) || 'nothing on the table'}.` : '';
}

function showThumbs() {
  const list = $('thumbs');
  const slots = Array.from({ length: Math.max(state.needed, state.examples.length) }, (_, i) => {
    const item = document.createElement('li');
    const example = state.examples[i];
    if (!example) {
      item.innerHTML = '<div class="empty"></div>';
      item.firstChild.textContent = i + 1;
      return item;
    }
    const canvas = Object.assign(document.createElement('canvas'), { tabIndex: 0, title: `Example ${i + 1}: show it again` });
    canvas.onclick = () => send({ type: 'select', number: i + 1 });
    canvas.onkeydown = (e) => { if (e.key === 'Enter') canvas.onclick(); };
    const away = Object.assign(document.createElement('button'), { textContent: '×', title: `Delete example ${i + 1}` });
    away.onclick = () => send({ type: 'delete', number: i + 1 });
    item.className = `${state.selected === i + 1 ? 'selected' : ''} ${state.odd === i + 1 ? 'odd' : ''}`;
    const number = Object.assign(document.createElement('span'), { textContent: state.odd === i + 1 ? `${i + 1} ✗` : i + 1 });
    item.append(canvas, number, away);
    return item;
  });
  list.replaceChildren(...slots);
  for (const [i, example] of state.examples.entries()) thumbnail(slots[i].querySelector('canvas'), example, HALF);
}

let libraryShown = '';
function showLibrary() {
  const now = JSON.stringify([state.library, state.name]);
  if (now === libraryShown) return;
  libraryShown = now;
  for (const name of Object.keys(sum)) if (!state.library.some((c) => c.name === name)) delete sum[name];
  $('library').tBodies[0].replaceChildren(...state.library.map((concept) => {
    const row = document.createElement('tr');
    const tick = Object.assign(document.createElement('input'), { type: 'checkbox', checked: concept.name in sum, ariaLabel: `${concept.name} in the sum` });
    const weight = Object.assign(document.createElement('input'), { type: 'range', min: 0, max: 2, step: .1, value: sum[concept.name] ?? 1, ariaLabel: `weight of ${concept.name}` });
    tick.onchange = weight.onchange = () => {
      if (tick.checked) sum[concept.name] = Number(weight.value); else delete sum[concept.name];
      changeSum();
    };
    const open = Object.assign(document.createElement('button'), { textContent: 'Open' });
    open.onclick = () => send({ type: 'teach', name: concept.name });
    const away = Object.assign(document.createElement('button'), { textContent: 'Delete' });
    away.onclick = () => { if (confirm(`Delete ${concept.name} from the library?`)) send({ type: 'delete_concept', name: concept.name }); };
    const name = `${concept.name}${concept.is_saved ? ' (saved)' : ''}${concept.is_understood ? '' : ' – not understood'}`;
    for (const cell of [tick, name, weight, open, away]) row.insertCell().append(cell);
    return row;
  }));
}

function concepts() {
  return Object.keys(sum).length ? sum : { [state.name]: 1 };
}

function changeSum() {
  if (!Object.values(concepts()).some((weight) => weight > 0)) return;
  send({ type: 'preview', concepts: concepts() });
  // The arm goes on to the new sum's minimum while it moves.
  if (state.running && Object.keys(state.running.concepts).length > 1) send({ type: 'run', concepts: concepts() });
}

function showPicked(id) {
  const thing = state?.board.things.find((t) => t.id === id);
  $('picked').textContent = thing ? `chosen: ${thing.colour} ${thing.shape}` : '';
  $('look').disabled = $('remove').disabled = !thing;
  if (thing) { $('colour').value = thing.colour; $('shape').value = thing.shape; }
}

for (const [id, names] of [['colour', Object.keys(COLOURS)], ['shape', SHAPES]])
  for (const name of names) for (const of of ['', 'table_']) $(of + id).append(new Option(name, name));
showPicked(null);
table.choose(null);

const look = () => ({ colour: $('colour').value, shape: $('shape').value });
const onClick = {
  run: () => send({ type: 'run', concepts: concepts() }),
  pause: () => send({ type: state.running?.state === 'paused' ? 'resume' : 'pause' }),
  stop: () => send({ type: 'stop' }),
  show_moved: () => send({ type: 'show_moved' }),
  start_here: () => send({ type: 'start_here' }),
  undo: () => send({ type: 'undo' }),
  shuffle: () => send({ type: 'shuffle', colours: $('colours').checked, shapes: $('shapes').checked }),
  add: () => send({ type: 'add', ...look() }),
  look: () => send({ type: 'look', id: board.chosen, ...look() }),
  remove: () => send({ type: 'remove', id: board.chosen }),
  table_add: () => send({ type: 'table_add', colour: $('table_colour').value, shape: $('table_shape').value }),
  table_remove: () => send({ type: 'table_remove', id: table.chosen }),
  teach: () => { if ($('name').value.trim()) send({ type: 'teach', name: $('name').value.trim() }); },
  save: () => send({ type: 'save', name: state.name }),
  export: () => send({ type: 'export', name: state.name }),
  import: () => $('file').click(),
  record: () => send({ type: 'record', on: !state.recording }),
};
for (const [id, act] of Object.entries(onClick)) $(id).onclick = act;
$('name').onkeydown = (e) => { if (e.key === 'Enter') { $('name').blur(); onClick.teach(); } };
$('colours').onchange = $('shapes').onchange = onClick.shuffle;
$('file').onchange = async () => {
  const [file] = $('file').files;
  $('file').value = '';
  if (file) send({ type: 'import', text: await file.text() });
};
$('speed').oninput = () => { $('speed_out').textContent = `${Math.round($('speed').value * 100)} %`; };
$('speed').onchange = () => send({ type: 'speed', scale: Number($('speed').value) });

// The space bar stops whatever moves, wherever the focus is; before buttons and fields get to see it.
addEventListener('keydown', (e) => {
  if (e.code === 'Space' && state?.running) { e.preventDefault(); e.stopPropagation(); send({ type: 'stop' }); }
  if (e.key === 'Escape' && state?.selected) send({ type: 'deselect' });
}, { capture: true });
