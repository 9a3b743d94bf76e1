# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Write the generated parts of docs/ros_interface.md from the nodes themselves.

    python scripts/ros_interface.py           # rewrites the page
    python scripts/ros_interface.py --check   # status 1 if the page is not what this would write

Topics, services, parameters and their quality of service are read from running nodes, launch
arguments from the launch file, messages from msg/, refusals from the source. Needs the built
package (`. scripts/environment.sh`).
"""

from __future__ import annotations

import argparse
import ast
import difflib
import os
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import NamedTuple, get_args

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / 'docs' / 'ros_interface.md'
PACKAGE = 'ebm_concept_ros'
NODES = (
    *('simulator', 'demonstrator', 'concept_learner', 'controller', 'referee'),
    *('bag_recorder', 'live_view', 'lifecycle_manager', 'teach_page'),
    *('arranger', 'arrangement_referee'),
)
SYSTEM = ('rcl_interfaces/', 'type_description_interfaces/')

# What a topic or a service is for: a sentence that no code says.
PURPOSE = {
    'scene': 'All entities on the table and the end effector, in the arm base frame, latched.',
    'joint_states': 'Position, velocity and applied torque of each joint, at the simulation rate.',
    '/clock': 'Simulated time.',
    'joint_effort_commands': 'Torques in N·m by joint name; the stamp is that of the joint state '
    'that they answer.',
    'demonstrations': 'Demonstrated events; five of one name make a concept.',
    'composition': 'Asks the learner for a weighted sum of concepts, by name.',
    'concept': 'What is to be enacted: codes, weights and the novelty score, latched.',
    'controller/status': 'What the controller does and why, at every change and at `status_rate`.',
    'controller/energy': 'The energy that is descended, over the table; once per target, latched.',
    'controller/plan': 'The plan that is followed, by joint, at `plan_view_rate` while anybody '
    'listens; without points where there is none.',
    'robot_description': 'The arm as a URDF, latched.',
    '/tf': 'The links that move, stamped as the joint state that they are of.',
    '/tf_static': 'The frames `world` and `end_effector`, and the links that do not move.',
    'live_view/markers': 'What is on the table, who takes part, goal, plan, demonstrations.',
    'live_view/energy': 'The energy as ranks: 1 where it is lowest, 98 where it is highest, -1 '
    'where nothing is enacted.',
    '/diagnostics': 'The state of each part of each node, and what was refused.',
    '~/list_concepts': 'Which concepts are known and which are in the library; damaged entries.',
    '~/get_concept': 'The codes of a concept, or a weighted sum; what is in the library is loaded.',
    '~/save_concept': 'Saves a concept with its demonstrations in the library (`library_dir`).',
    '~/load_concept': 'Loads a concept of the library; codes of other weights are inferred anew.',
    '~/delete_concept': 'Deletes a concept from the library and forgets it.',
    '~/list_demonstrations': 'What is being collected, and the demonstrations of one name.',
    '~/undo_demonstration': 'Takes the last demonstration of a name back.',
    '~/forget_demonstrations': 'Forgets what is being collected under a name.',
    '~/replace_demonstration': 'Puts another demonstration in the place of number 1, 2, …',
    '~/identify': 'Who takes part in a concept in a scene that is given.',
    '~/generate': 'Where a concept brings those who can move in a scene that is given.',
    '~/satisfied': 'Whether the one who can move, in a scene that is given, is at the minimum.',
    '~/remove_demonstration': 'Takes any demonstration of a name back.',
    '~/understood': 'What demonstrations amount to so far: the score, the odd one, who would take '
    'part, the energy over the table; nothing moves.',
    '~/pause': 'Holds from the next tick on, until `resume`.',
    '~/resume': 'Ends a pause: goes on from the measured state, with a new plan.',
    '~/stop': 'Holds until a concept, or a goal, comes that was sent afterwards.',
    '~/enact': 'Brings the effector to where a concept, or a weighted sum, has the lowest energy; '
    'feedback at `status_rate`.',
    '~/arrange': 'Brings a concept about by moving blocks, one after the other; feedback at '
    '`status_rate`.',
    '~/record': 'Begins a bag in `bag_dir`, or ends it.',
    '~/manage_nodes': 'Brings all managed nodes up in order, or down in reverse order.',
    '~/is_active': 'Whether all managed nodes are active, and the state of each.',
    '~/reset': 'Puts the arm back to its home and the simulated time to zero.',
    '~/get_simulation_state': 'Whether simulated time passes.',
    '~/set_simulation_state': 'Has simulated time pass, or stand still, also at its start.',
    '~/step_simulation': 'Does some steps of a simulation that stands still.',
    '~/reset_simulation': 'Puts time and arm back, the table, or both.',
    '~/load_world': 'Begins anew over another table, and stops there.',
    '~/spawn_entity': 'Puts an entity onto the table.',
    '~/delete_entity': 'Takes an entity off the table.',
    '~/set_entity_state': 'Puts an entity somewhere else.',
    '~/get_entities': 'The names of what is on the table.',
}


class Endpoint(NamedTuple):
    """One end of a topic: who publishes or subscribes, with which quality of service."""

    node: str
    topic: str
    kind: str
    publishes: bool
    qos: str


def interface(lockstep: bool) -> tuple[list[Endpoint], list, list, dict]:
    """Return endpoints, services, actions (node, name, type) and parameters of all nodes.

    The nodes are made in this process, in a domain of their own. Those with a lifecycle are active
    while they are looked at.
    """
    import rclpy

    endpoints, services, actions, parameters = [], [], [], {}
    rclpy.init(args=['--ros-args', '-p', f'lockstep:={str(lockstep).lower()}'])
    try:
        for name in NODES:
            module = import_module(f'{PACKAGE}.nodes.{name}')
            node = getattr(module, ''.join(part.title() for part in name.split('_')))()
            if hasattr(node, 'trigger_configure'):
                node.trigger_configure()
                node.trigger_activate()
            endpoints += _endpoints(name, node)
            services += _services(name, node)
            actions += _actions(name, node)
            parameters[name] = _parameters(node)
            if hasattr(node, 'trigger_deactivate'):
                node.trigger_deactivate()
            node.destroy_node()
    finally:
        rclpy.shutdown()
    return endpoints, services, actions, parameters


def _endpoints(name: str, node: object) -> Iterator[Endpoint]:
    from ebm_concept_ros.nodes.runtime.polled import polled_subscriptions

    subscriptions = (*node.subscriptions, *polled_subscriptions(node))
    for publishes, ends in ((True, node.publishers), (False, subscriptions)):
        for end in ends:
            kind = _type_name(end.msg_type)
            if kind.startswith(('rcl_interfaces/', 'lifecycle_msgs/')):
                continue  # of every node: /rosout, parameter events, lifecycle transitions
            topic = end.topic_name
            if topic.lstrip('/') in PURPOSE:  # as the code names it, not as it was resolved
                topic = topic.lstrip('/')
            yield Endpoint(name, topic, kind, publishes, _qos(end.qos_profile))


def _services(name: str, node: object) -> Iterator[tuple[str, str, str]]:
    for service in node.services:
        kind = _type_name(service.srv_type)
        if kind.startswith((*SYSTEM, 'lifecycle_msgs/')):
            continue
        yield name, service.srv_name.replace(f'/{name}/', '~/'), kind


def _actions(name: str, node: object) -> Iterator[tuple[str, str, str]]:
    from rclpy.action import ActionServer, get_action_server_names_and_types_by_node

    if not any(isinstance(waitable, ActionServer) for waitable in node.waitables):
        return
    for action, kinds in get_action_server_names_and_types_by_node(node, name, '/'):
        yield name, action.replace(f'/{name}/', '~/'), kinds[0]


def _type_name(kind: type) -> str:
    package, folder = kind.__module__.split('.')[:2]
    return f'{package}/{folder}/{kind.__name__}'


def _qos(profile: object) -> str:
    reliability = profile.reliability.name.lower().replace('_', ' ')
    latched = ', transient local' if profile.durability.name == 'TRANSIENT_LOCAL' else ''
    return f'{reliability}{latched}, depth {profile.depth}'


def _parameters(node: object) -> list[tuple[str, str, str, str, str]]:
    """Return name, type, default, range and description of what the node declares itself."""
    rows = []
    for name in node.list_parameters([], 0).names:
        descriptor, value = node.describe_parameter(name), node.get_parameter(name)
        if name in ('use_sim_time', 'start_type_description_service') or 'qos_overrides' in name:
            continue
        ranges = [*descriptor.integer_range, *descriptor.floating_point_range]
        allowed = ' '.join(f'{r.from_value:.10g} to {r.to_value:.10g}' for r in ranges)
        kind = value.type_.name.lower().replace('_', ' ')
        shown = f'`{_as_yaml(value.value)}`'
        rows.append((name, kind, shown, allowed, descriptor.description))
    return rows


def _as_yaml(value: object) -> str:
    """Return a parameter's value as a params_file has it, near enough."""
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value if isinstance(value, str | int | float) else list(value))


