# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The session of all pages, against nodes that a test plays: nothing that was shown is lost."""

import asyncio
import json
import math
from dataclasses import replace

import numpy as np
import pytest

from ebm_concept_ros.page.lesson import Thing
from ebm_concept_ros.page.link import (
    Ended,
    Heard,
    Known,
    Moving,
    Presence,
    Progress,
    Refused,
    Table,
)
from ebm_concept_ros.page.messages import message_of
from ebm_concept_ros.page.teacher import Teacher
from ebm_concept_ros.page.understanding import Understood, levels, verdict

ALL = Presence(learner=True, controller=True, simulator=True, table=True)
TABLE = Table((Thing('a', 'red', 'triangle', 0.1, 0.2), Thing('b', 'blue', 'circle', -0.4, 0.0)))


class Nodes:
    """A learner that knows what it was shown, and an arm that runs until a test ends it."""

    def __init__(self):
        self.heard = Heard()
        self.shown = {}
        self.odd_one = 0
        self.is_there = True
        self.asked = []
        self.ended = asyncio.Event()

    def is_gone(self):
        return not self.is_there

    def _ask(self, *what):
        if not self.is_there:
            raise Refused('nobody is there')
        self.asked.append(what)

    async def show(self, name, demonstrations):
        self._ask('show', name, len(demonstrations))
        self.shown.setdefault(name, []).extend(demonstrations)

    async def understood(self, concepts, on_table):
        self._ask('understood', dict(concepts), on_table)
        number = len(self.shown.get(next(iter(concepts)), ()))
        if not number:
            raise Refused('it is not known')
        energies = np.arange(25.0).reshape(5, 5) if on_table else None
        without = (4.0,) * number
        score = 0.0 if self.odd_one else 4.0
        return Understood(number, score, 1.2, without, self.odd_one, {'a': 1.0}, 1.25, energies)

    async def replace(self, name, number, demonstration):
        self._ask('replace', name, number)
        self.shown[name][number - 1] = demonstration

    async def remove(self, name, number):
        self._ask('remove', name, number)
        del self.shown[name][number - 1]

    async def forget(self, name):
        self._ask('forget', name)
        self.shown.pop(name, None)

    async def demonstrations(self, name):
        self._ask('demonstrations', name)
        return list(self.shown.get(name, ())), 5

    async def concepts(self):
        self._ask('concepts')
        return [Known(name, len(shown), False, True) for name, shown in self.shown.items()]

    async def save(self, name):
        self._ask('save', name)
        return 'saved'

    async def delete(self, name):
        self._ask('delete', name)
        return 'deleted'

    async def enact(self, concepts, on_progress):
        self._ask('enact', dict(concepts))
        self.ended.clear()
        await self.ended.wait()
        return Ended(True, 'reached', 0.003)

    async def arrange(self, concepts, on_progress):
        self._ask('arrange', dict(concepts))
        moving = Moving('a', 'carry', 1, 2, ('a', 'c'), ('b',))
        on_progress(Progress('my concept: carry a, move 1 of 2', moving=moving))
        self.ended.clear()
        await self.ended.wait()
        return Ended(False, 'no room: there is no room where the concept asks for it')

    async def pause(self):
        self._ask('pause')

    async def resume(self):
        self._ask('resume')

    async def stop(self):
        self._ask('stop')

    async def set_speed(self, scale):
        self._ask('set_speed', scale)

    async def move_thing(self, id_, place):
        self._ask('move_thing', id_, place)

    async def add_thing(self, colour, shape, place):
        self._ask('add_thing', colour, shape, place)

    async def remove_thing(self, id_):
        self._ask('remove_thing', id_)

    async def record(self, on):
        self._ask('record', on)
        return 'recording into run_0001' if on else '7 messages in run_0001'


class Lesson:
    """A teacher, the nodes, and a page that says things to it."""

    def __init__(self):
        self.nodes = Nodes()
        self.told, self.answers = [], []
        self.teacher = Teacher(self.nodes, self.told.append)
        self.nodes.heard.presence(ALL)
        self.nodes.heard.table(TABLE)

    async def say(self, kind, page='page', **fields):
        text = json.dumps({'type': kind} | fields)
        await self.teacher.take(message_of(text), page, self.answers.append)

    async def show(self, number):
        for _ in range(number):
            thing = self.state['board']['things'][0]
            await self.say('show', x=thing['x'] + 0.2, y=thing['y'])

    @property
    def state(self):
        return self.teacher.state()


async def until(holds):
    """Let the teacher go on until it holds."""
    for _ in range(10_000):
        if holds():
            return
        await asyncio.sleep(0.01)
    pytest.fail('waited in vain')


def taught(number=5):
    """Run a test's coroutine on a lesson in which so many examples were shown."""

    def decorate(test):
        def run():
            async def body():
                lesson = Lesson()
                await asyncio.sleep(0)
                await lesson.show(number)
                await test(lesson)

            asyncio.run(body())

        run.__name__, run.__doc__ = test.__name__, test.__doc__
        return run

    return decorate


