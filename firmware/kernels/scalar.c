/* The definition of every kernel, in plain C: what the other sets are tested against, and what runs without AVX. */
#include "firmware/base/math.h"
#include "firmware/kernels/sets.h"

enum { CHUNK = 256 }; /* values expanded at a time: a multiple of every type's block */

static f32 dot(const f32 *a, const f32 *b, u32 n) {
    f64 sum = 0;
    for (u32 i = 0; i < n; i++) sum += (f64)a[i] * b[i];
    return (f32)sum;
}

/** The values [from, from + n) of a row. */
static void expand(const Tensor *w, u32 row, u32 from, u32 n, f32 *to) {
    const u8 *start = w->data + row * tensor_row_bytes(w->type, w->cols) + tensor_row_bytes(w->type, from);
    tensor_type_info(w->type)->dequantize(start, to, n);
}

static void matmul(const Tensor *w, const f32 *x, u32 count, void *scratch, f32 *y) {
    (void)scratch;
    for (u32 r = 0; r < w->rows; r++) {
        for (u32 v = 0; v < count; v++) y[(usize)v * w->rows + r] = 0;
        for (u32 c = 0; c < w->cols; c += CHUNK) {
            f32 values[CHUNK];
            u32 n = (u32)min_usize(CHUNK, w->cols - c);
            expand(w, r, c, n, values);
            for (u32 v = 0; v < count; v++) y[(usize)v * w->rows + r] += dot(values, x + (usize)v * w->cols + c, n);
        }
    }
}

static void weighted_sum(f32 *out, const f32 *weights, const f32 *rows, u32 count, u32 dim) {
    for (u32 i = 0; i < dim; i++) {
        f64 sum = 0;
        for (u32 r = 0; r < count; r++) sum += (f64)weights[r] * rows[(usize)r * dim + i];
        out[i] = (f32)sum;
    }
}

static void rms_norm(f32 *out, const f32 *x, const f32 *weight, u32 n, f32 epsilon) {
    f64 squares = 0;
    for (u32 i = 0; i < n; i++) squares += (f64)x[i] * x[i];
    f64 scale = 1 / math_sqrt(squares / n + epsilon);
    for (u32 i = 0; i < n; i++) out[i] = (f32)(x[i] * scale * weight[i]);
}

static void softmax(f32 *x, u32 n) {
    f32 largest = x[0];
    for (u32 i = 1; i < n; i++) largest = x[i] > largest ? x[i] : largest;
    f64 sum = 0;
    for (u32 i = 0; i < n; i++) sum += x[i] = (f32)math_exp((f64)x[i] - largest);
    for (u32 i = 0; i < n; i++) x[i] = (f32)(x[i] / sum);
}

static void swiglu(f32 *gate, const f32 *up, u32 n) {
    for (u32 i = 0; i < n; i++) gate[i] = (f32)(gate[i] / (1 + math_exp(-(f64)gate[i])) * up[i]);
}

const Kernels kernels_scalar = {
    .name = "scalar",
    .matmul = matmul,
    .weighted_sum = weighted_sum,
    .rms_norm = rms_norm,
    .softmax = softmax,
    .swiglu = swiglu,
};
