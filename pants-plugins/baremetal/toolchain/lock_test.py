from __future__ import annotations

import pytest

from baremetal.toolchain.lock import InvalidWheelLockError, WheelPin, parse_wheel_lock

SHA = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "text",
    [
        f"a-b==1.2 --hash=sha256:{SHA}\n",
        f"# why\na-b==1.2 --hash=sha256:{SHA}  # what\n\n",
        f"a-b==1.2 \\\n    --hash=sha256:{SHA}\n",
    ],
)
def test_one_pin_is_read(text: str) -> None:
    assert parse_wheel_lock("x.lock", text) == WheelPin("a-b", "1.2", SHA)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a-b==1.2\n",
        f"a-b>=1.2 --hash=sha256:{SHA}\n",
        f"a-b==1.2 --hash=sha256:{SHA[:-1]}\n",
        f"a-b==1.2 --hash=md5:{SHA}\n",
        f"a-b==1.2 --hash=sha256:{SHA} --hash=sha256:{SHA}\n",
        f"a==1 --hash=sha256:{SHA}\nb==1 --hash=sha256:{SHA}\n",
    ],
)
def test_anything_else_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidWheelLockError, match="3rdparty/x.lock must hold exactly one line"):
        parse_wheel_lock("3rdparty/x.lock", text)
