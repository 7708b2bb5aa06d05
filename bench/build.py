"""How long a build takes: Pants beside Bazel on the same sources, with the same compiler and flags, in the same run.

Both tools work in copies of this checkout. Bazel (Debian's `bazel-bootstrap`) gets one genrule a source file and one
for the link. Measured, interleaved: a build with nothing to do, and a build after one C function was edited.

    python3 bench/build.py [--runs N]

Prints one JSON object: seconds (median, all runs) and the ratio Pants / Bazel for each case.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Sequence

REPOSITORY = Path(__file__).resolve().parent.parent
TARGET = "firmware:llm_efi"
EDITED = Path("firmware/base/error.c")
COMPILE = (
    "clang --target=x86_64-unknown-uefi -std=c17 -Wall -Wextra -Werror -I. -fshort-wchar -ffreestanding -nostdlibinc "
    "-isystem ziglang/lib/include -O2 -mno-red-zone -fno-stack-protector -c $(location {source}) -o $@"
)
LINK = "lld-link /subsystem:efi_application /entry:efi_main /nodefaultlib /Brepro /out:$@ $(SRCS)"


@dataclass(frozen=True)
class Builder:
    """One build tool in its own copy of the sources."""

    name: str
    folder: Path
    command: Sequence[str]

    def build(self) -> float:
        """Seconds of one build; raises `CalledProcessError` with the output shown when it fails."""
        start = time.perf_counter()
        done = subprocess.run(self.command, cwd=self.folder, capture_output=True, text=True)
        seconds = time.perf_counter() - start
        if done.returncode:
            sys.stderr.write(done.stdout + done.stderr)
            done.check_returncode()
        return seconds

    def edit(self, number: int) -> None:
        """Gives the edited file a function that it did not have before."""
        original = (REPOSITORY / EDITED).read_text()
        probe = f"int bench_probe(void);\nint bench_probe(void) {{ return {number}; }}\n"
        (self.folder / EDITED).write_text(original + probe)


def pants(folder: Path, *arguments: str) -> str:
    """Output of a Pants goal."""
    command = [str(folder / "pants"), *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def pants_builder(scratch: Path) -> Builder:
    """A clone of this checkout's last commit."""
    folder = scratch / "pants"
    subprocess.run(["git", "clone", "--quiet", str(REPOSITORY), str(folder)], check=True)
    return Builder("pants", folder, (str(folder / "pants"), "package", TARGET))


def unpack_compiler(folder: Path) -> None:
    """The pinned compiler, out of the launcher's wheel cache."""
    lock = (REPOSITORY / "3rdparty/clang/clang.lock").read_text()
    digest = lock.split("--hash=sha256:")[1].split()[0]
    default = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "llm-baremetal"
    cache = Path(os.environ.get("LLM_BAREMETAL_CACHE", default))
    with zipfile.ZipFile(cache / "wheels" / f"{digest}.whl") as wheel:
        wanted = [
            n
            for n in wheel.namelist()
            if n == "ziglang/zig" or n.startswith("ziglang/lib/include/")
        ]
        wheel.extractall(folder, wanted)
    (folder / "ziglang/zig").chmod(0o755)


def bazel_build_file(sources: Sequence[str]) -> str:
    """One genrule a source, all headers being inputs of each, and the link."""
    rules = [
        'HEADERS = glob(["firmware/**/*.h", "firmware/**/*.inc"])',
        'CLANG = glob(["ziglang/lib/include/**"])',
    ]
    objects = [source[:-2].replace("/", "_") + ".o" for source in sources]
    for source, built in zip(sources, objects):
        command = "ziglang/zig " + COMPILE.format(source=source)
        rules.append(
            f'genrule(name="{built}_rule", srcs=["{source}"] + HEADERS + CLANG, outs=["{built}"], '
            f'tools=["ziglang/zig"], cmd="{command}")'
        )
    rules.append(
        f'genrule(name="llm_efi", srcs={objects!r}, outs=["llm.efi"], tools=["ziglang/zig"], '
        f'cmd="ziglang/zig {LINK}")'
    )
    return "\n".join(rules) + "\n"


def bazel_builder(scratch: Path, clone: Path) -> Builder:
    """The same sources, generated headers included, under Bazel."""
    folder = scratch / "bazel"
    shutil.copytree(clone / "firmware", folder / "firmware")
    pants(clone, "export-codegen", "firmware::")
    shutil.copytree(clone / "dist/codegen", folder, dirs_exist_ok=True)
    for package in folder.rglob("BUILD"):
        package.unlink()  # Bazel would take Pants' files for its own
    unpack_compiler(folder)
    listed = pants(clone, "dependencies", "--transitive", TARGET).split()
    sources = sorted({line.split(":")[0] for line in listed if line.split(":")[0].endswith(".c")})
    (folder / "WORKSPACE").touch()
    (folder / "BUILD").write_text(bazel_build_file(sources))
    return Builder(
        "bazel", folder, ("bazel", f"--output_user_root={scratch}/root", "build", "//:llm_efi")
    )


def measure(
    builders: Sequence[Builder], runs: int, before: Callable[[Builder, int], None]
) -> dict[str, object]:
    """Interleaved builds, `before` preparing each; the first of each tool is not counted."""
    seconds: dict[str, list[float]] = {builder.name: [] for builder in builders}
    for run in range(runs + 1):
        for builder in builders:
            before(builder, run)
            took = builder.build()
            if run:
                seconds[builder.name].append(round(took, 4))
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    return {
        "median_s": medians,
        "pants_over_bazel": medians["pants"] / medians["bazel"],
        "runs_s": seconds,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory(prefix="bench-build-") as folder:
        scratch = Path(folder)
        ours = pants_builder(scratch)
        ours.build()
        builders = [ours, bazel_builder(scratch, ours.folder)]
        try:
            report = {
                "no_op": measure(builders, runs, lambda builder, run: None),
                "one_function_edited": measure(builders, runs, Builder.edit),
            }
        finally:
            subprocess.run(
                [*builders[1].command[:2], "shutdown"], cwd=builders[1].folder, capture_output=True
            )
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
