# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The open pages: what each is told, what it says, and whether it is still there."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from ebm_concept_ros.page.messages import MAX_BYTES, Beat, message_of
from ebm_core.world.scene import InvalidInput

# Of what a page does not read in time the newest frames alone matter, and a page that reads nothing
# any more is gone.
_MOST_WAITING = 200
_LOOK_S = 0.05
_MOST_PAGES = 20
_MOST_TAKEN = 50  # messages that are being done


class OpenPage:
    """One browser's connection. last_heard_s: on the monotonic clock."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self.socket = socket
        self.last_heard_s = time.monotonic()
        self.is_lost = False
        self._waiting: asyncio.Queue[str] = asyncio.Queue(_MOST_WAITING)

    def tell(self, message: dict[str, Any]) -> None:
        """Send a message, in turn."""
        self.tell_text(json.dumps(message, allow_nan=False))

    def tell_text(self, text: str) -> None:
        """Send a message that is written already; of too many that wait, it is the one left out."""
        with suppress(asyncio.QueueFull):
            self._waiting.put_nowait(text)

    async def write(self) -> None:
        """Send what is told, until the connection ends."""
        with suppress(ConnectionError):
            while not self.socket.closed:
                await self.socket.send_str(await self._waiting.get())


class Pages:
    """All open pages.

    take: what a page says, but for beats. lost: a page has not been heard for timeout_s, or its
    connection has ended; told once, and again when a page that was lost speaks and is lost again.
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._open: set[OpenPage] = set()
        self._taken: set[asyncio.Task] = set()
        self.take: Callable[[Any, OpenPage], Any]
        self.lost: Callable[[OpenPage], Any]
        self.first_words: Callable[[], list[dict[str, Any]]]

    @property
    def number(self) -> int:
        """How many there are."""
        return len(self._open)

    def tell(self, message: dict[str, Any]) -> None:
        """Send a message to every page."""
        if self._open:
            text = json.dumps(message, allow_nan=False)
            for page in self._open:
                page.tell_text(text)

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Talk to one page until it leaves."""
        if len(self._open) >= _MOST_PAGES:
            raise web.HTTPServiceUnavailable(text=f'{_MOST_PAGES} pages are open already')
        socket = web.WebSocketResponse(max_msg_size=MAX_BYTES, heartbeat=None)
        await socket.prepare(request)
        page = OpenPage(socket)
        for words in self.first_words():
            page.tell(words)
        self._open.add(page)
        writing = asyncio.create_task(page.write())
        try:
            async for received in socket:
                if received.type is WSMsgType.ERROR:
                    break
                self._hear(page, received.data if received.type is WSMsgType.TEXT else '')
        finally:
            self._open.discard(page)
            writing.cancel()
            if not page.is_lost:
                page.is_lost = True
                await self.lost(page)
        return socket

    async def watch(self) -> None:
        """Notice pages that have fallen silent; runs until it is cancelled."""
        while True:
            await asyncio.sleep(_LOOK_S)
            now_s = time.monotonic()
            for page in list(self._open):
                if not page.is_lost and now_s - page.last_heard_s > self._timeout_s:
                    page.is_lost = True
                    await self.lost(page)

    async def close(self) -> None:
        """Take leave of all."""
        for page in list(self._open):
            await page.socket.close(code=WSCloseCode.GOING_AWAY, message=b'the server ends')

    def _hear(self, page: OpenPage, text: str) -> None:
        page.last_heard_s = time.monotonic()
        page.is_lost = False
        try:
            message = message_of(text)
        except InvalidInput as error:
            page.tell({'type': 'refused', 'what': 'message', 'reason': str(error)})
            return
        if isinstance(message, Beat):
            return
        # Not waited for: a stop overtakes whatever is being asked of the nodes.
        if len(self._taken) >= _MOST_TAKEN and message.type != 'stop':
            page.tell({'type': 'refused', 'what': message.type, 'reason': 'too much at once'})
            return
        task = asyncio.create_task(self.take(message, page))
        self._taken.add(task)
        task.add_done_callback(self._taken.discard)
