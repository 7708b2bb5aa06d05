"""Backend `baremetal.image`: bootable disk images."""

from baremetal.image import rules as image_rules
from baremetal.image.target_types import BootImageTarget


def rules():
    return image_rules.rules()


def target_types():
    return [BootImageTarget]
