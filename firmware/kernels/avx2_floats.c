/* Matrix products over F32, F16 and BF16 weights. Every (row, vector) pair has one accumulator of eight lanes that is
 * fed in column order, so that a result does not depend on how rows and vectors are grouped into tiles. */
#include "firmware/kernels/avx2.h"

AVX2_BEGIN

/** Eight weights as floats, from `column` of a row; `column` counts values. */
typedef __m256 LoadEight(const u8 *row, usize column);

AVX2_INLINE __m256 load_f32(const u8 *row, usize column) {
    return _mm256_loadu_ps((const f32 *)(const void *)row + column);
}

AVX2_INLINE __m256 load_f16(const u8 *row, usize column) {
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(row + 2 * column)));
}

AVX2_INLINE __m256 load_bf16(const u8 *row, usize column) {
    __m128i halves = _mm_loadu_si128((const __m128i *)(const void *)(row + 2 * column));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(halves), 16));
}

/** A product in progress: `w` and `x` are at the tile's first row and vector, and so is `y`. */
typedef struct Tile {
    const u8 *w;
    usize row_bytes;
    usize value_bytes;
    const f32 *x;
    usize cols;
    f32 *y;
    usize y_stride; /* from one vector's results to the next one's */
} Tile;

/** The last cols % 8 columns, padded with zeros. */
AVX2_INLINE __m256 load_tail(const Tile *tile, LoadEight *load, u32 row) {
    u8 eight[32] = {0};
    usize full = tile->cols & ~(usize)7;
    memcpy(eight, tile->w + row * tile->row_bytes + full * tile->value_bytes, (tile->cols - full) * tile->value_bytes);
    return load(eight, 0);
}

AVX2_INLINE __m256 load_x_tail(const Tile *tile, u32 vector) {
    f32 eight[8] = {0};
    usize full = tile->cols & ~(usize)7;
    memcpy(eight, tile->x + vector * tile->cols + full, (tile->cols - full) * sizeof(f32));
    return _mm256_loadu_ps(eight);
}

AVX2_INLINE void store_sums(const Tile *tile, const __m256 *sums, u32 rows, u32 vectors) {
    for (u32 v = 0; v < vectors; v++) {
        f32 *y = tile->y + v * tile->y_stride;
        u32 r = 0;
        for (; r + 4 <= rows; r += 4) {
            const __m256 *four = sums + v * rows + r;
            _mm_storeu_ps(y + r, avx2_sum4(four[0], four[1], four[2], four[3]));
        }
        for (; r < rows; r++) y[r] = avx2_sum(sums[v * rows + r]);
    }
}

/** `rows` and `vectors` are constants at every call, so that the sums live in registers. */
AVX2_INLINE void multiply_tile(const Tile *tile, LoadEight *load, u32 rows, u32 vectors) {
    __m256 sums[4 * 3] = {0};
    for (usize column = 0; column + 8 <= tile->cols; column += 8) {
        __m256 x[3];
        /* 32-bit weights stream at the memory's pace as it is; shorter ones do not. */
        if (vectors == 1 && load != load_f32) avx2_fetch_ahead(tile->w + 2 * column * rows, 16 * rows);
#pragma clang loop unroll(full)
        for (u32 v = 0; v < vectors; v++) x[v] = _mm256_loadu_ps(tile->x + v * tile->cols + column);
#pragma clang loop unroll(full)
        for (u32 r = 0; r < rows; r++) {
            __m256 weights = load(tile->w + r * tile->row_bytes, column);
#pragma clang loop unroll(full)
            for (u32 v = 0; v < vectors; v++) sums[v * rows + r] = _mm256_fmadd_ps(weights, x[v], sums[v * rows + r]);
        }
    }
    if (tile->cols % 8) {
        for (u32 r = 0; r < rows; r++) {
            __m256 weights = load_tail(tile, load, r);
            for (u32 v = 0; v < vectors; v++)
                sums[v * rows + r] = _mm256_fmadd_ps(weights, load_x_tail(tile, v), sums[v * rows + r]);
        }
    }
    store_sums(tile, sums, rows, vectors);
}

/** `rows` rows (a constant), still in the first-level cache for the second vector, against all `count` vectors. */
AVX2_INLINE void multiply_rows(Tile tile, LoadEight *load, u32 rows, u32 count) {
    u32 v = 0;
    for (; v + 3 <= count; v += 3, tile.x += 3 * tile.cols, tile.y += 3 * tile.y_stride)
        multiply_tile(&tile, load, rows, 3);
    for (; v < count; v++, tile.x += tile.cols, tile.y += tile.y_stride) multiply_tile(&tile, load, rows, 1);
}

AVX2_INLINE void multiply(Tile tile, LoadEight *load, u32 rows, u32 count) {
    u32 r = 0;
    for (; r + 4 <= rows; r += 4, tile.w += 4 * tile.row_bytes, tile.y += 4) multiply_rows(tile, load, 4, count);
    for (; r < rows; r++, tile.w += tile.row_bytes, tile.y++) multiply_rows(tile, load, 1, count);
}

void avx2_matmul_floats(const Tensor *w, const f32 *x, u32 count, f32 *y) {
    usize value_bytes = tensor_type_info(w->type)->block_bytes;
    Tile tile = {w->data, w->cols * value_bytes, value_bytes, x, w->cols, y, w->rows};
    if (w->type == TENSOR_F32) multiply(tile, load_f32, w->rows, count);
    if (w->type == TENSOR_F16) multiply(tile, load_f16, w->rows, count);
    if (w->type == TENSOR_BF16) multiply(tile, load_bf16, w->rows, count);
}

AVX2_END