@taught(0)
async def test_it_begins_with_things_like_those_on_the_table(lesson):
    looks = [(t['colour'], t['shape']) for t in lesson.state['board']['things']]
    assert looks == [('red', 'triangle'), ('blue', 'circle')]


@taught(4)
async def test_only_what_is_understood_is_run(lesson):
    await lesson.say('run', concepts={'my concept': 1.0})
    assert 'Show 1 more example' in lesson.answers[-1]['reason']
    await lesson.show(1)
    assert lesson.state['verdict']['may_run'] and lesson.state['why_not'] == ''
    lesson.nodes.odd_one = 3
    await lesson.say('delete', number=1)
    await lesson.show(1)
    assert lesson.state['odd'] == 3
    await lesson.say('run', concepts={'my concept': 1.0})
    assert 'Example 3 does not fit' in lesson.answers[-1]['reason']
    assert not [a for a in lesson.nodes.asked if a[0] == 'enact']


@taught()
async def test_it_runs_and_says_how_it_ended(lesson):
    await lesson.say('run', concepts={'my concept': 1.0})
    await asyncio.sleep(0)
    assert lesson.state['running']['state'] == 'running'
    await lesson.say('pause')
    assert lesson.state['running']['state'] == 'paused'
    await lesson.say('resume')
    lesson.nodes.ended.set()
    await until(lambda: lesson.state['running'] is None)
    assert lesson.state['said'][-1] == 'my concept: reached, 3 mm from the lowest energy.'


@taught(0)
async def test_with_an_arranger_things_are_moved_and_it_says_who_and_why_not(lesson):
    lesson.nodes.heard.presence(replace(ALL, controller=False))
    assert lesson.state['why_not'] == 'Waiting for the controller.'
    lesson.nodes.heard.presence(replace(ALL, controller=False, arranger=True))
    assert lesson.state['moves_things'] and 'Drag what is to be moved' in lesson.state['why_not']
    for _ in range(5):
        await lesson.say('move', id=lesson.state['board']['things'][0]['id'], x=0.9, y=0.9)
        await lesson.say('show_moved')
    assert lesson.state['verdict']['may_run'] and lesson.state['why_not'] == ''
    assert not [a for a in lesson.nodes.asked if a[0] == 'understood' and a[2]], 'no hand to draw'
    await lesson.say('run', concepts={'my concept': 1.0})
    await asyncio.sleep(0)
    assert lesson.nodes.asked[-1] == ('arrange', {'my concept': 1.0})
    moving = next(m['moving'] for m in lesson.told if m['type'] == 'progress')
    assert (moving['movers'], moving['references']) == (('a', 'c'), ('b',))
    json.dumps(lesson.told, allow_nan=False)
    lesson.nodes.ended.set()
    await until(lambda: lesson.state['running'] is None)
    words = 'my concept: no room: there is no room where the concept asks for it.'
    assert lesson.state['ended'] == {'words': words, 'reached': False}
    lesson.nodes.heard.presence(replace(ALL, controller=False))
    assert lesson.state['why_not'] == 'Waiting for the arranger.'
    assert lesson.state['said'][-1] == 'The arranger is gone.'


@taught()
async def test_the_arm_stops_for_the_page_that_ran_it_and_for_no_other(lesson):
    await lesson.say('run', page='one', concepts={'my concept': 1.0})
    await asyncio.sleep(0)
    await lesson.teacher.lost('two')
    assert ('stop',) not in lesson.nodes.asked
    await lesson.teacher.lost('one')
    assert lesson.nodes.asked[-1] == ('stop',)
    assert 'its connection was lost' in lesson.state['said'][-1]


@taught()
async def test_a_run_ends_with_whoever_drove_the_arm_and_its_page_still_stops_it(lesson):
    await lesson.say('run', page='one', concepts={'my concept': 1.0})
    await asyncio.sleep(0)
    lesson.nodes.heard.presence(replace(ALL, controller=False))
    assert lesson.state['running'] is None
    words = 'my concept: the controller is gone.'
    assert lesson.state['ended'] == {'words': words, 'reached': False}
    lesson.nodes.heard.presence(ALL)
    assert lesson.state['why_not'] == '', 'it may be run again'
    await lesson.teacher.lost('one')
    assert lesson.nodes.asked[-1] == ('stop',), 'it may have been there all along'
    lesson.nodes.ended.set()
    await asyncio.sleep(0.01)
    assert lesson.state['ended']['words'] == words


@taught(3)
async def test_a_learner_that_is_started_anew_is_shown_all_examples_again(lesson):
    lesson.nodes.is_there = False
    lesson.nodes.shown.clear()
    lesson.nodes.heard.presence(Presence(controller=True, simulator=True))
    assert lesson.state['why_not'] == 'Waiting for the learner.'
    await lesson.show(1)  # also what is shown in between
    assert len(lesson.state['examples']) == 4
    lesson.nodes.is_there = True
    lesson.nodes.heard.presence(ALL)
    await until(
        lambda: lesson.state['verdict']['level'] == 'little' and len(lesson.nodes.shown) == 1
    )
    assert len(lesson.nodes.shown['my concept']) == 4
    assert lesson.state['said'][:2] == ['The learner is gone.', 'The learner is there again.']
    assert 'it was shown them again' in lesson.state['said'][-1]


