# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The documentation leads somewhere, and what it says to type exists."""

import ast
import contextlib
import functools
import io
import os
import re
import runpy
import sys

import pytest
import yaml
from pages import NAMES, PAGES, ROOT, anchors, assignments, code, commands, links, paths, slug

# What others make; whether it is there is not for these pages to say.
OTHERS = {
    *('apt', 'cd', 'colcon', 'git', 'mkdir', 'pip', 'rosdep', 'rosdoc2', 'rviz2', 'ulimit', 'wait'),
    '/usr/bin/python3',
}
# What runs and builds make.
MADE = ('out/', 'build/', 'path/', '~')
MODULES = ('ebm_core', 'ebm_concept_ros', 'benchmarks')
each_page = pytest.mark.parametrize('page', PAGES, ids=NAMES)


@each_page
def test_every_link_leads_to_a_file_and_a_heading_that_exist(page):
    dead = []
    for link in links(page):
        path, _, anchor = link.partition('#')
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(link)
    assert dead == []


@each_page
def test_every_file_and_folder_that_is_named_exists(page):
    """Named from the repository's root, or from that of one of the two packages."""
    roots = (ROOT, ROOT / 'ebm_core', ROOT / 'ebm_concept_ros')
    named = [path for path in paths(page) if not path.startswith(MADE)]
    assert [path for path in named if not any((root / path).exists() for root in roots)] == []


def test_the_navigation_of_the_site_has_every_page_once():
    listed = re.findall(r'[\w/]+\.md', (ROOT / 'mkdocs.yml').read_text(encoding='utf-8'))
    assert sorted(listed) == sorted(page.name for page in (ROOT / 'docs').glob('*.md'))


def test_the_readme_is_short_and_its_pictures_small():
    readme = (ROOT / 'README.md').read_text(encoding='utf-8')
    assert len(readme.splitlines()) <= 150
    pictures = re.findall(r'!\[.*?\]\((.*?)\)', readme)
    assert len(pictures) == 2
    assert all((ROOT / picture).stat().st_size < 1_000_000 for picture in pictures)


@pytest.mark.parametrize('name', ['toy', 'trajectory', 'continual', 'images', 'open_concepts'])
def test_every_picture_of_an_energy_stands_beside_its_command(name):
    text = (ROOT / 'docs' / f'{name}.md').read_text(encoding='utf-8')
    sections = re.split(r'^#+ ', text, flags=re.MULTILINE)
    shown = [section for section in sections if '](pictures/' in section]
    assert [s.partition('\n')[0] for s in shown if 'python -m ebm_core' not in s] == []
    assert shown or name == 'continual'  # which has tables alone


@each_page
def test_python_of_a_page_runs(page, monkeypatch):
    """One after the other, in one namespace; what stands in examples/ runs in its own test."""
    examples = [path.read_text(encoding='utf-8') for path in (ROOT / 'examples').glob('*.py')]
    monkeypatch.chdir(ROOT)
    names: dict = {'__name__': 'page'}
    module = type(sys)('page')
    monkeypatch.setitem(sys.modules, 'page', module)  # dataclasses look their module up
    for number, block in enumerate(code(page, 'python')):
        if any(block.strip() in example for example in examples):
            continue
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(block, f'{page.name}, block {number}', 'exec'), names)


@functools.cache
def help_of(*words: str) -> str:
    """Return what `python -m module [subcommand] --help` prints, run in this process."""
    module, *rest = words
    out = io.StringIO()
    argv, sys.argv = sys.argv, [module, *rest, '--help']
    try:
        with contextlib.redirect_stdout(out), pytest.raises(SystemExit) as ended:
            runpy.run_module(module, run_name='__main__', alter_sys=True)
    finally:
        sys.argv = argv
    assert ended.value.code == 0
    return out.getvalue()


