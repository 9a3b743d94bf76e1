# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which part of the repository may import which: parsed from the source, and tried in a process."""

import ast
import subprocess
import sys
from collections import Counter, deque
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ('ebm_core', 'ebm_concept_ros', 'benchmarks')
ROS = ('rclpy', 'ament_index_python', 'rcl_interfaces', 'rosgraph_msgs', 'builtin_interfaces')
MESSAGES = (
    *('ebm_concept_ros.msg', 'ebm_concept_ros.srv', 'ebm_concept_ros.action', 'action_msgs'),
    *('std_msgs', 'sensor_msgs', 'geometry_msgs', 'diagnostic_msgs', 'nav_msgs', 'tf2_msgs'),
    *('trajectory_msgs', 'visualization_msgs'),
)

# Every room of ebm_concept_ros, and the rooms that it may import beside itself. What has no folder
# of its own is a room of one file.
ROOMS = {
    'errors': set(),
    'config_files': {'errors'},
    'workspace': {'config_files'},
    'types': set(),
    'package_files': {'config_files', 'errors'},
    'arm': {'errors', 'config_files', 'workspace'},
    'field': {'arm', 'types', 'workspace'},
    'planning': {'field', 'arm', 'config_files', 'package_files', 'workspace'},
    'control': {'planning', 'field', 'arm', 'types', 'errors', 'workspace'},
    'oracle': {'grasping', 'field', 'types', 'workspace'},
    'arranging': {'config_files', 'workspace'},
    'grasping': {
        *('arranging', 'control', 'planning', 'arm'),
        *('types', 'errors', 'config_files', 'workspace'),
    },
    'recording': {
        *('control', 'planning', 'field', 'arm'),
        *('types', 'config_files', 'package_files', 'workspace'),
    },
    'report': {'grasping', 'planning', 'field', 'arm', 'workspace'},
    'conversions': {'grasping', 'arm', 'types', 'config_files', 'workspace'},
    'bags': {'conversions', 'types', 'package_files', 'workspace'},
    'live_view': {'bags', 'arm'},
    'client': {'bags', 'conversions', 'nodes', 'package_files', 'workspace'},
    'page': set(),
    'nodes': {
        *(
            'page',
            'bags',
            'conversions',
            'report',
            'recording',
            'oracle',
            'grasping',
            'arranging',
            'control',
            'planning',
            'field',
            'arm',
        ),
        *('types', 'errors', 'config_files', 'package_files', 'workspace'),
    },
}
WITHOUT_ROS = sorted(set(ROOMS) - {'bags', 'client', 'nodes', 'conversions'})
WITHOUT_TORCH = ['arm', 'control', 'field', 'grasping', 'page', 'planning', 'report']


def modules(package: str) -> dict[str, Path]:
    """Return the files of a package by module name."""
    found = {}
    for path in sorted((ROOT / package).rglob('*.py')):
        parts = path.relative_to(ROOT).with_suffix('').parts
        found['.'.join(parts[:-1] if parts[-1] == '__init__' else parts)] = path
    return found


@cache
def imports(name: str, path: Path) -> tuple[str, ...]:
    """Return the names that a module imports, wherever in it, but not those for type checkers."""
    package = name if path.name == '__init__.py' else name.rpartition('.')[0]
    found: list[str] = []
    nodes: deque[ast.AST] = deque([ast.parse(path.read_text(encoding='utf-8'))])
    while nodes:
        node = nodes.popleft()
        if isinstance(node, ast.If) and 'TYPE_CHECKING' in ast.unparse(node.test):
            nodes.extend(node.orelse)
            continue
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ''
            if node.level:
                above = package.split('.')
                above = above[: len(above) - node.level + 1]
                base = '.'.join([*above, base] if base else above)
            found += [f'{base}.{alias.name}' for alias in node.names]
        elif isinstance(node, ast.expr):
            continue  # nothing is imported in an expression
        nodes.extend(ast.iter_child_nodes(node))
    return tuple(found)


def graph(*packages: str) -> dict[str, set[str]]:
    """Return which modules of the packages each of their modules imports."""
    files = {name: path for package in packages for name, path in modules(package).items()}
    out = {}
    for name, path in files.items():
        out[name] = set()
        for imported in imports(name, path):
            # A name is a module's or a thing's in a module.
            target = imported if imported in files else imported.rpartition('.')[0]
            if target in files and target != name:
                out[name].add(target)
    return out


