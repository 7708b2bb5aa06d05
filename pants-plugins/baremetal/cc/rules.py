"""Everything the program backends (efi, hostbin, ctest) need to compile and link C."""

from pants.backend.cc.dependency_inference import rules as inference_rules

from baremetal.cc import compile, driver, headers, link, system_clang
from baremetal.toolchain import rules as toolchain_rules


def rules():
    return [
        *inference_rules.rules(),
        *toolchain_rules.rules(),
        *system_clang.rules(),
        *driver.rules(),
        *headers.rules(),
        *compile.rules(),
        *link.rules(),
    ]
