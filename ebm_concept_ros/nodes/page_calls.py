# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a loop asks of other nodes is awaited there, though another thread executes the node."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from rclpy.client import Client
from rclpy.node import Node
from rclpy.task import Future

from ebm_concept_ros.page.link import Refused

_LOOK_S = 0.02
# An answer is lost where the server has not discovered yet who asks, which ROS does not wait for.
_ASK_AGAIN_S = 2.0


class PageCalls:
    """Calls services from a loop. timeout_s: after which nobody has answered."""

    def __init__(self, node: Node, loop: asyncio.AbstractEventLoop, timeout_s: float) -> None:
        self._node = node
        self._loop = loop
        self._timeout_s = timeout_s
        self._clients: dict[str, Client] = {}

    def offer(self, services: dict[str, type]) -> None:
        """Have these called from now on; services: their kinds by name."""
        for name, kind in services.items():
            self._clients[name] = self._node.create_client(kind, name)

    def is_ready(self, service: str) -> bool:
        """Tell whether somebody offers a service now."""
        return self._clients[service].service_is_ready()

    async def call(self, service: str, **fields: object) -> Any:
        """Return the answer of a service; raises Refused, also where the answer is that."""
        client = self._clients[service]
        await self.until(client.service_is_ready, f'{service}: nobody offers it')
        asked = client.call_async(client.srv_type.Request(**fields))
        try:
            answer = await self.answer(asked, service)
        finally:  # the client would keep what is never answered
            client.remove_pending_request(asked)
        if getattr(answer, 'success', True):
            return answer
        raise Refused(answer.message)

    async def look_up(self, service: str, **fields: object) -> Any:
        """Return the answer of a service that changes nothing, and so is asked again for one."""
        await self.until(self._clients[service].service_is_ready, f'{service}: nobody offers it')
        asked: list[asyncio.Task] = []
        try:
            while True:
                asked.append(asyncio.create_task(self.call(service, **fields)))
                done, _ = await asyncio.wait(
                    asked, timeout=_ASK_AGAIN_S, return_when=asyncio.FIRST_COMPLETED
                )
                if done:
                    return done.pop().result()
        finally:
            for task in asked:
                task.cancel()

    async def answer(self, future: Future, who: str) -> Any:
        """Return what a future comes to in time; raises Refused."""
        try:
            return await asyncio.wait_for(self.awaited(future), self._timeout_s)
        except TimeoutError:
            raise Refused(f'{who}: no answer within {self._timeout_s:g} s') from None

    async def awaited(self, future: Future) -> Any:
        """Return what a future of the executor's thread comes to, whenever it does."""
        awaited: asyncio.Future = self._loop.create_future()

        def done() -> None:
            if not awaited.done():
                awaited.set_result(None)

        future.add_done_callback(lambda _: self.tell(done))
        await awaited
        return future.result()

    async def until(self, holds: Callable[[], bool], reason: str) -> None:
        """Wait until it holds; raises Refused with the reason where it does not in time."""
        ends_s = self._loop.time() + self._timeout_s
        while not holds():
            if self._loop.time() > ends_s:
                raise Refused(reason)
            await asyncio.sleep(_LOOK_S)

    def tell(self, function: Callable[..., None], *values: object) -> None:
        """Have a function called in the loop, from any thread, unless the loop has ended."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *values)
