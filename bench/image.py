"""How long it takes to write a model into a boot image, beside mkfs.vfat and mtools.

`python bench/image.py MODEL [--rounds N]` prints JSON: medians in seconds, and ratios to the peers on
the same file in the same run, the contestants taking turns. `sgdisk` is timed apart, because it
sleeps for a second after it has written. Outputs go to a temporary folder and are removed between
rounds, so that no contestant pays for replacing an old file.

Contestants:
- `write`: tools.image in a running interpreter, layout to finished image (partition table included);
- `command`: `python -m tools.image build` as a process, with Python's start and all imports;
- `mtools`: truncate, mkfs.vfat, mmd, mcopy: a volume of the same size, without a partition table;
- `sgdisk`: the partition table that `mtools` lacks.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tools.image.build import build
from tools.image.layout import load_layout

_ROOT = Path(__file__).resolve().parent.parent
_TOOL_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin:/usr/bin:/bin"
_LIMIT = 2.0  # acceptance: at most twice the time of the peers

Samples = dict[str, list[tuple[float, float]]]


def main() -> None:
    """Run the contestants in turn and print the figures."""
    parser = argparse.ArgumentParser(description="Time boot image writers on one model.")
    parser.add_argument("model", type=Path, help="file to write into the image")
    parser.add_argument("--rounds", type=int, default=11, help="runs of each contestant")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        samples = _race(_contestants(options.model.resolve(), Path(name)), options.rounds)
    print(json.dumps(_report(options.model, samples), indent=2))


def _contestants(model: Path, folder: Path) -> Mapping[str, Callable[[], None]]:
    layout, image, volume = folder / "LAYOUT.json", folder / "ours.img", folder / "volume.fat"
    entry = {"path": f"models/{model.name}", "source": str(model)}
    layout.write_text(json.dumps({"label": "BENCH", "files": [entry]}))
    build(load_layout(layout), image)
    size = image.stat().st_size
    image.unlink()

    def write() -> None:
        build(load_layout(layout), image)
        image.unlink()

    def command() -> None:
        arguments = ["--layout", str(layout), "--output", str(image)]
        _run(sys.executable, "-m", "tools.image", "build", *arguments)
        image.unlink()

    def mtools() -> None:
        _run("truncate", "-s", str(size), str(volume))
        _run("mkfs.vfat", "-F", "32", "-s", "4", str(volume))
        _run("mmd", "-i", str(volume), "::models")
        _run("mcopy", "-i", str(volume), str(model), f"::models/{model.name}")
        volume.unlink()

    def sgdisk() -> None:
        _run("truncate", "-s", str(size), str(volume))
        _run("sgdisk", "-n", "1:2048:0", "-t", "1:ef00", str(volume))
        volume.unlink()

    return {"write": write, "command": command, "mtools": mtools, "sgdisk": sgdisk}


def _run(program: str, *arguments: str) -> None:
    found = shutil.which(program, path=_TOOL_PATH)
    if found is None:
        raise SystemExit(f"error: {program} is missing: apt-get install dosfstools mtools gdisk")
    python_path = os.pathsep.join(
        [str(_ROOT), *(os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    )
    subprocess.run(
        [found, *arguments],
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": python_path},
    )


def _race(contestants: Mapping[str, Callable[[], None]], rounds: int) -> Samples:
    """(wall, processor) seconds of each run; one unmeasured round warms the caches."""
    samples: Samples = {name: [] for name in contestants}
    for number in range(rounds + 1):
        for name, contestant in contestants.items():
            if name == "sgdisk" and number > 3:
                continue  # its second of sleep needs no more samples
            start = _clocks()
            contestant()
            if number:
                wall, processor = (after - before for before, after in zip(start, _clocks()))
                samples[name].append((wall, processor))
    return samples


def _clocks() -> tuple[float, float]:
    """Wall time, and processor time of this process and its children; in seconds."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return time.perf_counter(), sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _report(model: Path, samples: Samples) -> dict[str, object]:
    medians, processor = (
        {name: statistics.median(run[clock] for run in runs) for name, runs in samples.items()}
        for clock in (0, 1)
    )
    peer = medians["mtools"]
    return {
        "model_bytes": model.stat().st_size,
        "rounds": len(samples["write"]),
        "median_seconds": {name: round(value, 4) for name, value in medians.items()},
        "median_processor_seconds": {name: round(value, 4) for name, value in processor.items()},
        "ratio_to_mtools": {name: round(medians[name] / peer, 2) for name in ("write", "command")},
        "ratio_to_mtools_and_sgdisk": round(medians["command"] / (peer + medians["sgdisk"]), 2),
        "limit": _LIMIT,
        "accepted": medians["write"] <= _LIMIT * peer,
    }


if __name__ == "__main__":
    main()
