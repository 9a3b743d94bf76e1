# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The lane without an installed ROS 2: what its scripts refuse, rewrite and count."""

import ast
import fcntl
import importlib.util
import os
import re
import runpy
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / 'scripts'
BASE_TOOLS = ('bash', 'env', 'dirname', 'cat', 'cksum', 'flock', 'mkdir', 'rm')


def copy_of_scripts(folder: Path) -> Path:
    """Copy the scripts into an empty project, whose set-up cannot touch this one's."""
    shutil.copytree(SCRIPTS, folder / 'scripts')
    return folder / 'scripts'


def prepared(folder: Path, tools: dict[str, Path], **variables: str) -> dict:
    """Return how to run a copy of setup.sh with nothing on PATH but the tools named."""
    path = folder / 'bin'
    path.mkdir()
    for name in BASE_TOOLS:
        (path / name).symlink_to(shutil.which(name))
    for name, target in tools.items():
        (path / name).symlink_to(target)
    environment = {
        k: v
        for k, v in os.environ.items()
        if k not in ('CXX', 'PYTHON') and not k.startswith('PIP_')
    }
    return {
        'args': [str(copy_of_scripts(folder) / 'setup.sh')],
        'env': environment | {'PATH': str(path)} | variables,
        'text': True,
    }


def set_up(folder: Path, tools: dict[str, Path], **variables: str) -> tuple[int, str]:
    """Run a copy of setup.sh; return status and errors."""
    finished = subprocess.run(
        **prepared(folder, tools, **variables), capture_output=True, timeout=400
    )
    return finished.returncode, finished.stderr.strip()


@pytest.fixture
def tools(tmp_path):
    """What the set-up needs: this Python, and stand-ins for compiler and cmake (never run)."""
    anything = Path(shutil.which('true'))
    return {'python3': Path(sys.executable), 'cmake': anything, 'c++': anything}


@pytest.mark.parametrize(
    ('missing', 'says', 'remedy'),
    [
        ('cmake', 'cmake is missing', 'apt install cmake'),
        ('c++', r'a C\+\+ compiler is missing', 'apt install build-essential'),
        ('python3', 'Python 3.11 or newer is needed', 'apt install python3.11'),
    ],
)
def test_a_missing_tool_is_one_line_that_names_the_remedy(tmp_path, tools, missing, says, remedy):
    del tools[missing]
    status, errors = set_up(tmp_path, tools)
    assert status == 1
    assert len(errors.splitlines()) == 1
    assert re.search(says, errors)
    assert remedy in errors


def test_too_old_a_python_is_refused_with_its_version(tmp_path, tools):
    old = tmp_path / 'python3.9'
    old.write_text('#!/bin/bash\n[ "$1" = --version ] && echo Python 3.9.2 || exit 1\n')
    old.chmod(0o755)
    status, errors = set_up(tmp_path, tools, PYTHON=str(old))
    assert status == 1
    assert len(errors.splitlines()) == 1
    assert 'Python 3.11 or newer is needed' in errors
    assert 'Python 3.9.2' in errors


def test_a_distribution_that_has_no_wheels_here_is_refused(tmp_path, tools):
    status, errors = set_up(tmp_path, tools, DISTRO='humble')
    assert status == 1
    assert errors == "setup: DISTRO 'humble' is refused; allowed are kilted and jazzy"


def test_without_a_network_the_last_line_names_the_remedy(tmp_path, tools):
    of_python = subprocess.check_output([sys.executable, '-VV'], text=True, timeout=200).strip()
    run = prepared(tmp_path, tools, PIP_CONFIG_FILE=os.devnull, PIP_RETRIES='0')
    for settings, says_which_torch in (
        ({'PIP_PROXY': 'http://127.0.0.1:9'}, True),
        ({'PIP_INDEX_URL': 'http://127.0.0.1:9/simple'}, False),
    ):
        settings = run['env'] | settings
        finished = subprocess.run(**run | {'env': settings}, capture_output=True, timeout=400)
        assert finished.returncode == 1
        assert 'network' in finished.stderr.splitlines()[-1]
        assert 'PIP_FIND_LINKS' in finished.stderr.splitlines()[-1]
        assert ('PIP_EXTRA_INDEX_URL' in finished.stderr) == says_which_torch
        # As if it had ended well with other wheels: the next one goes on from there.
        (tmp_path / '.venv' / '.stamp').write_text(f'{of_python} in {tmp_path}, others')


