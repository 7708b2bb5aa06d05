from __future__ import annotations

import pytest

from tools.boot.session import guest_code


@pytest.mark.parametrize(("status", "code"), [(33, 0), (35, 1), (47, 7)])
def test_a_status_of_the_debug_exit_carries_the_code(status: int, code: int) -> None:
    assert guest_code(status) == code


@pytest.mark.parametrize("status", [0, 1, 2, 31, 34, -9, -15])
def test_any_other_status_is_not_the_firmwares(status: int) -> None:
    assert guest_code(status) is None
