# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The server: who may use it, which files it has, and pages that fall silent."""

import asyncio
import json
from types import SimpleNamespace

import pytest
from aiohttp import WSMsgType
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given, settings
from hypothesis import strategies as st

from ebm_concept_ros.page import pages as pages_module
from ebm_concept_ros.page.pages import Pages
from ebm_concept_ros.page.server import Guard, application

TOKEN = 'a token of enough characters'
SILENT_S = 0.2


class Heard:
    """What the server heard from pages."""

    def __init__(self, pages):
        self.taken, self.lost, self.pages = [], [], pages._open
        pages.first_words = lambda: [{'type': 'first'}]
        pages.take = self.take

        async def lost(page):
            self.lost.append(page)

        pages.lost = lost

    async def take(self, message, page):
        self.taken.append(message)


def served(test, guard=None):
    """Run a test's coroutine with a client of the server, and what it heard."""

    async def body():
        pages = Pages(SILENT_S)
        heard = Heard(pages)
        guard_ = guard or Guard('127.0.0.1', '')
        async with TestClient(TestServer(application(pages, guard_))) as client:
            watching = asyncio.create_task(pages.watch())
            try:
                await test(client, heard)
            finally:
                watching.cancel()
                await pages.close()

    asyncio.run(body())


async def status(client, path, **given):
    async with client.get(path, **given) as response:
        return response.status


async def raw_status(client, path):
    """Ask for a path as it is written; a client would tidy it up."""
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(f'GET {path} HTTP/1.1\r\nHost: {client.host}\r\n\r\n'.encode())
    line = await reader.readline()
    writer.close()
    return int(line.split()[1])


def test_it_has_its_own_files_and_no_other():
    async def test(client, heard):
        for path in ('/', '/app.js', '/style.css'):
            assert await status(client, path) == 200
        for path in ('/../server.py', '/%2e%2e/server.py', '//etc/passwd', '/static', '/app.js/'):
            assert await raw_status(client, path) == 404
        async with client.get('/') as response:
            assert "default-src 'self'" in response.headers['Content-Security-Policy']
        assert await status(client, '/', headers={'Host': 'elsewhere.example'}) == 403
        assert (
            await status(client, '/socket', headers={'Origin': 'http://elsewhere.example'}) == 403
        )

    served(test)


PARTS = st.sampled_from(['..', '%2e%2e', '.', 'static', 'server.py', 'etc', 'passwd', '~', '\\'])


@settings(max_examples=10, deadline=None)
@given(st.lists(st.lists(PARTS, min_size=1, max_size=6).map('/'.join), min_size=1, max_size=20))
def test_no_path_leads_out(paths):
    async def test(client, heard):
        for path in paths:
            assert await raw_status(client, f'/{path}') in (400, 404)

    served(test)


def test_on_another_address_nobody_is_served_without_the_token():
    with pytest.raises(ValueError, match='give a token'):
        Guard('0.0.0.0', '')
    with pytest.raises(ValueError, match='at least 16 needed'):
        Guard('0.0.0.0', 'short')

    async def test(client, heard):
        for path in ('/', '/app.js', '/socket', '/?token=wrong'):
            assert await status(client, path) == 403
        assert await status(client, f'/?token={TOKEN}') == 200
        assert await status(client, '/app.js') == 200, 'the browser keeps it'
        async with client.ws_connect('/socket') as socket:
            assert (await socket.receive_json())['type'] == 'first'

    served(test, Guard('0.0.0.0', TOKEN))


@settings(max_examples=10, deadline=None)
@given(st.lists(st.text(max_size=300) | st.binary(max_size=300), min_size=1, max_size=20))
def test_whatever_is_sent_is_answered_with_a_reason_and_the_page_stays(sent):
    async def test(client, heard):
        async with client.ws_connect('/socket') as socket:
            await socket.receive()
            for item in sent:
                await (socket.send_str if isinstance(item, str) else socket.send_bytes)(item)
            for _ in sent:
                assert (await socket.receive_json())['reason']
            await socket.send_json({'type': 'stop'})
            while not heard.taken:
                await asyncio.sleep(0.01)

    served(test)


def test_what_is_too_large_ends_the_connection():
    async def test(client, heard):
        async with client.ws_connect('/socket') as socket:
            await socket.receive()
            await socket.send_str('x' * 600_000)
            assert (await socket.receive()).type is WSMsgType.CLOSE
        while not heard.lost:
            await asyncio.sleep(0.01)

    served(test)


def test_a_page_that_falls_silent_or_is_closed_is_lost_in_time(monkeypatch):
    now_s = 0.0  # of the server's clock, which passes as this test says
    monkeypatch.setattr(pages_module, 'time', SimpleNamespace(monotonic=lambda: now_s))

    async def test(client, heard):
        nonlocal now_s
        async with client.ws_connect('/socket') as socket:
            await socket.receive()
            (page,) = heard.pages
            for _ in range(10):  # longer than it may be silent
                now_s += 0.9 * SILENT_S
                await socket.send_str(json.dumps({'type': 'beat'}))
                while page.last_heard_s < now_s:
                    await asyncio.sleep(0.01)
            now_s += 0.9 * SILENT_S
            await asyncio.sleep(3 * pages_module._LOOK_S)
            assert not heard.lost
            now_s += 0.2 * SILENT_S
            while not heard.lost:
                await asyncio.sleep(0.01)
            await socket.send_str(json.dumps({'type': 'beat'}))
            await socket.send_json({'type': 'stop'})
            while not heard.taken:
                await asyncio.sleep(0.01)
        while len(heard.lost) < 2:
            await asyncio.sleep(0.01)

    served(test)
