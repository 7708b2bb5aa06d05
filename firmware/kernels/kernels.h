/* Arithmetic on vectors and weight matrices, per tensor type and instruction set, chosen once at start. */
#ifndef FIRMWARE_KERNELS_KERNELS_H
#define FIRMWARE_KERNELS_KERNELS_H

#include "firmware/kernels/cpu.h"
#include "firmware/model/tensor.h"

/**
 * A set of kernels for one instruction set. More may be added as rows of one table; the choice is by CpuFeatures.
 * The matrix product computes, for each of `count` vectors x (rows of `w.cols` floats, contiguous), y = W x into rows
 * of `w.rows` floats. `scratch` holds at least kernels_scratch_bytes(cols, count) bytes (quantised activations).
 */
typedef struct Kernels {
    const char *name; /* "scalar", "avx2" */
    void (*matmul)(const Tensor *w, const f32 *x, u32 count, void *scratch, f32 *y);
    f32 (*dot)(const f32 *a, const f32 *b, u32 n);
    /** y += scale * x */
    void (*add_scaled)(f32 *y, f32 scale, const f32 *x, u32 n);
    /** out = x / sqrt(mean(x^2) + epsilon) * weight */
    void (*rms_norm)(f32 *out, const f32 *x, const f32 *weight, u32 n, f32 epsilon);
    void (*softmax)(f32 *x, u32 n);
    /** gate = silu(gate) * up */
    void (*swiglu)(f32 *gate, const f32 *up, u32 n);
} Kernels;

/** The best set the processor can run. */
const Kernels *kernels_choose(CpuFeatures cpu);
/** By name, or NULL: for tests, --kernels and the /cpu command. */
const Kernels *kernels_by_name(const char *name);
usize kernels_scratch_bytes(u32 cols, u32 count);

#endif