def _request(kind: str, request: str) -> str:
    """Return what is wrong with the fields of a request to a service of ours, or nothing."""
    path = ROOT / f'{kind.removeprefix("ebm_concept_ros/")}.srv'
    if not path.is_file():
        return f'{kind} is not there'
    asked = path.read_text(encoding='utf-8').partition('---')[0]
    fields = {line.split()[1] for line in asked.splitlines() if line and line[0] not in '# '}
    unknown = sorted(set(yaml.safe_load(request)) - fields)
    return f'{kind} has no {unknown}' if unknown else ''


def complaint(words: list[str]) -> str:
    """Return what is wrong with a command, or nothing."""
    match words:
        case [('.' | 'source'), path, *_]:
            return _file(path) if path.startswith('scripts') else ''
        case ['pytest', *rest] | ['python', '-m', 'pytest', *rest]:
            return _pytest(rest)
        case ['python', '-m', module, *rest]:
            return _module(module, rest)
        case ['torchrun', '--nproc-per-node', _, '-m', module, *rest]:
            return _module(module, rest)
        case ['python', '-c', text]:
            return _imports(text)
        case ['python', path, *rest]:
            return _script(path, rest)
        case ['ros2', 'launch' | 'run']:  # the verb itself, in a sentence
            return ''
        case ['ros2', 'launch', 'ebm_concept_ros', file, *arguments]:
            return _file(f'launch/{file}') or _launch_arguments(arguments)
        case ['ros2', 'run', 'ebm_concept_ros', node, *_]:
            return _file(f'ebm_concept_ros/nodes/{node}.py')
        case ['ros2', 'topic', 'pub', *rest]:
            (kind,) = (word for word in rest if word.startswith('ebm_concept_ros/msg/'))
            return _file(kind.removeprefix('ebm_concept_ros/') + '.msg')
        case ['ros2', 'action', 'send_goal', *rest]:
            (kind,) = (word for word in rest if word.startswith('ebm_concept_ros/action/'))
            return _file(kind.removeprefix('ebm_concept_ros/') + '.action')
        case ['ros2', 'service', 'call', _, kind, request]:
            return _request(kind, request)
        case [script, *rest] if script.startswith('./scripts/'):
            if not os.access(ROOT / script, os.X_OK):
                return f'{script} cannot be run'
            return _launch_arguments(rest) if 'reach' in script else _script(script, rest)
        case [name, *_] if name in OTHERS:
            return ''
    return 'an unknown command'


def _file(path: str) -> str:
    return '' if (ROOT / path).exists() else f'there is no {path}'


def _script(path: str, rest: list[str]) -> str:
    missing = _file(path)
    if missing:
        return missing
    source = (ROOT / path).read_text(encoding='utf-8')
    words = [w for w in rest if w.startswith('--') or path.endswith('.sh')]
    return ''.join(f'{path} does not know {word}' for word in words if word not in source)


def _module(module: str, rest: list[str]) -> str:
    if module.partition('.')[0] not in MODULES:
        return f'{module} is none of ours'
    subcommand = rest[:1] if module == 'ebm_core' else []
    try:
        text = help_of(module, *subcommand)
        if len(rest) > 1 and re.search(rf'[{{,]{re.escape(rest[1])}[,}}]', text):
            text = help_of(module, *rest[:2])  # a system's own commands
    except (ImportError, AssertionError) as error:
        return f'{module} {subcommand}: {error}'
    known = set(re.findall(r'--[\w-]+', text))
    unknown = [w for w in rest if w.startswith('--') and w.partition('=')[0] not in known]
    for option in ('--preset', '--perturb', '--planner'):
        if option in rest and (value := rest[rest.index(option) + 1]).isidentifier():
            unknown += [value] if value not in text else []
    return f'{module} does not know {unknown}' if unknown else ''


