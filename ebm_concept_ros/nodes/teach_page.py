# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Node `teach_page`: a page in the browser on which a person teaches concepts and runs them.

It serves the page and talks to the other nodes through their topics, services and the action alone.
Nothing moves unless a page asks for it, and a page that is gone stops what it had started.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from typing import Annotated

import numpy as np
from aiohttp import web
from pydantic import Field
from rclpy.node import Node
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import JointState

import ebm_concept_ros.msg as ros
from ebm_concept_ros import conversions
from ebm_concept_ros.arm.config import ArmConfig
from ebm_concept_ros.arm.skeleton import Skeleton
from ebm_concept_ros.config_files import ConfigError
from ebm_concept_ros.control.reporting import Level
from ebm_concept_ros.errors import name_and_reason
from ebm_concept_ros.grasping.hand import with_grasp_site
from ebm_concept_ros.nodes.page_link import PageLink
from ebm_concept_ros.nodes.runtime import qos
from ebm_concept_ros.nodes.runtime.diagnostics import Diagnostics
from ebm_concept_ros.nodes.runtime.parameters import InvalidParameter, Parameters, declare
from ebm_concept_ros.nodes.runtime.resources import (
    load_arm_parameter,
    load_hand_parameter,
    load_workspace_parameter,
)
from ebm_concept_ros.nodes.runtime.running import RunnableDefaults, run
from ebm_concept_ros.nodes.runtime.texts import ARM, FILE, HAND, Text
from ebm_concept_ros.page.pages import Pages
from ebm_concept_ros.page.server import SHORTEST_TOKEN, Guard, application
from ebm_concept_ros.page.teacher import Teacher
from ebm_core.world.scene import InvalidInput

# A frame is sent again after this, so that a page can tell a resting arm from a dead server.
_AT_LEAST_EVERY_S = 1.0
_SAME_M = 2e-4
_LOOK_S = 0.2
_JOIN_TIMEOUT_S = 10.0
_ADDRESS = Text('an address or a name of this machine; any but the loopback needs a token', str)
_TOKEN = Text(f'nothing, or {SHORTEST_TOKEN} characters or more', str)


class TeachPageParameters(Parameters):
    """Parameters of the page."""

    host: Annotated[str, _ADDRESS] = Field(
        '127.0.0.1', min_length=1, description='address to serve the page on'
    )
    port: int = Field(8765, ge=0, le=65535, description='to serve on; 0: any that is free')
    token: Annotated[str, _TOKEN] = Field(
        '', max_length=200, description='what a page has to know; empty: nothing, on this machine'
    )
    connection_timeout_s: float = Field(
        0.4, ge=0.1, le=10.0, description='after which a silent page is gone, and its arm stops, s'
    )
    answer_timeout_s: float = Field(
        5.0, ge=0.1, le=600.0, description='how long the other nodes have to answer, s'
    )
    frame_rate: float = Field(30.0, ge=1.0, le=60.0, description='of the live view, Hz')
    arm: Annotated[str, ARM] = Field(
        'jaco', description='name of a shipped arm, or the YAML of another'
    )
    hand: Annotated[str, HAND] = Field(
        '',
        description='name of a shipped hand, or the YAML of another, which grasps; empty: the arm '
        'points',
    )
    robot_description: str = Field(
        '', description='URDF of an arm whose YAML has model: robot_description'
    )
    workspace_config: Annotated[str, FILE] = Field(
        '', description="YAML of the workspace; empty: the package's"
    )
    seed: int = Field(0, ge=0, description='of the arrangements')


