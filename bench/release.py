"""How long a release takes to bundle and to verify, beside sha256sum and xz on the same files in the same run.

`python bench/release.py [--megabytes 1000] [--rounds 3]` makes an image of that size that xz makes a third smaller, as
it does a model, and prints JSON: for verification, the seconds of one process of `release verify` and of
`sha256sum -c` plus `xz -t` of all images, one after the other, interleaved; for bundling, those of
`python -m tools.release.bundle` and of `xz -T0` of the same images. Medians, and their ratios.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tools.release.bundle.inputs import Inputs
from tools.release.bundle.measure import measure_file
from tools.release.bundle.names import PROGRAM_IN_IMAGE
from tools.release.bundle.testing import write_image, write_real_inputs
from tools.release.bundle.version import Version
from tools.release.keys.signing import sign_bundle
from tools.release.verify.testing import MemorySigner

VERSION = Version(0, 6, 0)
MEGABYTE = 1_000_000
PIECES = 4
"""An image holds as many models: FAT32 ends a file at 4 GiB."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-release-") as folder:
        print(json.dumps(measure(Path(folder), asked.megabytes, asked.rounds), indent=2))


def measure(folder: Path, megabytes: int, rounds: int) -> dict[str, object]:
    """Both comparisons."""
    inputs = large_inputs(folder / "inputs", megabytes)
    images = [inputs.one("image"), inputs.one("image-without-model")]
    bundling = [seconds(bundle_command(inputs, folder / "first"))]
    (made,) = (path for path in (folder / "first").iterdir() if path.is_dir())
    signer = MemorySigner()
    sign_bundle(made, signer, VERSION)
    key = folder / "key.pub"
    key.write_text(signer.public_key.to_text())
    ours = [sys.executable, "-m", "tools.release", "verify", str(made), "--key", str(key)]
    checks = f"cd {made} && sha256sum --check --quiet SHA256SUMS && xz --test *.xz"
    packs = " && ".join(f"xz -T0 --keep --stdout {image} > {folder}/packed" for image in images)
    verifying = interleaved(rounds, lambda: seconds(ours), lambda: seconds(["sh", "-c", checks]))
    return {
        "image_megabytes": megabytes,
        "compressed_megabytes": sum(each.stat().st_size for each in made.glob("*.xz")) // MEGABYTE,
        "verify": verifying,
        "bundle": compared(bundling, [seconds(["sh", "-c", packs])]),
    }


def large_inputs(folder: Path, megabytes: int) -> Inputs:
    """Inputs whose image is large, with a capture of it."""
    inputs = write_real_inputs(folder)
    chance = random.Random(1)
    models = {
        f"models/part-{number}.gguf": compressible(chance, megabytes * MEGABYTE // PIECES)
        for number in range(PIECES)
    }
    program = {PROGRAM_IN_IMAGE: inputs.one("program").read_bytes()}
    image = write_image(folder, "large", {**program, **models}, None)
    with image.open("rb") as file:
        digest = measure_file(file.fileno()).sha256
    capture = json.loads(inputs.paths["capture.chat"].read_bytes())
    inputs.paths["capture.chat"].write_text(json.dumps({**capture, "image_sha256": digest}))
    licences = {f"license.part-{number}": inputs.paths["license.Small"] for number in range(PIECES)}
    return Inputs({**inputs.paths, **licences, "image": image})


def compressible(chance: random.Random, size: int) -> bytes:
    """Bytes of which xz leaves about two thirds, as it does of quantized weights."""
    piece = 3000
    return b"".join(
        chance.randbytes(piece * 2 // 3) + bytes(piece // 3) for _ in range(size // piece)
    )


def bundle_command(inputs: Inputs, output: Path) -> list[str]:
    output.mkdir()
    version = output.with_name("VERSION")
    version.write_text(f"{VERSION}\n")
    given = [f"--input={name}={path}" for name, path in inputs.paths.items()]
    options = [f"--version-file={version}", "--minimum-version=0.5.0", f"--output={output}"]
    return [sys.executable, "-m", "tools.release.bundle", *options, *given]


def seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def interleaved(
    rounds: int, ours: Callable[[], float], peers: Callable[[], float]
) -> dict[str, object]:
    pairs = [(ours(), peers()) for _ in range(rounds)]
    return compared([pair[0] for pair in pairs], [pair[1] for pair in pairs])


def compared(ours: list[float], peers: list[float]) -> dict[str, object]:
    mine, others = statistics.median(ours), statistics.median(peers)
    return {
        "seconds": round(mine, 2),
        "peer_seconds": round(others, 2),
        "ratio": round(mine / others, 2),
        "rounds": len(ours),
    }


if __name__ == "__main__":
    main()
