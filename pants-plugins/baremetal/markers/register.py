"""Backend `baremetal.markers`: C emitters generated from a marker table."""

from baremetal.markers import rules as markers_rules
from baremetal.markers.target_types import MarkerTableTarget


def rules():
    return markers_rules.rules()


def target_types():
    return [MarkerTableTarget]
