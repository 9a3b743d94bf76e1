# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Messages that must be refused, for tests that send them.

Each generator yields message and reason. No two reasons of one are alike but for their numbers:
those are reported at once, others every five seconds.
"""

from copy import deepcopy

import numpy as np
from faults import BAD_NM, concept_message, joint_message
from harness import ARM, JOINTS

import ebm_concept_ros.msg as ros

ODD = (np.nan, np.inf, -np.inf, 1e308, -1e308)


def bad_joint_names(rng, topic):
    """Yield names that are not the arm's, and the reason."""
    names = rng.permutation(JOINTS).tolist()
    reason = f'{topic}.name: '
    yield [], f'{reason}{list(JOINTS)} missing; given []'
    yield names[1:], f'{reason}{names[:1]} missing'
    yield ['', *names[1:]], f"{reason}{names[:1]} missing; given ['',"
    yield [*names, names[0]], f'{reason}a joint is named twice'
    yield [''] * len(names), f"{reason}a joint is named twice in ['',"


def bad_joint_states(rng):
    n = len(JOINTS)
    for field in ('position', 'velocity'):
        for odd, joint in zip(ODD, rng.permutation(JOINTS).tolist(), strict=False):
            names = rng.permutation(JOINTS).tolist()
            values = {'position': ARM.home_rad.copy(), 'velocity': rng.normal(size=n)}
            values[field][names.index(joint)] = odd
            reason = f'joint_states.{field}: joint {joint!r} has {odd:g}'
            yield joint_message(names, **values), reason
        values = {'position': ARM.home_rad, 'velocity': np.zeros(n)}
        size = int(rng.choice((0, 1, n - 1, n + 1, 10 * n)))
        values[field] = np.zeros(size)
        reason = f'joint_states.{field}: {size} values for {n} names'
        yield joint_message(JOINTS, **values), reason
    for names, reason in bad_joint_names(rng, 'joint_states'):
        zeros = np.zeros(len(names))
        yield joint_message(names, position=zeros, velocity=zeros), reason


def bad_commands(rng, stamp):
    """Yield commands that answer the joint state of that stamp, with BAD_NM in each that has any.

    However large they are, finite ones are not bad: they are cut to the limits.
    """
    n = len(JOINTS)

    def command(names, efforts):
        message = joint_message(names, effort=efforts)
        message.header.stamp = stamp()
        return message

    for odd, joint in zip(ODD[:3], rng.permutation(JOINTS).tolist(), strict=False):
        names = rng.permutation(JOINTS).tolist()
        efforts = np.full(n, BAD_NM)
        efforts[names.index(joint)] = odd
        yield command(names, efforts), f'joint_effort_commands.effort: joint {joint!r} has {odd:g}'
    size = int(rng.choice((0, 1, n - 1, n + 1, 10 * n)))
    reason = f'joint_effort_commands.effort: {size} values for {n} names'
    yield command(JOINTS, np.full(size, BAD_NM)), reason
    for names, reason in bad_joint_names(rng, 'joint_effort_commands'):
        yield command(names, np.full(len(names), BAD_NM)), reason
    for extra in ('gripper', ''):
        names = rng.permutation([*JOINTS, extra]).tolist()
        reason = f'joint_effort_commands.name: unknown {[extra]}'
        yield command(names, np.full(n + 1, BAD_NM)), reason


def renamed(scene):
    """Return a copy that its ids tell apart."""
    scene = deepcopy(scene)
    for entity in scene.entities:
        entity.id = f'spoiled_{entity.id}'
    return scene


def bad_entities(rng, good, field):
    """Yield scenes with one bad entity."""
    good = renamed(good)
    count = len(good.entities)

    def spoil(name, value, index):
        message = deepcopy(good)
        *path, last = name.split('.')
        part = message.entities[index]
        for step in path:
            part = getattr(part, step)
        setattr(part, last, value)
        return message, f'{field}.entities[{index}].{name}: '

    for name, values in (
        ('pose.position.x', ODD),
        ('pose.position.y', ODD),
        ('radius', (*ODD, -1.0)),
        ('height', (*ODD, -1.0)),
        ('colour.r', (np.nan, np.inf, -0.1, 1.1, -1e38)),
        ('shape', (4, 255)),
        ('id', ('',)),
    ):
        # As many as there are entities: each has a reason of its own.
        chosen = rng.permutation(len(values))[:count].tolist()
        for which, index in zip(chosen, rng.permutation(count).tolist(), strict=False):
            yield spoil(name, values[which], index)
    twice = good.entities[0].id
    yield spoil('id', twice, count - 1)[0], f'].id: {twice!r} is already the id'
    index = int(rng.integers(count))
    yield spoil('pose.position.x', 1e5, index)[0], f'{field}.entities: positions: entity {index} at'


