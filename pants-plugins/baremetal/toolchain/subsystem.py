"""The options of the `[baremetal]` section."""

from __future__ import annotations

from pants.option.option_types import StrOption
from pants.option.subsystem import Subsystem
from pants.util.strutil import softwrap


class BaremetalSubsystem(Subsystem):
    options_scope = "baremetal"
    name = "Baremetal"
    help = "Pinned inputs of the bare-metal builds."

    wheel_dir = StrOption(
        default="~/.cache/llm-baremetal/wheels",
        help=softwrap(
            """
            Folder of pinned wheels, each stored as `<sha256>.whl`. The `./pants` launcher fills it, and sets this
            option when the cache is elsewhere. The path must be ASCII without spaces.
            """
        ),
    )
    clang = StrOption(
        default="3rdparty/clang:clang",
        advanced=True,
        help="Address of the `pinned_wheel` whose files are the C compiler and linker.",
    )
