# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`ros2 launch` and `ros2 run` where ROS 2 came from wheels, of which there are none of launch.

    ros2 launch ebm_concept_ros reach_between.launch.py scene_seed:=7
    ros2 launch ebm_concept_ros reach_between.launch.py --show-args
    ros2 run ebm_concept_ros simulator --ros-args -p scene_seed:=7

Launch files that keep to the names in PROVIDED run as they do under the real ros2; any other name
is refused. Not installed with the package, and hands over where the real `launch` is installed.
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
import json
import os
import queue
import runpy
import signal
import subprocess
import sys
import threading
import time
import types
from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

# From SIGINT to SIGTERM, and from that to SIGKILL, where a node says nothing else; as in the real
# launch.
ESCALATION_S = 5.0
REMEDY = 'install ROS 2 Kilted (https://docs.ros.org/en/kilted/Installation.html) for it'


class LaunchError(Exception):
    """Why a launch cannot start or go on, in words for the user."""


# What a launch file may use; arguments that are not written here are refused by Python itself. ---

LaunchDescription = namedtuple('LaunchDescription', 'entities')
DeclareLaunchArgument = namedtuple(
    'DeclareLaunchArgument', 'name default_value description', defaults=[None, 'not described']
)
OpaqueFunction = namedtuple('OpaqueFunction', 'function')  # called with the context
RegisterEventHandler = namedtuple('RegisterEventHandler', 'event_handler')
OnProcessExit = namedtuple('OnProcessExit', 'target_action on_exit')  # on_exit(event, context)
Shutdown = namedtuple('Shutdown', 'reason', defaults=['reason not given'])


@dataclass(eq=False)
class Node:
    """A node of a package, as a process whose output appears on our standard output."""

    executable: str
    package: str
    name: str | None = None
    parameters: list[dict | str] = field(default_factory=list)
    output: str = 'screen'
    sigterm_timeout: str | None = None
    sigkill_timeout: str | None = None

    def escalation(self, from_s: float) -> list[tuple[float, int]]:
        """Return when it is sent what, s, unless it has ended by then."""
        steps = []
        for number, text in (
            (signal.SIGTERM, self.sigterm_timeout),
            (signal.SIGKILL, self.sigkill_timeout),
        ):
            from_s += ESCALATION_S if text is None else float(text)
            steps.append((from_s, number))
        return steps

    def command(self) -> list[str]:
        """Return the command line of the process."""
        if self.output != 'screen':
            raise LaunchError(f'Node output {self.output!r} is not in the stand-in; {REMEDY}')
        command = [str(executable_path(self.package, self.executable)), '--ros-args']
        if self.name:
            command += ['-r', f'__node:={self.name}']
        for group in self.parameters:  # later ones count more
            if isinstance(group, str):
                command += ['--params-file', group]
            else:  # JSON is YAML
                command += [w for n, v in group.items() for w in ('-p', f'{n}:={json.dumps(v)}')]
        return command


PROVIDED = {
    'launch': [LaunchDescription],
    'launch.actions': [DeclareLaunchArgument, OpaqueFunction, RegisterEventHandler, Shutdown],
    'launch.event_handlers': [OnProcessExit],
    'launch_ros': [],
    'launch_ros.actions': [Node],
}


def provide() -> None:
    """Put the names above in place of launch and launch_ros, in this process."""
    for name, provided in PROVIDED.items():
        module = sys.modules[name] = types.ModuleType(name)
        module.__path__ = []
        vars(module).update({item.__name__: item for item in provided})


def load_description(path: Path) -> LaunchDescription:
    """Return what a launch file describes."""
    provide()
    try:
        return runpy.run_path(str(path))['generate_launch_description']()
    except ImportError as error:
        if (error.name or '').partition('.')[0] in PROVIDED:
            raise LaunchError(f'{error}: it is not in the stand-in; {REMEDY}') from None
        raise


