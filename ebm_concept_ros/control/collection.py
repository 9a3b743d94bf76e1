# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Demonstrations on their way to a concept, by the name that they are shown under."""

from __future__ import annotations

from collections.abc import Mapping

from ebm_core.world.scene import Demonstration, InvalidInput

Shown = tuple[Demonstration, ...]


class Collection:
    """Collects demonstrations until `needed` of one name are there, of at most `max_names`."""

    def __init__(self, needed: int, max_names: int) -> None:
        self.needed = needed
        self._max_names = max_names
        self._collected: dict[str, list[Demonstration]] = {}

    @property
    def numbers(self) -> dict[str, int]:
        """How many there are of each name."""
        return {name: len(shown) for name, shown in self._collected.items()}

    def of(self, name: str) -> Shown:
        """Return those of a name, oldest first."""
        return tuple(self._collected.get(name, ()))

    def add(self, name: str, demonstration: Demonstration) -> Shown | None:
        """Take one; return all of that name once they are enough, and begin anew."""
        collected = self._collected.setdefault(name, [])
        collected.append(demonstration)
        return tuple(self._collected.pop(name)) if len(collected) >= self.needed else None

    def drop_too_many(self) -> str | None:
        """Drop the oldest name where there are too many; return it."""
        if len(self._collected) <= self._max_names:
            return None
        oldest = next(iter(self._collected))
        del self._collected[oldest]
        return oldest

    def forget(self, name: str) -> int:
        """Forget those of a name; return how many; raises InvalidInput where there are none."""
        if name not in self._collected:
            raise self._unknown(name)
        return len(self._collected.pop(name))

    def undo(self, name: str, inferred_from: Mapping[str, Shown]) -> int:
        """Take the last one back; see `remove`."""
        return self.remove(name, len(self._shown(name, inferred_from)), inferred_from)

    def remove(self, name: str, number: int, inferred_from: Mapping[str, Shown]) -> int:
        """Take number 1, 2, … back, and return how many are left; raises InvalidInput.

        inferred_from: the demonstrations of concepts. Of one that is already inferred all others
        are collected again, and the concept stays until there are enough anew.
        """
        shown = self._shown(name, inferred_from)
        self._check_number(name, number, shown)
        self._collected.pop(name, None)
        del shown[number - 1]
        if shown:
            self._collected[name] = shown
        return len(shown)

    def replace(
        self,
        name: str,
        number: int,
        demonstration: Demonstration,
        inferred_from: Mapping[str, Shown],
    ) -> Shown | None:
        """Put one in the place of number 1, 2, …; raises InvalidInput where there is none.

        Returns all of the name where it was one of those that the concept is inferred from.
        """
        shown = self._shown(name, inferred_from)
        self._check_number(name, number, shown)
        shown[number - 1] = demonstration
        if name not in self._collected:
            return tuple(shown)
        self._collected[name] = shown
        return None

    def _shown(self, name: str, inferred_from: Mapping[str, Shown]) -> list[Demonstration]:
        """Return what is being collected, or what a concept is inferred from."""
        shown = list(self._collected.get(name) or inferred_from.get(name, ()))
        if not shown:
            raise self._unknown(name)
        return shown

    @staticmethod
    def _check_number(name: str, number: int, shown: list[Demonstration]) -> None:
        if not 1 <= number <= len(shown):
            raise InvalidInput(f'number: {number} refused, of {name!r} there are 1 to {len(shown)}')

    def _unknown(self, name: str) -> InvalidInput:
        known = ', '.join(map(repr, self._collected)) or 'none'
        return InvalidInput(f'name: nothing was shown under {name!r}; being collected: {known}')
