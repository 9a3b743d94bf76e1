# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Whether a concept is satisfied, by the shipped weights: of a circle every place will do."""

import numpy as np
from reaching import shipped_workspace

from ebm_concept_ros.control.satisfaction import satisfaction
from ebm_concept_ros.types import ConceptCodes, NamedScene
from ebm_core import get_concept, load_model

# What was learned is not the same all around: some places are a little better than others.
ALL_AROUND_M = 0.06


def test_every_place_of_a_circle_satisfies_it_and_its_middle_does_not():
    concept, model, rng = get_concept('circle'), load_model(), np.random.default_rng(1)
    *shown, asked = concept.demonstrations(rng, 6)
    found = model.infer(shown)
    codes = ConceptCodes('circle', found.action_code, found.argument_code, model.sha256)
    radius = np.linalg.norm(asked.after.positions[0])

    def distance_m(place):
        scene = asked.before.with_positions([place, *asked.before.positions[1:]])
        ids = tuple(f'{i}' for i in range(len(scene)))
        named = NamedScene(ids, scene)
        return satisfaction(
            model, codes, named, shipped_workspace(), attention=asked.attention
        ).distance_m

    for angle in np.linspace(0.0, 2 * np.pi, 6, endpoint=False):
        outwards = np.array([np.cos(angle), np.sin(angle)])
        assert distance_m(radius * outwards) <= ALL_AROUND_M
    assert distance_m(np.zeros(2)) > 2 * ALL_AROUND_M