def test_a_virtual_environment_of_somebody_else_stays(tmp_path, tools):
    kept = tmp_path / '.venv' / 'kept'
    kept.parent.mkdir()
    kept.touch()
    status, errors = set_up(tmp_path, tools)
    assert status == 1
    assert len(errors.splitlines()) == 1
    assert '.venv was not made by this script' in errors
    assert kept.exists()


def test_two_set_ups_take_turns(tmp_path, tools):
    (tmp_path / '.venv').mkdir()
    folder = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    with subprocess.Popen(**prepared(tmp_path, tools), stderr=subprocess.PIPE) as second:
        assert 'waiting for another set-up' in second.stderr.readline()
        os.close(folder)
        assert 'not made by this script' in second.stderr.readline()
    assert second.returncode == 1


def test_what_has_not_changed_is_not_built_again(tmp_path):
    script = copy_of_scripts(tmp_path) / 'setup.sh'
    for folder in ('action', 'config', 'ebm_concept_ros', 'ebm_core', 'launch', 'msg', 'srv'):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f'in_{folder}').write_text('before')
    for path in ('CMakeLists.txt', 'package.xml', 'src/kernel/a.cpp', 'test/test_it.py'):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text('before')
    colcon = tmp_path / '.venv' / 'bin' / 'colcon'
    colcon.parent.mkdir(parents=True)
    colcon.write_text(
        '#!/bin/sh\nmkdir -p build install; touch install/local_setup.bash; echo built >> builds\n'
        'test ! -e broken\n'
    )
    colcon.chmod(0o755)
    (colcon.parent / 'activate').write_text(
        f'export VIRTUAL_ENV={tmp_path}/.venv PATH={colcon.parent}:$PATH\n'
    )
    (tmp_path / '.venv' / '.stamp').write_text('this Python')
    functions = script.read_text().removesuffix('check_tools\ntake_turns\ninstall_wheels\nbuild\n')
    assert functions != script.read_text()
    script.write_text(functions + 'build\n')

    def builds() -> int:
        subprocess.run(['bash', str(script)], capture_output=True, timeout=200)
        return len((tmp_path / 'builds').read_text().splitlines())

    assert [builds(), builds()] == [1, 1]
    (tmp_path / 'ebm_core' / 'in_ebm_core').write_text('another text in what is linked to')
    assert builds() == 1
    for number, change in enumerate(
        (
            lambda: (tmp_path / 'src/kernel/a.cpp').write_text('after'),
            lambda: (tmp_path / 'msg/in_msg').write_text('after'),
            lambda: (tmp_path / 'ebm_concept_ros/new.py').touch(),
            lambda: (tmp_path / 'ebm_concept_ros/new.py').unlink(),
            lambda: shutil.rmtree(tmp_path / 'install'),
            lambda: shutil.rmtree(tmp_path / 'build'),
            lambda: (tmp_path / '.venv/.stamp').write_text('another Python'),
        ),
        start=2,
    ):
        change()
        assert [builds(), builds()] == [number, number]
    (tmp_path / 'broken').touch()
    (tmp_path / 'CMakeLists.txt').write_text('after')
    assert [builds(), builds()] == [9, 10]  # what failed is tried again


