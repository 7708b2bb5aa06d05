"""Backend `baremetal.hostbin`: Linux programs from the same C sources."""

from baremetal.hostbin import rules as hostbin_rules
from baremetal.hostbin.target_types import HostBinaryTarget


def rules():
    return hostbin_rules.rules()


def target_types():
    return [HostBinaryTarget]
