"""Quantised weights come back near what they were, and the fixture of the C test is up to date."""

from pathlib import Path

import gguf
import numpy as np
import pytest
from gguf import GGMLQuantizationType as TensorType

from tools.testmodels.tensor_types import (
    TENSOR_TYPES,
    block_size,
    dequantize,
    dequantize_fixture,
    quantize,
    random_blocks,
    type_by_name,
)

FIXTURE = Path("firmware/model/dequantize_test.bin")


@pytest.mark.parametrize("tensor_type", TENSOR_TYPES, ids=lambda tensor_type: tensor_type.name)
def test_weights_survive_to_the_precision_of_their_type(tensor_type: TensorType) -> None:
    weights = np.random.default_rng(3).standard_normal((16, 512), dtype=np.float32)
    error = dequantize(quantize(weights, tensor_type), tensor_type) - weights
    _, size = block_size(tensor_type)
    bits = 8 * size / block_size(tensor_type)[0]
    # A uniform step over about six deviations leaves an error of step / sqrt(12).
    assert np.sqrt(np.mean(error**2)) < 6 / 2 ** (min(bits, 10) - 1) / np.sqrt(12)


@pytest.mark.parametrize("tensor_type", TENSOR_TYPES, ids=lambda tensor_type: tensor_type.name)
def test_random_blocks_are_whole_finite_and_varied(tensor_type: TensorType) -> None:
    values, size = block_size(tensor_type)
    blocks = random_blocks(tensor_type, 512, seed=1)
    read = dequantize(blocks.reshape(1, -1), tensor_type)
    assert blocks.shape == (512, size)
    assert read.shape == (1, 512 * values)
    assert np.isfinite(read).all()
    assert len(np.unique(read)) > 400


@pytest.mark.parametrize("tensor_type", [TensorType.Q4_K, TensorType.Q5_K, TensorType.Q6_K])
def test_zeros_stay_zeros_in_the_types_we_quantise_ourselves(tensor_type: TensorType) -> None:
    zeros = np.zeros((1, 256), dtype=np.float32)
    assert not dequantize(quantize(zeros, tensor_type), tensor_type).any()


def test_types_are_found_by_name() -> None:
    assert type_by_name("q4_k") is TensorType.Q4_K
    with pytest.raises(KeyError):
        type_by_name("iq2_xxs")


def test_the_numbers_are_those_of_the_format() -> None:
    numbers = {t.name: int(t) for t in TENSOR_TYPES}
    assert numbers["Q6_K"] == int(gguf.GGMLQuantizationType.Q6_K) == 14
    assert numbers["BF16"] == 30


def test_the_fixture_of_the_c_test_is_what_the_gguf_package_says() -> None:
    assert FIXTURE.read_bytes() == dequantize_fixture()