def topics_table(real_time: list[Endpoint], lockstep: list[Endpoint]) -> str:
    """Return one row per topic: type, who publishes, who subscribes, with which QoS."""
    by_topic = defaultdict(list)
    for end in real_time:
        by_topic[end.topic, end.kind].append(end)
    lines = ['| topic | type | published by | subscribed by | what it carries |']
    lines.append('|---|---|---|---|---|')
    in_lockstep = {(e.node, e.topic, e.publishes): e.qos for e in lockstep}
    for (topic, kind), ends in sorted(by_topic.items(), key=lambda item: item[0][0].lstrip('/')):
        cells = []
        for publishes in (True, False):
            said = defaultdict(list)
            for end in ends:
                if end.publishes is publishes:
                    other = in_lockstep[end.node, end.topic, publishes]
                    qos = end.qos if other == end.qos else f'{end.qos}; in lockstep {other}'
                    said[qos].append(f'`{end.node}`')
            cells.append('<br>'.join(f'{", ".join(who)} ({qos})' for qos, who in said.items()))
        lines.append(
            f'| `{topic}` | `{kind}` | {cells[0] or "you"} | {cells[1] or "any tool"} | '
            f'{PURPOSE[topic]} |'
        )
    return '\n'.join(lines)


def services_table(services: list[tuple[str, str, str]], what: str = 'service') -> str:
    """Return one row per service, or action, that is not one of every node."""
    rows = [
        f'| `{node}` | `{name}` | `{kind}` | {PURPOSE[name]} |' for node, name, kind in services
    ]
    return '\n'.join([f'| node | {what} | type | what it does |', '|---|---|---|---|', *rows])


