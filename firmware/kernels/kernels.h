/* Arithmetic on vectors and weight matrices, per tensor type and instruction set, chosen once at start. */
#ifndef FIRMWARE_KERNELS_KERNELS_H
#define FIRMWARE_KERNELS_KERNELS_H

#include "firmware/kernels/cpu.h"
#include "firmware/model/tensor.h"

/**
 * A set of kernels for one instruction set. More may be added as rows of one table; the choice is by CpuFeatures.
 * The matrix product computes, for each of `count` vectors x (rows of `w.cols` floats, contiguous), y = W x into rows
 * of `w.rows` floats. `scratch` holds at least kernels_scratch_bytes(cols, count) bytes (quantised activations).
 * Within a set, the bits of a result depend only on the row and the vector it belongs to, never on the batch.
 */
typedef struct Kernels {
    const char *name; /* "scalar", "avx2" */
    void (*matmul)(const Tensor *w, const f32 *x, u32 count, void *scratch, f32 *y);
    /** out = the sum over r of weights[r] * row r; `count` rows of `dim` values, contiguous */
    void (*weighted_sum)(f32 *out, const f32 *weights, const f32 *rows, u32 count, u32 dim);
    /** out = x / sqrt(mean(x^2) + epsilon) * weight */
    void (*rms_norm)(f32 *out, const f32 *x, const f32 *weight, u32 n, f32 epsilon);
    /** In place; `n` is at least 1. */
    void (*softmax)(f32 *x, u32 n);
    /** gate = silu(gate) * up */
    void (*swiglu)(f32 *gate, const f32 *up, u32 n);
} Kernels;

/** The best set the processor can run. */
const Kernels *kernels_choose(CpuFeatures cpu);
/** For tests, --kernels and the /cpu command. NULL when there is no such set or this processor cannot run it. */
const Kernels *kernels_by_name(const char *name);
/** Enough for matmul of any set, for matrices of at most `cols` columns and at most `count` vectors. */
usize kernels_scratch_bytes(u32 cols, u32 count);

#endif
