# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the tests of the documentation read out of its pages: links, headings, commands, code."""

from __future__ import annotations

import re
import shlex
import unicodedata
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob('*.md'), *(ROOT / 'docs').glob('*.md')])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]

_FENCE = re.compile(r'^```(\w+)\n(.*?)^```$', re.MULTILINE | re.DOTALL)
_ANY_FENCE = re.compile(r'^```.*?^```$', re.MULTILINE | re.DOTALL)
_LINK = re.compile(r'\]\(([^)\s]+)\)')
# Commands of ours within a sentence or a table.
_IN_TEXT = re.compile(r'(?<!`)`((?:\w+=\S+ )?(?:python |\./|ros2 |pytest |torchrun )[^`]*)`(?!`)')
_SPAN = re.compile(r'(?<!`)`([^`]+)`(?!`)')
_ASSIGNMENT = re.compile(r'\b([a-z]\w*):=')
_SHELL_ENDS = {'&&', '||', ';', '&', '|'}


class Command(NamedTuple):
    """One command of a page, as words; place: the page's name."""

    place: str
    words: list[str]


def links(page: Path) -> list[str]:
    """Return the targets of all links but those to other sites."""
    text = _ANY_FENCE.sub('', page.read_text(encoding='utf-8'))
    return [link for link in _LINK.findall(text) if not re.match(r'\w+:', link)]


def paths(page: Path) -> list[str]:
    """Return the files and folders that the page names within its sentences."""
    text = _ANY_FENCE.sub('', page.read_text(encoding='utf-8'))
    named = re.findall(r'(?<!`)`([\w./-]+(?:/|\.(?:py|md|sh|msg|xml|yaml|rst|txt)))`(?!`)', text)
    return [path for path in named if '/' in path]


def assignments(page: Path) -> set[str]:
    """Return the names of which a sentence of the page says `name:=value`."""
    text = _ANY_FENCE.sub('', page.read_text(encoding='utf-8'))
    return {name for span in _SPAN.findall(text) for name in _ASSIGNMENT.findall(span)}


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as mkdocs and code hosts make them."""
    text = _ANY_FENCE.sub('', page.read_text(encoding='utf-8'))
    return {slug(heading) for heading in re.findall(r'^#+ (.*)$', text, re.MULTILINE)}


def slug(heading: str) -> str:
    """Return the anchor of a heading."""
    plain = unicodedata.normalize('NFKD', heading).encode('ascii', 'ignore').decode()
    return re.sub(r'[-\s]+', '-', re.sub(r'[^\w\s-]', '', plain).strip().lower())


def code(page: Path, language: str) -> list[str]:
    """Return the fenced blocks of a language."""
    text = page.read_text(encoding='utf-8')
    return [body for name, body in _FENCE.findall(text) if name == language]


def commands(page: Path) -> list[Command]:
    """Return every command of the page's bash blocks, and ours within its sentences."""
    place = str(page.relative_to(ROOT))
    found = []
    for block in code(page, 'bash'):
        for line in block.replace('\\\n', ' ').splitlines():
            found += [Command(place, words) for words in _split(line)]
    text = _ANY_FENCE.sub('', page.read_text(encoding='utf-8'))
    for span in _IN_TEXT.findall(text):
        found += [Command(place, words) for words in _split(' '.join(span.split()))]
    return found


def _split(line: str) -> list[list[str]]:
    """Return the simple commands of a line of shell, without loops' words and assignments."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    parts: list[list[str]] = [[]]
    for word in lexer:
        if word in _SHELL_ENDS:
            parts.append([])
        else:
            parts[-1].append(word)
    return [words for words in map(_simple, parts) if words]


def _simple(words: list[str]) -> list[str]:
    if words[:1] == ['for']:
        return []
    while words and (words[0] in ('do', 'done', 'export') or re.match(r'\w+=', words[0])):
        words = words[1:]
    return words