@taught(0)
async def test_what_the_learner_was_shown_before_is_shown_on_the_page(lesson):
    other = Lesson()
    await other.show(2)
    lesson.nodes.shown = other.nodes.shown
    lesson.nodes.heard.presence(Presence())
    lesson.nodes.heard.presence(ALL)
    await until(lambda: lesson.state['verdict']['level'] == 'little')
    assert len(lesson.state['examples']) == len(lesson.nodes.shown['my concept']) == 2


@taught(2)
async def test_what_a_page_is_told_first_is_all_that_was_shown(lesson):
    state, heat = lesson.teacher.first_words()
    assert len(state['examples']) == 2 and heat['size'] == 5
    json.dumps([state, heat], allow_nan=False)


@taught(2)
async def test_examples_are_exported_imported_and_of_each_concept_apart(lesson):
    await lesson.say('export', name='my concept')
    text = next(m['text'] for m in lesson.told if m['type'] == 'file')
    await lesson.say('teach', name='another')
    assert lesson.state['examples'] == [] and lesson.state['name'] == 'another'
    await lesson.say('import', text=text.replace('my concept', 'third'))
    assert lesson.state['name'] == 'third' and len(lesson.nodes.shown['third']) == 2
    await lesson.say('teach', name='my concept')
    assert len(lesson.state['examples']) == 2
    await lesson.say('import', text='{}')
    assert lesson.answers[-1]['reason'].startswith('format: ')


@taught(0)
async def test_what_stands_on_the_table_is_changed_by_whoever_moves_it(lesson):
    assert lesson.state['table_changes']
    await lesson.say('table_move', id='a', x=0.5, y=0.5)
    await lesson.say('table_add', colour='green', shape='square')
    await lesson.say('table_remove', id='b')
    moved, (_, *look, place), removed = lesson.nodes.asked[-3:]
    assert moved == ('move_thing', 'a', (0.5, 0.5)) and removed == ('remove_thing', 'b')
    assert look == ['green', 'square']
    assert min(math.dist(place, thing.place) for thing in TABLE.things) > 0.35
    full = Table(tuple(Thing(f'{i}', 'red', 'circle', i / 10, 0.0) for i in range(8)))
    lesson.nodes.heard.table(full)
    await lesson.say('table_add', colour='green', shape='square')
    assert '8 things are there already' in lesson.answers[-1]['reason']
    lesson.nodes.heard.presence(Presence(learner=True, controller=True, simulator=True))
    assert not lesson.state['table_changes'] and lesson.state['why_not'].startswith('Nothing')


@taught(0)
async def test_a_bag_is_begun_and_ended_where_there_is_a_recorder(lesson):
    assert lesson.state['recording'] is None
    lesson.nodes.heard.presence(replace(ALL, recorder=True))
    assert lesson.state['recording'] is False
    await lesson.say('record', on=True)
    assert lesson.state['recording'] and lesson.state['said'][-1] == 'Bag: recording into run_0001.'
    await lesson.say('record', on=False)
    assert lesson.state['said'][-1] == 'Bag: 7 messages in run_0001.'
    await lesson.say('record', on=True)
    lesson.nodes.heard.presence(ALL)
    assert lesson.state['recording'] is None
    assert lesson.state['said'][-1] == 'The recorder is gone, and its bag is not whole.'


def understood(number, score=4.0, odd_one=0, readings=()):
    without = (4.0,) * number
    return Understood(number, score, 1.2, without, odd_one, {}, readings=readings)


@pytest.mark.parametrize(
    ('number', 'found', 'level', 'says'),
    [
        (0, None, 'nothing', 'Nothing has been shown'),
        (2, None, 'nothing', 'being asked'),
        (1, understood(1), 'little', 'One example fits many'),
        (2, understood(2, -1.0), 'little', 'do not tell yet'),
        (2, understood(2, readings=(0.5, 0.4, 0.06, 0.04)), 'little', 'examples fit 3 concepts'),
        (3, understood(3), 'little', 'So far they fit'),
        (3, understood(3, readings=(0.95, 0.05)), 'little', 'So far they fit'),
        (5, understood(5, readings=(0.5, 0.5)), 'good', 'Understood'),
        (4, understood(4, 1.5, 2), 'little', 'So far they fit'),
        (4, understood(4, 0.5, 2), 'bad', 'Example 2 does not fit'),
        (5, understood(5, 1.5, 2), 'bad', 'Example 2 does not fit'),
        (5, understood(5, 0.5), 'bad', 'do not fit together'),
        (5, understood(5), 'good', 'Understood'),
        (5, understood(5, math.nan), 'bad', 'do not fit together'),
    ],
)
def test_the_verdict_in_words(number, found, level, says):
    got = verdict(number, 5, found)
    assert got.level == level and says in got.words and got.may_run == (level == 'good')


def test_levels_are_ranks_whatever_the_scale():
    energies = np.array([[0.0, 1e6], [3.0, 1.0]])
    assert levels(energies).tolist() == levels(np.log1p(energies)).tolist() == [[0, 255], [170, 85]]