def _pytest(rest: list[str]) -> str:
    paths = [word for word in rest if '/' in word]
    missing = ''.join(_file(path) for path in paths)
    if missing or '-k' not in rest:
        return missing
    wanted = rest[rest.index('-k') + 1]
    found = any(wanted in (ROOT / path).read_text(encoding='utf-8') for path in paths)
    return '' if found else f'{paths} have no test {wanted}'


def _launch_arguments(arguments: list[str]) -> str:
    known = interface_names('launch arguments')
    unknown = {word.partition(':=')[0] for word in arguments if ':=' in word} - known
    return f'unknown launch arguments {sorted(unknown)}' if unknown else ''


def interface_names(*tables: str) -> set[str]:
    """Return the names in tables of the ROS interface's page, which its own test compares."""
    page = (ROOT / 'docs' / 'ros_interface.md').read_text(encoding='utf-8')
    bodies = [page.split(f'<!-- generated: {name} -->')[1].split('<!-- end')[0] for name in tables]
    return set(re.findall(r'^\| `([\w.]+)` \|', '\n'.join(bodies), re.MULTILINE))


@each_page
def test_every_launch_argument_or_parameter_that_is_set_exists(page):
    assert assignments(page) <= interface_names('launch arguments', 'parameters')


def _imports(text: str) -> str:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom):
            module = __import__(node.module, fromlist=['*'])
            for name in node.names:
                if not hasattr(module, name.name):
                    return f'{node.module} has no {name.name}'
    return ''


@each_page
def test_every_command_of_a_page_exists_with_its_options(page):
    complaints = {' '.join(c.words): complaint(c.words) for c in commands(page)}
    assert {command: why for command, why in complaints.items() if why} == {}


# These tests can fail: what they read, and what they refuse.


def test_commands_are_found_in_blocks_and_sentences():
    found = [' '.join(command.words) for page in PAGES for command in commands(page)]
    assert './scripts/test.sh' in found
    assert 'python -m ebm_core evaluate --model models/concepts' in found
    assert any(command.startswith('python -m benchmarks.reach --real-time') for command in found)
    assert len(found) > 60
    assert sum(len(links(page)) for page in PAGES) > 60
    assert sum(len(code(page, 'python')) for page in PAGES) >= 3


def test_assignments_are_found_in_sentences(tmp_path):
    page = tmp_path / 'page.md'
    page.write_text('`model:=x`, `./run.sh a:=1 b:=2`, not NAME:=VALUE\n```bash\nc:=3\n```\n')
    assert assignments(page) == {'model', 'a', 'b'}
    names = interface_names('launch arguments', 'parameters')
    assert {'model_dir', 'autostart', 'scene_seed'} <= names and 'model' not in names


@pytest.mark.parametrize(
    ('command', 'why'),
    [
        ('python -m ebm_core evaluate --modle x', "does not know ['--modle']"),
        ('python -m ebm_core train --preset concept_s', "does not know ['concept_s']"),
        ('python -m ebm_core evaporate', 'ebm_core'),
        ('python examples/none.py', 'there is no examples/none.py'),
        ('python scripts/ros_interface.py --chekc', 'does not know --chekc'),
        ('./scripts/reach_between.sh sceneseed:=7', "unknown launch arguments ['sceneseed']"),
        ('ros2 launch ebm_concept_ros none.launch.py', 'there is no launch/none.launch.py'),
        ('pytest test/docs/pages.py -k never_trrained', 'have no test'),
        ('evaporate', 'an unknown command'),
        (
            'ros2 service call /x ebm_concept_ros/srv/DeleteEntity {entiti}',
            "ebm_concept_ros/srv/DeleteEntity has no ['entiti']",
        ),
    ],
)
def test_a_command_that_does_not_exist_is_found(command, why):
    assert why in complaint(command.split())


def test_a_heading_becomes_the_anchor_that_the_site_has():
    assert slug('Any arm, replay, and what is refused') == 'any-arm-replay-and-what-is-refused'
    assert slug('`ebm_core`') == 'ebm_core'