def parameters_tables(parameters: dict) -> str:
    """Return a heading and a table per node."""
    parts = []
    for node, rows in parameters.items():
        parts.append(f'### `{node}`\n\n| parameter | type | default | range | meaning |')
        parts.append('|---|---|---|---|---|')
        parts += [f'| `{n}` | {k} | {d} | {a} | {_cell(t)} |' for n, k, d, a, t in rows]
        parts.append('')
    return '\n'.join(parts).rstrip()


def launch_table() -> str:
    """Return one row per argument of each launch file, as `ros2 launch --show-args` has them."""
    import ros2_standin

    parts = []
    for path in sorted((ROOT / 'launch').glob('*.launch.py')):
        parts.append(f'### `{path.name}`\n\n| argument | default | meaning; what is allowed |')
        parts.append('|---|---|---|')
        for entity in ros2_standin.load_description(path).entities:
            if type(entity).__name__ == 'DeclareLaunchArgument':
                text = f'`{entity.default_value}`' if entity.default_value else 'nothing'
                parts.append(f'| `{entity.name}` | {text} | {_cell(entity.description)} |')
        parts.append('')
    return '\n'.join(parts).rstrip()


def files_tables() -> str:
    """Return a table of keys per kind of YAML file."""
    from ebm_concept_ros.arm.config import ArmConfig
    from ebm_concept_ros.arm.table_scene import TableScene
    from ebm_concept_ros.workspace import Workspace

    parts = []
    kinds = {'arm': ArmConfig, 'workspace_config': Workspace, 'scene_file': TableScene}
    for name, kind in kinds.items():
        about = (kind.__doc__ or '').splitlines()[0]
        parts.append(f'### `{name}`\n\n{about}\n\n| key | default | range | meaning |')
        parts.append('|---|---|---|---|')
        parts += _keys(kind, '')
        parts.append('')
    return '\n'.join(parts).rstrip()