def bad_scenes(rng, good):
    yield from bad_entities(rng, good, 'scene')
    nowhere, unknown, empty, crowded, two, nobody = (renamed(good) for _ in range(6))
    nowhere.header.frame_id = ''
    yield nowhere, "scene.header.frame_id: unknown frame ''"
    unknown.header.frame_id = 'map'
    yield unknown, "scene.header.frame_id: unknown frame 'map'"
    empty.entities = []
    yield empty, 'scene.entities: no entities'
    crowded.entities = [crowded.entities[0]] * 1000
    yield crowded, 'scene.entities: 1000 entities, at most'
    for entity in two.entities[:2]:
        entity.movable = True
    for entity in nobody.entities:
        entity.movable = False
    yield two, f'{sum(e.movable for e in two.entities)} are movable'
    yield nobody, '0 are movable'


def bad_concepts(rng, model):
    """Yield sums of eight of which one is bad, and what is no sum at all."""
    good = concept_message(model, 'spoiled', 0)
    good.terms = [deepcopy(good.terms[0]) for _ in range(8)]
    places = iter(rng.permutation(8).tolist())
    for weight in (np.nan, np.inf, -np.inf, 1e308, -1.0):
        message, index = deepcopy(good), next(places)
        message.terms[index].weight = weight
        yield message, f'concept.terms[{index}].weight: {weight} is not within'
    for part in ('action_code', 'argument_code'):
        places = iter(rng.permutation(8).tolist())
        for odd in (np.nan, np.inf, -np.inf):
            message, index = deepcopy(good), next(places)
            getattr(message.terms[index], part)[rng.integers(model.code_size)] = odd
            yield message, f'concept.terms[{index}].{part}: contains NaN or infinity'
        for size in (0, model.code_size - 1, model.code_size + 1):
            message, index = deepcopy(good), next(places)
            setattr(message.terms[index], part, [0.0] * size)
            yield message, f'concept.terms[{index}].{part}: {size} values, the model'
    nameless, odd_hash, no_hash, empty, zeros, term = (deepcopy(good) for _ in range(6))
    nameless.name = ''
    yield nameless, 'concept.name: empty'
    odd_hash.model_sha256 = 'f' * 64
    yield odd_hash, 'concept.model_sha256: ffffffffffff is not'
    no_hash.model_sha256 = ''
    yield no_hash, 'concept.model_sha256: empty is not'
    empty.terms = []
    yield empty, 'concept.terms: 0 given'
    for part in zeros.terms:
        part.weight = 0.0
    yield zeros, 'all are 0'
    index = int(rng.integers(8))
    term.terms[index].name = ''
    yield term, f'concept.terms[{index}].name: empty'


def bad_demonstrations(rng, good):
    for t in (0, len(good.states) - 1):
        for scene, reason in bad_entities(rng, good.states[t], f'demonstration.states[{t}]'):
            message = deepcopy(good)
            message.states[t] = scene
            yield message, reason
    nameless, none, one, permuted, fewer, frame, attention = (deepcopy(good) for _ in range(7))
    nameless.concept = ''
    yield nameless, 'demonstration.concept: empty'
    none.states = []
    yield none, 'demonstration.states: 0 given'
    one.states = one.states[:1]
    yield one, 'demonstration.states: 1 given'
    permuted.states[-1].entities = permuted.states[-1].entities[::-1]
    yield permuted, 'in the same order'
    fewer.states[-1].entities = fewer.states[-1].entities[:-1]
    yield fewer, f'{len(fewer.states[0].entities) - 1} entities, state 0 has'
    for state in (frame, *frame.states):
        state.header.frame_id = ''
    yield frame, "frame_id: unknown frame ''"
    attention.attention = [1.0] * (len(attention.attention) + 1)
    yield attention, 'demonstration.attention: '
    for index, odd in enumerate((np.nan, np.inf, -0.1, 1e308)[: len(good.attention)]):
        message = deepcopy(good)
        message.attention[index] = odd
        yield message, f'demonstration.attention[{index}]: {odd}'


def bad_compositions(rng, names):
    """Yield sums of the two names that nobody can make."""
    first, second = names
    for index, odd in zip((0, 1), rng.permutation((np.nan, -np.inf)).tolist(), strict=True):
        weights = [1.0, 1.0]
        weights[index] = odd
        reason = f'composition.weights[{index}]: {odd}'
        yield ros.Composition(concepts=list(names), weights=weights), reason
    for concepts, weights, reason in (
        ([first, second, 'c', 'd'], [1.0, 1.0, 1e308, 1.0], 'composition.weights[2]: 1e+308'),
        ([first, second, 'c', 'd'], [1.0, 1.0, 1.0, -1.0], 'composition.weights[3]: -1.0'),
        (names, [0.0, 0.0], 'composition.weights: all are 0'),
        (names, [1.0], 'composition.weights: 1 values for 2 concepts'),
        ([f'c{i}' for i in range(9)], [1.0] * 9, 'composition.concepts: 9 given'),
        ([first, ''], [1.0, 1.0], 'composition.concepts[1]: empty'),
        ([first, first], [1.0, 1.0], f'composition.concepts[1]: {first!r} is there already'),
    ):
        yield ros.Composition(concepts=list(concepts), weights=weights), reason
