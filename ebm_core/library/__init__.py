# Copyright 2026 The ebm_concept_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Concepts on the disk: what was demonstrated, and the codes that weights made of it.

A library is a folder with one folder for each concept, which a person can read:

    my_library/north%20of%20it/demonstrations.json    what was shown, and when it was saved
                               codes-0123456789ab.json  what the weights of that hash made of it

Demonstrations are what counts. Codes say which demonstrations they are of, and where they are of
others, or of other weights, they are inferred anew. So each file is whole on its own, whenever a
process that writes is killed and however many write.
"""