class TeachPage(RunnableDefaults, Node):
    """Serves in a thread of its own; the executor's thread hears the other nodes."""

    events_executor = True

    def __init__(self) -> None:
        super().__init__('teach_page')
        p = self.parameters = declare(self, TeachPageParameters)
        self._arm = self._load_arm()
        self._workspace = load_workspace_parameter(p.workspace_config)
        self._skeleton = Skeleton(self._arm)
        try:
            self._guard = Guard(p.host, p.token)
        except ValueError as error:
            raise InvalidParameter(f'parameters host, token: {error}') from None
        self._diagnostics = Diagnostics(self)
        self._loop = asyncio.new_event_loop()
        self._pages = Pages(p.connection_timeout_s)
        link = PageLink(self, self._workspace, self._loop, p.answer_timeout_s)
        self._teacher = Teacher(link, self._pages.tell, seed=p.seed)
        self._pages.lost = self._teacher.lost
        self._pages.take = lambda message, page: self._teacher.take(message, page, page.tell)
        self._pages.first_words = lambda: [self._about(), *self._teacher.first_words()]
        self._joints: bytes | None = None
        self._status: ros.ControllerStatus | None = None
        # Five hundred a second come, and a few are looked at: the others are not even read.
        self.create_subscription(
            JointState,
            'joint_states',
            self._on_joints,
            raw=True,
            **qos.overridable(qos.JOINT_STATES_REAL_TIME),
        )
        self.create_subscription(
            ros.ControllerStatus,
            'controller/status',
            self._on_status,
            **qos.overridable(qos.STATUS),
        )
        self._ends = asyncio.Event()
        self._thread = threading.Thread(target=self._serve, name='page', daemon=True)

    def _load_arm(self) -> ArmConfig:
        """Return the arm, whose effector is where its hand grasps, if it has one."""
        p = self.parameters
        arm = load_arm_parameter(p.arm, p.robot_description)
        try:
            return with_grasp_site(arm, load_hand_parameter(p.hand)) if p.hand else arm
        except ConfigError as error:
            raise InvalidParameter(f'parameters arm, hand: {error}') from None

    def start(self) -> None:
        """Start to serve."""
        self._thread.start()

    def stop(self) -> None:
        """Close every page."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._ends.set)
            self._thread.join(_JOIN_TIMEOUT_S)

    # Executor's thread -----------------------------------------------------------------------

    def _on_joints(self, message: bytes) -> None:
        self._joints = message

    def _on_status(self, message: ros.ControllerStatus) -> None:
        self._status = message

    # The server's thread ---------------------------------------------------------------------

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serving())
        except Exception as error:
            self._diagnostics.set('page', Level.ERROR, f'ended: {name_and_reason(error)}')
            self.exit_code = 1
        finally:
            self._loop.close()

    async def _serving(self) -> None:
        p = self.parameters
        runner = web.AppRunner(application(self._pages, self._guard), access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, p.host, p.port, reuse_address=True)
        await site.start()
        _, port, *_ = site._server.sockets[0].getsockname()
        host = f'[{p.host}]' if ':' in p.host else p.host
        secret = f'?token={p.token}' if p.token else ''
        address = f'http://{host}:{port}/{secret}'
        # Not through diagnostics: the token is for who started it.
        print(f'Teach on {address}', flush=True)
        self._diagnostics.set('page', Level.OK, f'served on {host}:{port}')
        works = (self._pages.watch(), self._show_live(), self._say_when_ready(address))
        tasks = [asyncio.create_task(work) for work in works]
        try:
            await self._ends.wait()
        finally:
            for task in tasks:
                task.cancel()
            await self._pages.close()
            await runner.cleanup()

    async def _say_when_ready(self, address: str) -> None:
        """Print the address once more when all nodes are there, as they have talked meanwhile."""
        while self._teacher.missing:
            await asyncio.sleep(_LOOK_S)
        print(f'Ready. Open {address} in a browser.', flush=True)

    def _about(self) -> dict:
        """Return what never changes."""
        workspace = self._workspace
        return {
            'type': 'about',
            'half_width': workspace.half_width_units,
            'metres_per_unit': workspace.metres_per_unit,
            'centre_in_base': workspace.centre_in_base_m,
            'table_height': workspace.table_height_in_base_m,
            'hover_height': workspace.hover_height_in_base_m,
            'lines': self._skeleton.lines.tolist(),
            'radii': self._skeleton.radii_m.round(4).tolist(),
        }

    async def _show_live(self) -> None:
        """Send where the arm is, as often as it moves."""
        period_s = 1.0 / self.parameters.frame_rate
        last, sent_s = np.zeros((1, 3)), -np.inf
        next_s = self._loop.time()
        while True:
            # By the clock: the work in between does not slow it down, what is late is left out.
            next_s = max(next_s + period_s, self._loop.time())
            await asyncio.sleep(next_s - self._loop.time())
            now_s = self._loop.time()
            points = self._points() if self._pages.number else None
            if points is None:
                continue
            moved = points.shape != last.shape or np.abs(points - last).max() > _SAME_M
            if moved or now_s - sent_s > _AT_LEAST_EVERY_S:
                last, sent_s = points, now_s
                self._pages.tell(self._frame(points))

    def _points(self) -> np.ndarray | None:
        if self._joints is None:
            return None
        try:
            message = deserialize_message(self._joints, JointState)
            sample = conversions.joint_state_from_message(message, self._arm.joint_names)
        except InvalidInput as error:
            self._diagnostics.refuse('joint_states', error)
            return None
        return self._skeleton.points_in_base_m(sample.positions_rad)

    def _frame(self, points: np.ndarray) -> dict:
        status = self._status
        return {
            'type': 'live',
            'points': points.round(4).tolist(),
            'hand': self._workspace.to_plane(points[-1]).round(4).tolist(),
            'state': 0 if status is None else status.state,
            'reason': '' if status is None else status.reason,
        }


def main() -> int:
    """Run the node."""
    return run(TeachPage)


if __name__ == '__main__':
    sys.exit(main())
