# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The server of the page: a few files, one socket, and who may use them.

On the loopback whoever is on this machine may, by its names alone, so that no other site's page can
(a name that its owner points at 127.0.0.1 is another name). On another address nobody may without
the token, which the printed address has and a cookie keeps.
"""

from __future__ import annotations

import hmac
import ipaddress
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

from ebm_concept_ros.page.pages import Pages

_STATIC = Path(__file__).with_name('static')
_TYPES = {'.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css'}
_COOKIE = 'ebm_page_token'
_HEADERS = {
    'Content-Security-Policy': "default-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cache-Control': 'no-cache',
}
SHORTEST_TOKEN = 16


def is_loopback(host: str) -> bool:
    """Tell whether an address or a name is this machine's own, whom nobody else reaches."""
    if host == 'localhost':
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Guard:
    """Who may use the page.

    host: what the server is bound to. token: empty on the loopback alone. Raises ValueError where
    the page would be open to everybody.
    """

    def __init__(self, host: str, token: str) -> None:
        if not is_loopback(host) and not token:
            raise ValueError(
                f'{host!r} is not this machine alone; give a token to serve the page there'
            )
        if token and len(token) < SHORTEST_TOKEN:
            raise ValueError(f'token: {len(token)} characters, at least {SHORTEST_TOKEN} needed')
        self._names = None if not is_loopback(host) else {'localhost', '127.0.0.1', '::1', host}
        self._token = token

    def refuses(self, request: web.Request) -> str:
        """Return why a request is refused, or nothing."""
        asked = urlsplit(f'//{request.host}')
        if self._names is not None and asked.hostname not in self._names:
            return f'host {request.host!r} is not this machine'
        origin = request.headers.get('Origin')
        if origin is not None and urlsplit(origin).netloc != request.host:
            return f'origin {origin!r} is another site'
        given = request.query.get('token') or request.cookies.get(_COOKIE, '')
        if self._token and not hmac.compare_digest(given.encode(), self._token.encode()):
            return 'the token is missing or wrong; use the address that was printed'
        return ''

    def keep(self, request: web.Request, response: web.StreamResponse) -> None:
        """Have the browser keep the token that its address had."""
        if self._token and request.query.get('token'):
            response.set_cookie(_COOKIE, self._token, httponly=True, samesite='Strict')


def application(pages: Pages, guard: Guard) -> web.Application:
    """Return the server: the files of the page, by their names alone, and its socket."""
    files = {f'/{path.name}': path for path in _STATIC.iterdir() if path.suffix in _TYPES}
    files['/'] = files['/index.html']

    @web.middleware
    async def guarded(request: web.Request, handler: object) -> web.StreamResponse:
        if reason := guard.refuses(request):
            return web.Response(status=403, text=f'Refused: {reason}\n')
        return await handler(request)

    async def file(request: web.Request) -> web.Response:
        path = files.get(request.path)
        if path is None:
            raise web.HTTPNotFound
        response = web.Response(
            body=path.read_bytes(), content_type=_TYPES[path.suffix], charset='utf-8'
        )
        response.headers.update(_HEADERS)
        guard.keep(request, response)
        return response

    app = web.Application(middlewares=[guarded])
    app.router.add_get('/socket', pages.serve)
    app.router.add_get('/{name:.*}', file)
    return app