def _keys(kind: type, before: str) -> Iterator[str]:
    """Yield a row for each key of a pydantic model, and for the keys within it."""
    for name, field in kind.model_fields.items():
        inner = _models_of(field.annotation)
        key = before + name + ('[]' if 'tuple' in str(field.annotation) and inner else '')
        if inner:
            yield from _keys(inner[0], f'{key}.')
            continue
        default = (
            'needed'
            if field.is_required()
            else f'`{field.get_default(call_default_factory=True)!r}`'
        )
        bounds = [
            f'{sign} {getattr(rule, sign_of):g}'
            for rule in field.metadata
            for sign_of, sign in (('ge', '≥'), ('gt', '&gt;'), ('le', '≤'))
            if hasattr(rule, sign_of)
        ]
        yield f'| `{key}` | {default} | {", ".join(bounds)} | {_cell(field.description or "")} |'


def _models_of(annotation: object) -> list[type]:
    """Return the pydantic models within a type: in a tuple or a union too."""
    if hasattr(annotation, 'model_fields'):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_of(part)]


def messages() -> str:
    """Return every definition of a message, a service and an action, without licence lines."""
    parts = []
    for kind in ('msg', 'srv', 'action'):
        for path in sorted((ROOT / kind).glob(f'*.{kind}')):
            lines = path.read_text(encoding='utf-8').splitlines()
            body = '\n'.join(lines[2:]).strip()
            parts.append(f'### `{PACKAGE}/{kind}/{path.stem}`\n\n```text\n{body}\n```\n')
    return '\n'.join(parts).rstrip()


def reasons() -> str:
    """Return the states of the controller with the reasons that its status gives for them."""
    rows = []
    for path in sorted((ROOT / PACKAGE).rglob('*.py')):
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            match node:
                case ast.Call(args=[ast.Attribute(value=ast.Name(id='Mode'), attr=mode), why, *_]):
                    rows.append(f'| {mode} | `{template(why)}` |')
                case _:
                    pass
    table = [row for row in dict.fromkeys(rows) if '``' not in row]
    return '\n'.join(['| state | reason |', '|---|---|', *sorted(table)])


def refusals() -> str:
    """Return, per module, the sentences with which it refuses, values as ‹…›."""
    errors = _error_types()
    parts = []
    for path in _modules_that_refuse():
        tree = ast.parse(path.read_text(encoding='utf-8'))
        said = dict.fromkeys(text for text in _said(tree, errors) if text)
        if not said:
            continue
        about = (ast.get_docstring(tree) or '').split('\n\n')[0].replace('\n', ' ')
        parts.append(f'**`{path.relative_to(ROOT)}`**: {about}\n')
        parts += [f'* `{text}`' for text in said]
        parts.append('')
    return '\n'.join(parts).rstrip()


