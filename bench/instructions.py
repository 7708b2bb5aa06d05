"""Guest instructions a generated token costs, in a boot whose clock counts instructions.

A 15-million-parameter float32 llama2.c model is made from a seed, put into an image with the given EFI program, and
asked for one greedy answer. Under `-icount shift=5` the guest's time advances by 32 ns an instruction, so the times in
its own log are instruction counts: the same on every run and machine.

    PYTHONPATH=. python bench/instructions.py --efi dist/firmware/llm_efi.efi

Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from decimal import Decimal
from pathlib import Path

from tools.boot import installed
from tools.boot.capture import Inputs, capture
from tools.boot.qemu import Firmware
from tools.image.build import build
from tools.image.layout import File, Layout
from tools.markers.parse import Record, parse_log
from tools.markers.table import load
from tools.testmodels.kinds import make

MARKERS = Path(__file__).parent.parent / "firmware/events/markers.toml"
MODEL = "llama2c-15m"
NANOSECONDS_AN_INSTRUCTION = 32
MAX_TOKENS = 9
SCENARIO = f"""
description = "One greedy answer of a small float32 model"
config = [
  "ctx_len=128", "chat_format=raw", "temp=0", "repeat=1", "norepeat=0", "max_tokens={MAX_TOKENS}",
  "stop_you=0", "stop_nl=0", "autorun_autostart=1",
]
autorun = ["Once upon a time", "/poweroff"]
"""


def make_image(efi: Path, folder: Path) -> Path:
    """An image with the program, the model and its tokenizer."""
    sources = {"EFI/BOOT/BOOTX64.EFI": efi.absolute()}
    sources |= {f"models/{path.name}": path for path in make(MODEL, folder / "model")}
    files = tuple(File(path=path, source=source) for path, source in sources.items())
    image = folder / "bench.img"
    build(Layout(label="BENCH", files=files), image)
    return image


def boot(efi: Path, folder: Path) -> Record:
    """The record of the answer's end."""
    scenario = folder / "scenario.toml"
    scenario.write_text(SCENARIO)
    firmware = Firmware(
        installed.find(installed.OVMF_CODE, None), installed.find(installed.OVMF_VARIABLES, None)
    )
    qemu = installed.find(installed.QEMU, None)
    capture(Inputs(make_image(efi, folder), scenario, qemu, firmware), folder / "capture")
    log = (folder / "capture/boot-1/serial.log").read_text(errors="replace")
    records = parse_log(log, load(MARKERS)).of("gen_end")
    if len(records) != 1:
        raise SystemExit(f"expected one answer in the log, found {len(records)}:\n{log}")
    return records[0]


def instructions(milliseconds: Decimal, tokens: int) -> int:
    """Instructions a token, from the guest's own clock."""
    return int(milliseconds * 1_000_000 / NANOSECONDS_AN_INSTRUCTION / tokens)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Count guest instructions a token.")
    parser.add_argument("--efi", type=Path, required=True, help="the firmware, llm_efi.efi")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        end = boot(arguments.efi, Path(folder))
    decode, prefill, tokens = end["decode"], end["prefill"], end["tokens"]
    assert isinstance(decode, Decimal) and isinstance(prefill, Decimal) and isinstance(tokens, int)
    prompt_tokens = int(end["prompt_tokens"])
    result = {
        "model": MODEL,
        "decode_instructions_per_token": instructions(decode, tokens - 1),
        "prompt_instructions_per_token": instructions(prefill, prompt_tokens),
        "tokens": tokens,
        "prompt_tokens": prompt_tokens,
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
