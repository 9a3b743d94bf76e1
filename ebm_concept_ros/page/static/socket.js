// Copyright 2026 The ebm_concept_ros contributors
// SPDX-License-Identifier: Apache-2.0

// The connection to the server. While it lasts the page says ten times a second that it is there.

const AGAIN_MS = 500;

export class Socket {
  // heard(message), changed(isOpen)
  constructor(heard, changed) {
    this.heard = heard;
    this.changed = changed;
    new Worker('beat.js').onmessage = () => this.send({ type: 'beat' });
    this.open();
  }

  open() {
    this.socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/socket`);
    this.socket.onopen = () => this.changed(true);
    this.socket.onmessage = ({ data }) => this.heard(JSON.parse(data));
    this.socket.onclose = () => { this.changed(false); setTimeout(() => this.open(), AGAIN_MS); };
  }

  send(message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }
}