def test_sourcing_the_environment_before_the_set_up_names_it(tmp_path):
    script = copy_of_scripts(tmp_path) / 'environment.sh'
    finished = subprocess.run(
        ['bash', '-c', f'. {script}'], capture_output=True, text=True, timeout=200
    )
    assert finished.returncode == 1
    assert 'setup.sh' in finished.stderr


def test_build_machine_paths_are_rewritten_to_headers_that_exist(tmp_path):
    exported = tmp_path / 'a_package' / 'cmake' / 'export.cmake'
    exported.parent.mkdir(parents=True)
    exported.write_text(
        '"/opt/python/cp312-cp312/include/python3.12;'
        '/opt/python/cp312-cp312/lib/python3.12/site-packages/numpy/_core/include;/usr/include"'
    )
    rewrite = runpy.run_path(str(SCRIPTS / 'rewrite_wheel_paths.py'))['rewrite']
    assert rewrite(tmp_path) == 1
    python, numpy, untouched = exported.read_text().strip('"').split(';')
    assert (Path(numpy) / 'numpy' / 'arrayobject.h').is_file()
    assert Path(python).name.startswith('python3')
    assert untouched == '/usr/include'
    assert rewrite(tmp_path) == 0


@pytest.mark.parametrize(
    ('failures', 'errors', 'line', 'status'),
    [
        (0, 0, '7 passed, 0 failed, 1 skipped', 0),
        (2, 1, '4 passed, 3 failed, 1 skipped', 1),
    ],
)
def test_results_are_summed_over_files(tmp_path, failures, errors, line, status):
    for name, counts in {'a': (5, failures, errors, 1), 'b': (3, 0, 0, 0)}.items():
        keys = ('tests', 'failures', 'errors', 'skipped')
        suite = ElementTree.Element('testsuite', dict(zip(keys, map(str, counts), strict=True)))
        case = ElementTree.SubElement(suite, 'testcase', classname=f'test_{name}', name='it')
        if name == 'a' and failures:
            ElementTree.SubElement(case, 'failure')
        ElementTree.ElementTree(suite).write(tmp_path / f'{name}.xunit.xml')
    finished = subprocess.run(
        [sys.executable, str(SCRIPTS / 'count_tests.py'), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=200,
    )
    *files, last = finished.stdout.splitlines()
    assert last == line
    assert sum('test_b: 1 passed' in file for file in files) == 1
    assert ('failure: test_a::it' in files) == (failures > 0)
    assert finished.returncode == status


def test_the_end_says_why_each_test_failed(tmp_path):
    (tmp_path / 'test_bad.py').write_text(
        'def check(heard):\n'
        "    assert len(heard) > 100, 'too few'\n"
        'def test_it():\n'
        '    heard = [1]\n'
        '    check(heard)\n'
        'def test_that_passes():\n'
        '    pass\n'
    )
    for name in ('conftest.py', 'domains.py'):
        shutil.copy(ROOT / 'test' / name, tmp_path)
    (tmp_path / 'harness.py').write_text("def last_words(): return 'controller: it holds'")
    (tmp_path / 'test_bad.py').open('a').write('import harness\n')
    pytest_of_it = [sys.executable, '-m', 'pytest', '--junitxml=bad.xunit.xml', 'test_bad.py']
    subprocess.run(pytest_of_it, cwd=tmp_path, capture_output=True, timeout=200)
    died = '<testsuite><testcase name="x" classname="a"><failure message="no result"/></testcase>'
    (tmp_path / 'died.xunit.xml').write_text(f'{died}</testsuite>')
    finished = subprocess.run(
        [sys.executable, str(SCRIPTS / 'count_tests.py'), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=200,
    )
    told = finished.stdout.splitlines()
    assert told[-3:-1] == ['failure: test_bad::test_it', 'failure: a::x']
    why = told[told.index('failure: test_bad::test_it') : -3]
    assert why[1] == '    test_bad.py:5 > test_bad.py:2'
    assert '    E       AssertionError: too few' in why
    assert '    controller: it holds' in why
    assert why[-3:-1] == ['failure: a::x', '    no result']
    assert len(why) < 20 and 'test_that_passes' not in ''.join(told)


def test_no_results_are_no_success(tmp_path):
    finished = subprocess.run(
        [sys.executable, str(SCRIPTS / 'count_tests.py'), str(tmp_path)],
        capture_output=True,
        timeout=200,
    )
    assert finished.returncode == 1


def test_messages_are_importable_beside_the_modules_from_the_source_tree():
    finished = subprocess.run(
        [
            sys.executable,
            '-c',
            'import ebm_concept_ros.msg, ebm_concept_ros.workspace as c; print(c.__file__)',
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert finished.stdout.strip() == str(ROOT / 'ebm_concept_ros' / 'workspace.py'), (
        finished.stderr
    )


def borrow_objects(build: Path) -> None:
    """Copy what the build in the source tree generated and compiled into one that is configured.

    Libraries are left out, which know where they were linked. All of it is as old as the newest of
    them, so that what was changed since is compiled; without a build there, everything is.
    """
    built = ROOT / 'build' / 'ebm_concept_ros'
    libraries = list(built.glob('*.so'))
    if not libraries:
        return
    made_s = max(path.stat().st_mtime for path in libraries)
    for path in built.rglob('*'):
        target = build / path.relative_to(built)
        if path.is_file() and path.suffix != '.so' and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    for path in build.rglob('*'):
        os.utime(path, (made_s, made_s), follow_symlinks=False)


def test_an_install_without_symlinks_has_all_it_needs(tmp_path):
    build, prefix = tmp_path / 'build', tmp_path / 'prefix'
    options = [f'-DCMAKE_INSTALL_PREFIX={prefix}', f'-DPython3_EXECUTABLE={sys.executable}']

    def cmake(*arguments: str) -> None:
        done = subprocess.run(['cmake', *arguments], capture_output=True, text=True, timeout=1500)
        assert done.returncode == 0, done.stderr

    cmake('-S', str(ROOT), '-B', str(build), '-DBUILD_TESTING=OFF', *options)
    borrow_objects(build)
    # As many compilers as are wanted would starve the tests beside this one.
    cmake('--build', str(build), '--parallel', '2')
    cmake('--install', str(build))
    share = prefix / 'share' / 'ebm_concept_ros'
    for folder in ('launch', 'config', 'models'):
        for path in (p for p in (ROOT / folder).rglob('*') if '__pycache__' not in p.parts):
            assert (share / path.relative_to(ROOT)).exists()
    # Needs torch and the shipped weights, which it finds by itself.
    load = (
        'import ebm_core as e, ebm_concept_ros.msg as m; print(e.__file__, m.__file__); '
        'from ebm_concept_ros.package_files import load_weights as w; print(w(str()).sha256); '
        'print(e.load_model().sha256)'
    )
    finished = subprocess.run(
        [
            'bash',
            '-c',
            f'. {share}/local_setup.bash; python -c "{load}"; '
            f'{prefix}/lib/ebm_concept_ros/demonstrator --ros-args -p concept:=nowhere',
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=200,
    )
    files, sha256, without_ros = finished.stdout.splitlines()[:3]
    assert len(sha256) == 64 and without_ros == sha256
    assert files.count(f'{prefix}/lib') == 2
    assert "'nowhere' is unknown" in finished.stderr
    nodes = (
        *('simulator', 'demonstrator', 'concept_learner', 'controller', 'referee'),
        *('bag_recorder', 'live_view', 'lifecycle_manager', 'teach_page'),
        *('arranger', 'arrangement_referee'),
    )
    assert all(os.access(prefix / 'lib' / 'ebm_concept_ros' / node, os.X_OK) for node in nodes)


def test_pip_installs_ebm_core_and_its_command_from_a_source_distribution(tmp_path):
    source, target = tmp_path / 'source', tmp_path / 'target'
    shutil.copytree(ROOT / 'ebm_core', source / 'ebm_core')
    for name in ('setup.py', 'pyproject.toml', 'package.xml', 'MANIFEST.in', 'LICENSE'):
        shutil.copy(ROOT / name, source)
    make = [sys.executable, 'setup.py', '--quiet', 'sdist', '--formats', 'gztar']
    subprocess.run(make, cwd=source, check=True, timeout=200)
    (sdist,) = (source / 'dist').iterdir()
    install = [sys.executable, '-m', 'pip', 'install', '--quiet', '--no-deps', '--no-index']
    subprocess.run(
        [*install, '--no-build-isolation', '--target', str(target), str(sdist)],
        check=True,
        timeout=400,
    )
    version = ElementTree.parse(ROOT / 'package.xml').getroot().findtext('version')
    assert (target / f'ebm_core-{version}.dist-info').is_dir()
    finished = subprocess.run(
        [str(target / 'bin' / 'ebm_core'), '--help'],
        env=os.environ | {'PYTHONPATH': str(target)},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert finished.returncode == 0, finished.stderr
    assert 'train' in finished.stdout
    assert (target / 'ebm_core' / 'py.typed').is_file()
    loaded = subprocess.run(
        [sys.executable, '-c', 'import ebm_core as e; print(e.__file__, e.load_model().sha256)'],
        cwd=tmp_path,
        env=os.environ | {'PYTHONPATH': str(target)},
        capture_output=True,
        text=True,
        timeout=400,
    )
    file, sha256 = loaded.stdout.split()
    assert file.startswith(str(target))
    assert f'"{sha256}"' in (ROOT / 'models' / 'open' / 'model.json').read_text()


def imported_by(folder: Path) -> set[str]:
    """Return the top-level names of others that the modules of a folder import."""
    names = set()
    for path in folder.rglob('*.py'):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names.add(node.module)
    # A part of matplotlib that has a name of its own.
    names = {name.partition('.')[0].replace('mpl_toolkits', 'matplotlib') for name in names}
    return names - sys.stdlib_module_names - {'ebm_core', 'ebm_concept_ros'}


def test_whatever_is_imported_is_declared():
    """For ROS 2 in package.xml or on a line for pip in docs/install.md; for pip in setup.py."""
    rosdep = [e.text for e in ElementTree.parse(ROOT / 'package.xml').getroot() if e.text]
    page = (ROOT / 'docs' / 'install.md').read_text()
    pip = ' '.join(re.findall(r'^pip install (.*)$', page, re.MULTILINE))
    declared = {name.removeprefix('python3-') for name in rosdep}
    pinned = pip.replace('-', '_').split()
    declared |= {re.split('[=<>]', word.strip('"'))[0] for word in pinned}
    for folder in ('ebm_core', 'ebm_concept_ros', 'launch'):
        assert {name.lower() for name in imported_by(ROOT / folder)} <= declared
    setup, distributions = (ROOT / 'setup.py').read_text(), packages_distributions()
    for name in imported_by(ROOT / 'ebm_core'):
        assert any(f"'{known}'" in setup for known in (name, *distributions.get(name, ()))), name


@pytest.mark.skipif(importlib.util.find_spec('ruff') is None, reason='ruff is not installed')
@pytest.mark.parametrize('command', [('check',), ('format', '--check')])
def test_the_code_is_as_ruff_wants_it(command):
    finished = subprocess.run(
        [sys.executable, '-m', 'ruff', *command, str(ROOT)],
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr


@pytest.mark.skipif(shutil.which('shellcheck') is None, reason='shellcheck is not installed')
def test_the_scripts_are_as_shellcheck_wants_them():
    scripts = [str(path) for path in SCRIPTS.glob('*.sh')]
    finished = subprocess.run(
        ['shellcheck', *scripts, str(ROOT / '.ci' / 'run')],
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert finished.returncode == 0, finished.stdout