def _modules_that_refuse() -> Iterator[Path]:
    """Yield what messages, parameters and files pass through; pictures are made of good data."""
    for room in ('library', 'world'):
        yield from sorted((ROOT / 'ebm_core' / room).glob('*.py'))
    for path in sorted((ROOT / PACKAGE).rglob('*.py')):
        if 'report' not in path.parts:
            yield path


def _error_types() -> set[str]:
    """Return the names of the package's own refusals: ValueErrors, and what a library cannot do."""
    names = {'ValueError', 'LibraryError'}
    for path in [*(ROOT / PACKAGE).rglob('*.py'), *(ROOT / 'ebm_core').rglob('*.py')]:
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            if isinstance(node, ast.ClassDef):
                bases = {base.id for base in node.bases if isinstance(base, ast.Name)}
                if bases & {'ValueError', 'InvalidInput'}:
                    names.add(node.name)
    return names


def _said(tree: ast.AST, errors: set[str]) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Raise) or not isinstance(node.exc, ast.Call):
            continue
        name = getattr(node.exc.func, 'id', getattr(node.exc.func, 'attr', ''))
        if name in errors and node.exc.args:
            yield template(node.exc.args[0])


def template(node: ast.expr) -> str:
    """Return a text as it will appear, values as their expressions in ‹ ›; empty without words."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            text = ''.join(template(value) for value in values)
            # Another error's words with a name before them are listed where that one is raised.
            words = re.sub('‹.*?›', '', text).strip(' :')
            return '' if words in ('', 'parameter') else text
        case ast.FormattedValue(value=value):
            return f'‹{ast.unparse(value)}›'
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return template(left) + template(right)
    return ''


def _cell(text: str) -> str:
    return text.replace('|', '\\|').replace('<', '&lt;').replace('*', '\\*').replace('_', '\\_')


def sections() -> dict[str, str]:
    """Return every generated part by the name of its marker."""
    sys.path[:0] = [str(ROOT), str(ROOT / 'scripts')]  # what is documented is this source tree
    os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'OFF'  # nobody is to be met here
    os.environ['RCUTILS_LOGGING_SEVERITY'] = 'ERROR'
    endpoints, services, actions, parameters = interface(lockstep=False)
    lockstep_endpoints, _, _, _ = interface(lockstep=True)
    return {
        'topics': topics_table(endpoints, lockstep_endpoints),
        'services': services_table(services),
        'actions': services_table(actions, 'action'),
        'parameters': parameters_tables(parameters),
        'launch arguments': launch_table(),
        'files': files_tables(),
        'messages': messages(),
        'reasons': reasons(),
        'refusals': refusals(),
    }


def filled(page: str, parts: dict[str, str]) -> str:
    """Return the page with the text between each pair of markers replaced."""
    for name, text in parts.items():
        begin, end = f'<!-- generated: {name} -->', f'<!-- end: {name} -->'
        if begin not in page or end not in page:
            raise SystemExit(f'{PAGE}: the markers {begin} and {end} are missing')
        before, after = page.split(begin)[0], page.split(end)[1]
        page = f'{before}{begin}\n{text}\n{end}{after}'
    return page


def main() -> int:
    """Write the page, or say whether it is as it should be."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--check', action='store_true', help='write nothing; status 1 if outdated')
    args = parser.parse_args()
    page = PAGE.read_text(encoding='utf-8')
    new = filled(page, sections())
    if args.check and new != page:
        lines = difflib.unified_diff(page.splitlines(), new.splitlines(), 'page', 'nodes', n=0)
        print('\n'.join(list(lines)[:40]), file=sys.stderr)
        print(f'{PAGE}: outdated; run python scripts/ros_interface.py', file=sys.stderr)
        return 1
    if not args.check:
        PAGE.write_text(new, encoding='utf-8')
    return 0


if __name__ == '__main__':
    sys.exit(main())
