"""``python -m tools.unicode --output firmware/model/unicode_ranges.h`` writes the class table anew."""

import argparse
from pathlib import Path

from tools.unicode.ranges import c_table


def main() -> None:
    """Write the table to the file named on the command line."""
    parser = argparse.ArgumentParser(description="Writes the firmware's table of Unicode classes.")
    parser.add_argument("--output", type=Path, required=True, help="the .inc file to write")
    parser.parse_args().output.write_text(c_table(), encoding="ascii")


if __name__ == "__main__":
    main()