def circle(edges: dict[str, set[str]]) -> list[str]:
    """Return the modules of an import circle, or nothing."""
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def room(module: str) -> str:
    return module.split('.')[1] if '.' in module else ''


def test_no_modules_import_each_other_in_a_circle():
    edges = graph(*PACKAGES)
    assert len(edges) > 100 and sum(map(len, edges.values())) > 300, 'the imports were not found'
    assert circle(edges) == []


def test_a_circle_is_found():
    assert circle({'a': {'b'}, 'b': {'c'}, 'c': {'a'}})


def test_imports_are_found_however_they_are_written(tmp_path):
    path = tmp_path / 'module.py'
    path.write_text(
        'from typing import TYPE_CHECKING\nfrom . import beside\nfrom .beside import thing\n'
        'from ..above import thing\nif TYPE_CHECKING:\n    import torch\n'
        'def later():\n    import rclpy.node\n'
    )
    assert list(imports('a.b.module', path)) == [
        'typing.TYPE_CHECKING',
        'a.b.beside',
        'a.b.beside.thing',
        'a.above.thing',
        'rclpy.node',
    ]


def test_rooms_import_only_what_lies_below_them():
    edges = graph('ebm_concept_ros')
    assert {room(module) for module in edges} - {''} == set(ROOMS)
    wrong = [
        f'{module} imports {imported}'
        for module, targets in edges.items()
        for imported in targets
        if room(module) and room(imported) not in ROOMS[room(module)] | {room(module), ''}
    ]
    assert not wrong
    assert not circle({name: set(below) for name, below in ROOMS.items()})


def test_only_nodes_client_and_conversions_know_ros():
    wrong = [
        f'{module} imports {imported}'
        for module, path in modules('ebm_concept_ros').items()
        if room(module) not in ('nodes', 'client', 'conversions', 'package_files')
        for imported in imports(module, path)
        if imported.split('.')[0] in ROS or imported.startswith(MESSAGES)
    ]
    assert not wrong


def test_the_library_knows_neither_ros_nor_the_package():
    wrong = [
        f'{module} imports {imported}'
        for module, path in modules('ebm_core').items()
        for imported in imports(module, path)
        if imported.split('.')[0] in (*ROS, 'ebm_concept_ros', 'mujoco', 'benchmarks')
    ]
    assert not wrong


def imported_without(blocked: tuple[str, ...], names: list[str]) -> subprocess.CompletedProcess:
    """Import modules in a process where `blocked` cannot be."""
    script = (
        'import importlib, sys\n'
        'class Block:\n'
        '    def find_spec(self, name, path=None, target=None):\n'
        f'        if any(name == b or name.startswith(b + ".") for b in {blocked!r}):\n'
        '            raise ModuleNotFoundError(f"{name} is blocked", name=name)\n'
        'sys.meta_path.insert(0, Block())\n'
        f'for name in {names!r}:\n'
        '    importlib.import_module(name)\n'
    )
    return subprocess.run([sys.executable, '-c', script], cwd=ROOT, capture_output=True, text=True)


def all_modules(rooms: list[str]) -> list[str]:
    return [name for name in modules('ebm_concept_ros') if room(name) in rooms]


def test_all_but_nodes_and_conversions_are_imported_without_ros():
    names = all_modules(WITHOUT_ROS)
    assert len(names) > 40
    finished = imported_without((*ROS, *MESSAGES), names)
    assert finished.returncode == 0, finished.stderr


def test_control_and_planning_are_imported_without_torch():
    finished = imported_without((*ROS, *MESSAGES, 'torch'), all_modules(WITHOUT_TORCH))
    assert finished.returncode == 0, finished.stderr


@pytest.mark.parametrize('module', ['ebm_concept_ros.nodes.controller', 'rclpy'])
def test_what_is_blocked_is_not_imported(module):
    assert imported_without(('rclpy',), [module]).returncode != 0


@pytest.mark.parametrize('system', ['toy', 'image', 'continual', 'compositional'])
def test_a_system_beside_concepts_is_small(system):
    """It has its energy and what is measured; training, chains and buffers are shared."""
    lines = [line for path in (ROOT / 'ebm_core' / system).glob('*.py') for line in path.open('rb')]
    assert 300 < len(lines) <= 800


def test_no_two_tests_have_the_same_name():
    """Tests are no packages: of two modules of one name in a process, pytest imports the first."""
    names = Counter(path.name for path in (ROOT / 'test').rglob('test_*.py'))
    assert [name for name, number in names.items() if number > 1] == []
