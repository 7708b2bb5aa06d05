/* The vector operations of the AVX2 set, and its table. */
#include "firmware/kernels/sets.h"

#include "firmware/kernels/avx2.h"

AVX2_BEGIN

/**
 * e^x for x <= 88, relative error below 2e-7: x = n ln 2 + r with |r| <= ln 2 / 2, a polynomial of degree 7 for e^r
 * (its Taylor series, whose first neglected term is below 6e-9), and n added to the exponent. 0 below -87.
 */
AVX2_INLINE __m256 exp8(__m256 x) {
    const __m256 lowest = _mm256_set1_ps(-87.0f);
    __m256 representable = _mm256_cmp_ps(x, lowest, _CMP_GE_OQ);
    x = _mm256_min_ps(_mm256_max_ps(x, lowest), _mm256_set1_ps(88.0f));
    __m256 n =
        _mm256_round_ps(_mm256_mul_ps(x, _mm256_set1_ps(1.44269504f)), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m256 r = _mm256_fnmadd_ps(n, _mm256_set1_ps(0.693359375f), x); /* ln 2 in two parts; the first has few bits */
    r = _mm256_fnmadd_ps(n, _mm256_set1_ps(-2.12194440e-4f), r);
    static const f32 coefficients[] = {1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f};
    __m256 e = _mm256_set1_ps(1.0f / 5040);
#pragma clang loop unroll(full)
    for (u32 i = 0; i < COUNT_OF(coefficients); i++) e = _mm256_fmadd_ps(e, r, _mm256_set1_ps(coefficients[i]));
    __m256i exponent = _mm256_slli_epi32(_mm256_cvtps_epi32(n), 23);
    e = _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(e), exponent));
    return _mm256_and_ps(e, representable);
}

/** Up to eight values as a vector, the missing ones `filler`. */
AVX2_INLINE __m256 load_up_to_8(const f32 *x, u32 n, f32 filler) {
    f32 eight[8];
    if (n >= 8) return _mm256_loadu_ps(x);
    for (u32 i = 0; i < 8; i++) eight[i] = i < n ? x[i] : filler;
    return _mm256_loadu_ps(eight);
}

AVX2_INLINE void store_up_to_8(f32 *x, u32 n, __m256 v) {
    f32 eight[8];
    if (n >= 8) {
        _mm256_storeu_ps(x, v);
        return;
    }
    _mm256_storeu_ps(eight, v);
    memcpy(x, eight, n * sizeof(f32));
}

static f32 largest(const f32 *x, u32 n) {
    __m256 m = load_up_to_8(x, n, x[0]);
    for (u32 i = 8; i < n; i += 8) m = _mm256_max_ps(m, load_up_to_8(x + i, n - i, x[0]));
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(m), _mm256_extractf128_ps(m, 1));
    four = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(four, _mm_movehdup_ps(four)));
}

static void softmax(f32 *x, u32 n) {
    __m256 most = _mm256_set1_ps(largest(x, n)), sum = _mm256_setzero_ps();
    for (u32 i = 0; i < n; i += 8) {
        __m256 e = exp8(_mm256_sub_ps(load_up_to_8(x + i, n - i, -__builtin_inff()), most));
        sum = _mm256_add_ps(sum, e);
        store_up_to_8(x + i, n - i, e);
    }
    f32 inverse = 1.0f / avx2_sum(sum);
    for (u32 i = 0; i < n; i += 8)
        store_up_to_8(x + i, n - i, _mm256_mul_ps(load_up_to_8(x + i, n - i, 0), _mm256_set1_ps(inverse)));
}

static void swiglu(f32 *gate, const f32 *up, u32 n) {
    const __m256 one = _mm256_set1_ps(1), sign = _mm256_set1_ps(-0.0f);
    for (u32 i = 0; i < n; i += 8) {
        __m256 g = load_up_to_8(gate + i, n - i, 0);
        __m256 silu = _mm256_div_ps(g, _mm256_add_ps(one, exp8(_mm256_xor_ps(g, sign))));
        store_up_to_8(gate + i, n - i, _mm256_mul_ps(silu, load_up_to_8(up + i, n - i, 0)));
    }
}

static void rms_norm(f32 *out, const f32 *x, const f32 *weight, u32 n, f32 epsilon) {
    __m256 squares = _mm256_setzero_ps();
    for (u32 i = 0; i < n; i += 8) {
        __m256 v = load_up_to_8(x + i, n - i, 0);
        squares = _mm256_fmadd_ps(v, v, squares);
    }
    f32 mean = avx2_sum(squares) / (f32)n;
    __m256 scale = _mm256_set1_ps(1.0f / _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(mean + epsilon))));
    for (u32 i = 0; i < n; i += 8) {
        __m256 scaled = _mm256_mul_ps(load_up_to_8(x + i, n - i, 0), scale);
        store_up_to_8(out + i, n - i, _mm256_mul_ps(scaled, load_up_to_8(weight + i, n - i, 0)));
    }
}

/** `vectors` (a constant) times eight columns of the result, held in registers over all rows. */
AVX2_INLINE void weighted_columns(f32 *out, const f32 *weights, const f32 *rows, u32 count, u32 dim, u32 vectors) {
    __m256 sums[8] = {0};
    for (u32 r = 0; r < count; r++) {
        __m256 weight = _mm256_set1_ps(weights[r]);
#pragma clang loop unroll(full)
        for (u32 v = 0; v < vectors; v++)
            sums[v] = _mm256_fmadd_ps(weight, _mm256_loadu_ps(rows + (usize)r * dim + 8 * v), sums[v]);
    }
    for (u32 v = 0; v < vectors; v++) _mm256_storeu_ps(out + 8 * v, sums[v]);
}

static void weighted_sum(f32 *out, const f32 *weights, const f32 *rows, u32 count, u32 dim) {
    u32 i = 0;
    for (; i + 64 <= dim; i += 64) weighted_columns(out + i, weights, rows + i, count, dim, 8);
    for (; i + 8 <= dim; i += 8) weighted_columns(out + i, weights, rows + i, count, dim, 1);
    for (; i < dim; i++) {
        out[i] = 0;
        for (u32 r = 0; r < count; r++) out[i] += weights[r] * rows[(usize)r * dim + i];
    }
}

static void matmul(const Tensor *w, const f32 *x, u32 count, void *scratch, f32 *y) {
    if (tensor_type_info(w->type)->block_values == 1)
        avx2_matmul_floats(w, x, count, y);
    else
        avx2_matmul_blocks(w, x, count, scratch, y);
}

AVX2_END

const Kernels kernels_avx2 = {
    .name = "avx2",
    .matmul = matmul,
    .weighted_sum = weighted_sum,
    .rms_norm = rms_norm,
    .softmax = softmax,
    .swiglu = swiglu,
};
