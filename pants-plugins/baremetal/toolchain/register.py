"""Backend `baremetal.toolchain`: pinned wheels, and the clang toolchain that comes from one."""

from baremetal.toolchain import rules as toolchain_rules
from baremetal.toolchain.target_types import PinnedWheelTarget


def rules():
    return toolchain_rules.rules()


def target_types():
    return [PinnedWheelTarget]
