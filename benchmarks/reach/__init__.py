"""Torque reaches that enact learned concepts: how often, how fast, how exactly."""
