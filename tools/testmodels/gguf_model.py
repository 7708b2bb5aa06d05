"""GGUF model files from seeded weights."""

from __future__ import annotations

from pathlib import Path

from gguf import GGMLQuantizationType as TensorType
from gguf import GGUFWriter

from tools.testmodels.shapes import Shape, random_weights
from tools.testmodels.tensor_types import quantize
from tools.testmodels.vocabularies import Vocabulary, write_vocabulary


def _write_config(writer: GGUFWriter, shape: Shape, name: str) -> None:
    writer.add_name(name)
    writer.add_block_count(shape.layers)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.dim)
    writer.add_feed_forward_length(shape.hidden)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_rope_dimension_count(shape.head_dim)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_layer_norm_rms_eps(shape.rms_epsilon)
    writer.add_vocab_size(shape.vocab)
    if shape.rope_scale != 1.0:
        writer.add_string(f"{writer.arch}.rope.scaling.type", "linear")
        writer.add_rope_scaling_factor(shape.rope_scale)


def write_gguf(
    path: Path,
    architecture: str,
    shape: Shape,
    vocabulary: Vocabulary,
    matrix_type: TensorType,
    seed: int,
) -> None:
    """Writes a whole model: matrices in `matrix_type`, norms and biases in F32.

    The same arguments give the same bytes.
    """
    writer = GGUFWriter(path, architecture)
    _write_config(writer, shape, path.stem)
    write_vocabulary(writer, vocabulary)
    for name, weights in random_weights(shape, seed).items():
        kind = matrix_type if weights.ndim == 2 else TensorType.F32
        writer.add_tensor(name, quantize(weights, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
