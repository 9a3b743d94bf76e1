# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""ROS domains for tests: one of its own for whoever asks, on this machine only."""

import socket

_FIRST_PORT = 22119
_DOMAINS = range(1, 101)  # higher ones run into the ephemeral ports


def claim_domain() -> tuple[int, socket.socket]:
    """Take the first domain whose lock port nobody holds; the port is the lock."""
    for domain in _DOMAINS:
        lock = socket.socket()
        try:
            lock.bind(('127.0.0.1', _FIRST_PORT + domain))
        except OSError:
            lock.close()
        else:
            return domain, lock
    raise RuntimeError('all ROS domains from 1 to 100 are in use by other tests')