class Launch:
    """Runs a launch description to its end.

    One thread for each node forwards its output; all that happens, ends of processes and signals,
    comes to the main thread through one queue.
    """

    def __init__(self, description: LaunchDescription, configurations: dict[str, str]) -> None:
        self._description = description
        self._context = types.SimpleNamespace(launch_configurations=configurations)
        self._running: dict[str, tuple[Node, subprocess.Popen]] = {}
        self._handlers: list[OnProcessExit] = []
        self._happened: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        # When to send what to which node; None until the shutdown.
        self._escalation: list[tuple[float, int, str]] | None = None
        self._status = self._started = 0

    def run(self) -> int:
        """Return 0 only if no function, no handler and no node failed."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            stop = functools.partial(self._shut_down, f'{number.name} received', number)
            signal.signal(number, lambda *_, stop=stop: self._happened.put(stop))
        self._do(lambda: self._description.entities)
        while self._running:
            due = self._escalation[0][0] - time.monotonic() if self._escalation else None
            try:
                self._happened.get(timeout=due if due is None else max(due, 0.0))()
            except queue.Empty:
                _, number, name = self._escalation.pop(0)
                self._send(number, [name])
        return self._status

    def _say(self, text: str) -> None:
        try:
            print(text, flush=True)
        except BrokenPipeError:  # whoever read this is gone, and with it the reason to run
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            self._happened.put(lambda: self._shut_down('nobody reads the output'))

    def _do(self, entities_of: Callable[[], list | None]) -> None:
        try:
            for entity in entities_of() or []:
                self._visit(entity)
        except Exception as error:
            print(f'[launch] error: {error}', file=sys.stderr, flush=True)
            self._status = 1
            self._shut_down('because of an error')

    def _visit(self, entity: object) -> None:
        match entity:
            case OpaqueFunction():
                for item in entity.function(self._context) or []:
                    self._visit(item)
            case RegisterEventHandler():
                self._handlers.append(entity.event_handler)
            case Shutdown():
                self._shut_down(entity.reason)
            case Node():
                if self._escalation is None:
                    self._start(entity)
            case DeclareLaunchArgument():
                pass
            case _:
                raise LaunchError(f'{entity!r} is not in the stand-in; {REMEDY}')

    def _start(self, node: Node) -> None:
        # A session of its own: Ctrl-C in a terminal then reaches the node once, through us.
        process = subprocess.Popen(
            node.command(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors='replace',
            start_new_session=True,
        )
        self._started += 1
        name = f'{node.executable}-{self._started}'
        self._running[name] = node, process
        self._say(f'[launch] {name}: started, pid {process.pid}')

        def follow() -> None:
            for line in process.stdout:
                self._say(f'[{name}] ' + line.removesuffix('\n'))
            process.wait()
            self._happened.put(lambda: self._ended(node, name, process))

        threading.Thread(target=follow, daemon=True).start()

    def _ended(self, node: Node, name: str, process: subprocess.Popen) -> None:
        returncode = process.returncode
        self._say(f'[launch] {name}: ended with status {returncode}')
        del self._running[name]
        self._status = self._status or (returncode if returncode >= 0 else 128 - returncode)
        event = types.SimpleNamespace(process_name=name, pid=process.pid, returncode=returncode)
        for handler in self._handlers:
            if handler.target_action is node:
                self._do(lambda handler=handler: handler.on_exit(event, self._context))

    def _shut_down(self, reason: str, number: int = signal.SIGINT) -> None:
        if self._escalation is None:
            self._say(f'[launch] shutting down: {reason}')
            now_s = time.monotonic()
            self._escalation = sorted(
                (due_s, step, name)
                for name, (node, _) in self._running.items()
                for due_s, step in node.escalation(now_s)
            )
            self._send(number, list(self._running))

    def _send(self, number: int, names: list[str]) -> None:
        for _, process in (self._running[name] for name in names if name in self._running):
            process.send_signal(number)


def configurations(description: LaunchDescription, given: list[str]) -> dict[str, str]:
    """Return the value of every declared argument; refuse malformed, unknown and missing ones."""
    declared = [e for e in description.entities if isinstance(e, DeclareLaunchArgument)]
    values = {argument.name: argument.default_value for argument in declared}
    for item in given:
        name, separator, value = item.partition(':=')
        if not (name and separator):
            raise LaunchError(f'malformed launch argument {item!r}, expected <name>:=<value>')
        if name not in values:
            raise LaunchError(f'unknown launch argument {name!r}; known are {", ".join(values)}')
        values[name] = value
    if missing := [name for name, value in values.items() if value is None]:
        raise LaunchError(f'launch arguments without a value: {", ".join(missing)}')
    return values


def package_prefix(package: str) -> Path:
    """Return where a package is installed."""
    from ament_index_python.packages import PackageNotFoundError, get_package_prefix

    try:
        return Path(get_package_prefix(package))
    except (PackageNotFoundError, ValueError):
        raise LaunchError(f'package {package!r} not found in AMENT_PREFIX_PATH') from None


def executable_path(package: str, executable: str) -> Path:
    """Return the path of a package's executable."""
    known = {path.name: path for path in (package_prefix(package) / 'lib' / package).glob('*')}
    if executable not in known:
        raise LaunchError(
            f'package {package!r} has no executable {executable!r}; it has {", ".join(known)}'
        )
    return known[executable]


def launch(arguments: list[str]) -> int:
    """Do `ros2 launch <arguments>`."""
    parser = argparse.ArgumentParser(prog='ros2 launch')
    parser.add_argument('-s', '--show-args', '--show-arguments', action='store_true')
    parser.add_argument('package', help='name of the package that has the launch file')
    parser.add_argument('file', help='name of the launch file')
    parser.add_argument('arguments', nargs='*', metavar='<name>:=<value>')
    options = parser.parse_intermixed_args(arguments)
    share = package_prefix(options.package) / 'share' / options.package
    paths = list(share.rglob(options.file))
    if not paths:
        raise LaunchError(f'package {options.package!r} has no launch file {options.file!r}')
    description = load_description(paths[0])
    if not options.show_args:
        return Launch(description, configurations(description, options.arguments)).run()
    print("Arguments (pass arguments as '<name>:=<value>'):")
    for entity in description.entities:
        if isinstance(entity, DeclareLaunchArgument):
            print(f"\n    '{entity.name}':\n        {entity.description}")
            print(f'        (default: {entity.default_value!r})')
    return 0


def run(arguments: list[str]) -> NoReturn:
    """Do `ros2 run <package> <executable> [argument ...]`."""
    if len(arguments) < 2:
        raise LaunchError('usage: ros2 run <package> <executable> [argument ...]')
    path = executable_path(arguments[0], arguments[1])
    os.execv(path, [str(path), *arguments[2:]])


def main(arguments: list[str]) -> int:
    """Do `ros2 <arguments>`."""
    # A folder named launch, as in this repository, makes a namespace: it has no origin.
    if (real := importlib.util.find_spec('launch')) and real.origin:
        from ros2cli.cli import main as real_main

        return real_main(argv=arguments)
    verbs = {'launch': launch, 'run': run}
    verb = arguments[0] if arguments else None
    try:
        if verb not in verbs:
            raise LaunchError(f'here are only `ros2 launch` and `ros2 run`, not {verb!r}; {REMEDY}')
        return verbs[verb](arguments[1:])
    except LaunchError as error:
        print(f'ros2: {error}', file=sys.stderr)
        return 2


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
