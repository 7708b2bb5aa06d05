"""Backend `baremetal.capture`: unattended boots whose evidence is cached."""

from baremetal.capture import rules as capture_rules
from baremetal.capture.target_types import BootCaptureTarget


def rules():
    return capture_rules.rules()


def target_types():
    return [BootCaptureTarget]
