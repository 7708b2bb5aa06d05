"""The texts of a bundle: RELEASE_NOTES.md, cut from the changelog, and VERIFY.md."""

from __future__ import annotations

import re

from tools.release.bundle.names import ENVELOPES, PRODUCT, SIGNATURE, SUMS, Names, unpacked
from tools.release.bundle.version import Version
from tools.release.errors import ReleaseError

_HEADING = re.compile(r"^## .*$", re.MULTILINE)


def section(changelog: str, version: Version) -> str:
    """What a changelog (Keep a Changelog 1.1.0) says of a version, without its heading. Raises ReleaseError."""
    headings = list(_HEADING.finditer(changelog))
    for heading, following in zip(headings, [*headings[1:], None]):
        if re.fullmatch(rf"## \[{re.escape(str(version))}\]( - \d{{4}}-\d\d-\d\d)?", heading[0]):
            text = changelog[heading.end() : following.start() if following else None].strip()
            if not text:
                raise ReleaseError(
                    f"the changelog's section [{version}] is empty: say what has changed"
                )
            return text
    raise ReleaseError(
        f"the changelog has no section '## [{version}] - DATE': rename [Unreleased], or mend tools/release/VERSION"
    )


def release_notes(changelog: str, names: Names) -> str:
    """RELEASE_NOTES.md. Raises ReleaseError."""
    return f"""\
# {PRODUCT} {names.version}

{section(changelog, names.version)}

## Files

| file | what it is |
| --- | --- |
| `{names.image}` | boot image with a language model, compressed |
| `{names.image_without_model}` | boot image without one, for a model of your own |
| `BOOTX64.EFI` | the program in both images |
| `{SUMS}`, `{SIGNATURE}` | digests of every file, signed |

Check them first ([VERIFY.md](VERIFY.md)); then unpack an image, and write it to a USB stick:

```
sha256sum -c {SUMS}
xz -dk {names.image}
```
"""


def how_to_verify(names: Names) -> str:
    """VERIFY.md. Its commands are run by a test as they are written here."""
    payloads = "\n".join(
        f"jq -r .payload {envelope} | base64 -d | cmp - {statement}"
        for statement, envelope in ENVELOPES.items()
    )
    return f"""\
# Is this what was released?

Each command ends with status 0, or something is wrong. They need coreutils, minisign, xz and jq, and no network.
`{PRODUCT}.pub` is the project's public key. Take it from where you trusted it before, never from where these files came
from; here it is expected in the folder above.

The signature is by that key, and for this version: the trusted comment says `name:{PRODUCT} version:{names.version}`.

```
minisign -V -p ../{PRODUCT}.pub -m {SUMS}
```

Every file is what was signed:

```
sha256sum -c {SUMS}
```

The images unpack:

```
xz -t {names.image} {names.image_without_model}
```

The unpacked image is the one that was tested, and the statements say so:

```
xz -dc {names.image} | sha256sum | cut -c 1-64 > image.sha256
jq -e --rawfile digest image.sha256 '
    any(.subject[]; .name == "{unpacked(names.image)}" and .digest.sha256 + "\\n" == $digest)
' tests.intoto.json
jq -r '.predicate.result' tests.intoto.json
rm image.sha256
```

The signed statements are these statements:

```
{payloads}
```

`release verify` of the project does all of it, checks the signatures of the statements and the images' content besides,
and says what is wrong in words.
"""
