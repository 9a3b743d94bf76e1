"""The arm as configuration, its table and its simulation."""

from ebm_concept_ros.headless import draw_without_display

draw_without_display()
