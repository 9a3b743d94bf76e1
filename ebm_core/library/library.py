# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The folder of a concept library: saving, loading, listing and deleting."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote, unquote

from pydantic import ValidationError

from ..config import Config, describe
from ..errors import InvalidInput
from ..files import remove_leftovers, write_atomically
from ..world.scene import Demonstration
from .entry import FORMAT, DemonstrationEntry, DemonstrationsFile, SavedCodes, SavedConcept

DEMONSTRATIONS = 'demonstrations.json'
_LONGEST_FOLDER_NAME = 200
_SHA_SHOWN = 12

AnyFile = TypeVar('AnyFile', bound=Config)


class LibraryError(RuntimeError):
    """What a library cannot do; the message names the entry or the file, and the reason."""


@dataclass(frozen=True, eq=False)
class Contents:
    """What a library holds, by name; damaged: file and reason of each entry that was left out."""

    concepts: tuple[SavedConcept, ...]
    damaged: tuple[str, ...]


class ConceptLibrary:
    """A library in a folder, which is made by the first `save`.

    Several processes may use one folder: who writes has it to itself, who reads finds whole files.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder).expanduser()

    def save(self, name: str, demonstrations: Sequence[Demonstration]) -> SavedConcept:
        """Save a concept in place of the one of that name; raises LibraryError, and it stays."""
        path = self._folder_of(name) / DEMONSTRATIONS
        entries = tuple(map(DemonstrationEntry.of, demonstrations))
        if not entries:
            raise LibraryError(f'{name!r}: no demonstrations, so there is nothing to save')
        content = DemonstrationsFile(
            format=FORMAT,
            name=name,
            saved_at=datetime.now(UTC).replace(microsecond=0),
            demonstrations=entries,
        )
        with self._writing(path):
            remove_leftovers(path)
            write_atomically(path, content.text().encode())
        return _concept(content, tuple(demonstrations))

    def load(self, name: str) -> SavedConcept:
        """Return a concept; raises LibraryError where it is unknown or damaged."""
        path = self._folder_of(name) / DEMONSTRATIONS
        if not path.is_file():
            known = ', '.join(repr(concept.name) for concept in self.contents().concepts)
            raise LibraryError(f'{name!r} is not in {self.folder}; there are {known or "none"}')
        return _load(path)

    def contents(self) -> Contents:
        """Return all that can be loaded, and what cannot."""
        concepts, damaged = [], []
        for path in sorted(self.folder.glob(f'*/{DEMONSTRATIONS}')):
            try:
                concepts.append(_load(path))
            except LibraryError as error:
                if path.exists():  # else somebody has deleted it since it was found
                    damaged.append(str(error))
        return Contents(tuple(sorted(concepts, key=lambda c: c.name)), tuple(damaged))

    def delete(self, name: str) -> None:
        """Delete a concept, also one that is damaged; raises LibraryError."""
        folder = self._folder_of(name)
        if not (folder / DEMONSTRATIONS).is_file():
            raise LibraryError(f'{name!r} is not in {self.folder}')
        with self._writing(folder):
            # First of all what makes the folder an entry: without it, the rest is nobody's.
            (folder / DEMONSTRATIONS).unlink()
            for path in folder.iterdir():
                path.unlink()
            folder.rmdir()

    def recall(
        self, name: str, model_sha256: str, infer: Callable[[SavedConcept], SavedCodes]
    ) -> tuple[SavedConcept, SavedCodes]:
        """Return a concept and its codes for the weights of that hash.

        infer: makes the codes where there are none yet; they are saved, unless the library cannot
        be written to: then they are made again the next time.
        """
        concept = self.load(name)
        codes = self.codes(concept, model_sha256)
        if codes is None:
            codes = infer(concept)
            with suppress(LibraryError):
                self.save_codes(concept, codes)
        return concept, codes

    def codes(self, concept: SavedConcept, model_sha256: str) -> SavedCodes | None:
        """Return the saved codes of just these demonstrations and weights, None without."""
        path = self._codes_path(concept.name, model_sha256)
        try:
            codes = _read(path, SavedCodes)
        except LibraryError:
            return None  # not there, or damaged: inferred anew either way
        of = (codes.demonstrations_sha256, codes.model_sha256)
        return codes if of == (concept.digest, model_sha256) else None

    def save_codes(self, concept: SavedConcept, codes: SavedCodes) -> None:
        """Save what weights made of a concept; raises LibraryError."""
        path = self._codes_path(concept.name, codes.model_sha256)
        with self._writing(path):
            remove_leftovers(path)
            # Deleted in the meantime: its folder is not made again.
            if path.parent.is_dir():
                write_atomically(path, codes.text().encode())

    def _folder_of(self, name: str) -> Path:
        try:
            folder = quote(name, safe=" !#$&'()+,;=@[]{}^~")
        except UnicodeEncodeError:
            raise LibraryError(f'concept: {name!r} is no text') from None
        if folder.startswith('.'):
            folder = f'%2E{folder[1:]}'
        if not 0 < len(folder) <= _LONGEST_FOLDER_NAME:
            raise LibraryError(
                f'concept: {name[:40]!r} takes {len(folder)} characters as the name of a folder, '
                f'allowed are 1 to {_LONGEST_FOLDER_NAME}'
            )
        return self.folder / folder

    def _codes_path(self, name: str, model_sha256: str) -> Path:
        return self._folder_of(name) / f'codes-{model_sha256[:_SHA_SHOWN]}.json'

    @contextmanager
    def _writing(self, path: Path) -> Iterator[None]:
        """Have the library to oneself; raises LibraryError for what goes wrong with path."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / '.lock').open('w') as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)  # given back when it is closed, or we are killed
                yield
        except OSError as error:
            raise LibraryError(f'{path}: cannot be written ({error.strerror or error})') from None


def _concept(content: DemonstrationsFile, shown: tuple[Demonstration, ...]) -> SavedConcept:
    return SavedConcept(content.name, shown, content.saved_at, content.digest())


def _load(path: Path) -> SavedConcept:
    content = _read(path, DemonstrationsFile)
    if content.name != unquote(path.parent.name):
        raise LibraryError(f'{path}: name: {content.name!r} is not that of its folder')
    demonstrations = []
    for number, entry in enumerate(content.demonstrations):
        try:
            demonstrations.append(entry.demonstration())
        except InvalidInput as error:
            raise LibraryError(f'{path}: demonstrations.{number}.{error}') from None
    return _concept(content, tuple(demonstrations))


def _read(path: Path, kind: type[AnyFile]) -> AnyFile:
    try:
        return kind.model_validate(json.loads(path.read_bytes()))
    except OSError as error:
        raise LibraryError(f'{path}: cannot be read ({error.strerror or error})') from None
    except ValidationError as error:
        raise LibraryError(f'{path}: {describe(error, kind)[:300]}') from None
    except (ValueError, RecursionError) as error:
        raise LibraryError(f'{path}: not JSON ({error})') from None
