/* Every kernel of every set this processor runs, against its definition in double precision. */
#include "firmware/kernels/kernels.h"

#include <math.h>

#include "firmware/testing/seeded_tensor.h"

static const char *const SETS[] = {"scalar", "avx2"};
static const TensorType TYPES[] = {TENSOR_F32,  TENSOR_F16,  TENSOR_BF16, TENSOR_Q4_0, TENSOR_Q4_1, TENSOR_Q5_0,
                                   TENSOR_Q5_1, TENSOR_Q8_0, TENSOR_Q4_K, TENSOR_Q5_K, TENSOR_Q6_K};

/** Exact-size heap blocks, so that the address sanitizer sees every byte read beyond one. */
static void *exact(usize count, usize size) {
    void *memory = malloc(count * size);
    CHECK(memory != NULL || count == 0);
    return memory;
}

/** Half of the finest step that integer kernels count a block of 32 values in: 127 * 254 steps are the largest. */
static f64 rounding_of_block(const f32 *x) {
    f32 largest = 0;
    for (usize i = 0; i < 32; i++) largest = fmaxf(largest, fabsf(x[i]));
    return largest / (127.0 * 254.0 * 2.0);
}

typedef struct Product {
    Tensor w;
    u32 count;
    f32 *x;
    u8 *data;
    f32 *y;
} Product;

static Product new_product(u64 seed, TensorType type, u32 rows, u32 cols, u32 count) {
    Product p = {.count = count, .x = exact((usize)count * cols, sizeof(f32))};
    p.data = exact(rows, tensor_row_bytes(type, cols));
    p.y = exact((usize)count * rows, sizeof(f32));
    p.w = test_tensor(&seed, type, rows, cols, p.data);
    test_fill(&seed, 3, p.x, (usize)count * cols);
    return p;
}

static void free_product(Product p) { free(p.x), free(p.data), free(p.y); }

static void run_product(const Kernels *kernels, Product p, u32 from, u32 count) {
    void *scratch = exact(kernels_scratch_bytes(p.w.cols, count), 1);
    kernels->matmul(&p.w, p.x + (usize)from * p.w.cols, count, scratch, p.y + (usize)from * p.w.rows);
    free(scratch);
}

/** The product of one row and one vector, and how far a kernel may be from it. */
static f64 exact_dot(const f32 *row, const f32 *x, u32 n, bool integer, f64 *tolerance) {
    f64 sum = 0;
    *tolerance = 1e-30;
    for (u32 i = 0; i < n; i++) {
        f64 product = (f64)row[i] * x[i];
        sum += product;
        *tolerance += 4e-6 * fabs(product);
        if (integer) *tolerance += fabs(row[i]) * rounding_of_block(x + i / 32 * 32);
    }
    return sum;
}

static void check_product(const Kernels *kernels, Product p) {
    u32 rows = p.w.rows, cols = p.w.cols;
    f32 *row = exact(cols, sizeof(f32));
    bool integer = strcmp(kernels->name, "scalar") != 0 && tensor_type_info(p.w.type)->block_values > 1;
    for (u32 r = 0; r < rows; r++) {
        tensor_type_info(p.w.type)->dequantize(p.data + r * tensor_row_bytes(p.w.type, cols), row, cols);
        for (u32 v = 0; v < p.count; v++) {
            f64 tolerance, expected = exact_dot(row, p.x + (usize)v * cols, cols, integer, &tolerance);
            f64 actual = p.y[(usize)v * rows + r];
            CHECK_MSG(fabs(actual - expected) <= tolerance, "%s %s %ux%u row %u vector %u: %g, expected %g",
                      kernels->name, tensor_type_info(p.w.type)->name, rows, cols, r, v, actual, expected);
        }
    }
    free(row);
}

static void check_shape(TensorType type, u32 rows, u32 cols, u32 count) {
    for (usize s = 0; s < COUNT_OF(SETS); s++) {
        const Kernels *kernels = kernels_by_name(SETS[s]);
        if (!kernels) continue;
        Product p = new_product(rows * 7919u + cols * 31u + count, type, rows, cols, count);
        run_product(kernels, p, 0, count);
        check_product(kernels, p);
        free_product(p);
    }
}

static void products_of_every_type_and_shape(void) {
    static const u32 rows[] = {1, 3, 4, 9}, blocks[] = {1, 2, 3, 5, 7, 8, 9, 18}, counts[] = {1, 2, 5};
    for (usize t = 0; t < COUNT_OF(TYPES); t++) {
        u32 block = tensor_type_info(TYPES[t])->block_values;
        for (usize b = 0; b < COUNT_OF(blocks); b++)
            for (usize r = 0; r < COUNT_OF(rows); r++)
                for (usize c = 0; c < COUNT_OF(counts); c++)
                    check_shape(TYPES[t], rows[r], blocks[b] * block, counts[c]);
    }
}

static void float_products_of_every_width(void) {
    for (usize t = 0; t < 3; t++)
        for (u32 cols = 1; cols <= 40; cols++) check_shape(TYPES[t], 9, cols, 4);
}

static void products_of_many_vectors(void) {
    for (usize t = 0; t < COUNT_OF(TYPES); t++)
        for (u32 count = 1; count <= 70; count += count < 8 ? 1 : 31) check_shape(TYPES[t], 5, 512, count);
    for (u32 count = 1; count <= 70; count++) check_shape(TENSOR_Q4_1, 3, 96, count);
}

/** A vector's results have the same bits alone, in a batch, and at another place in a batch. */
static void results_do_not_depend_on_the_batch(void) {
    for (usize t = 0; t < COUNT_OF(TYPES); t++) {
        u32 cols = tensor_type_info(TYPES[t])->block_values == 256 ? 512 : 576;
        Product p = new_product(t, TYPES[t], 13, cols, 37);
        const Kernels *kernels = kernels_choose(cpu_detect());
        run_product(kernels, p, 0, 37);
        f32 *together = exact(37 * 13, sizeof(f32));
        memcpy(together, p.y, 37 * 13 * sizeof(f32));
        for (u32 v = 0; v < 37; v++) run_product(kernels, p, v, 1);
        CHECK_MSG(memcmp(together, p.y, 37 * 13 * sizeof(f32)) == 0, "%s", tensor_type_info(TYPES[t])->name);
        for (u32 v = 0; v < 37; v += 7) run_product(kernels, p, v, (u32)min_usize(7, 37 - v));
        CHECK_MSG(memcmp(together, p.y, 37 * 13 * sizeof(f32)) == 0, "%s", tensor_type_info(TYPES[t])->name);
        free(together);
        free_product(p);
    }
}

/** The most negative 8-bit weight, the largest nibbles and a block of zeros: no intermediate sum may overflow. */
static void extreme_blocks(void) {
    for (usize t = 3; t < COUNT_OF(TYPES); t++) {
        for (u32 fill = 0; fill < 3; fill++) {
            Product p = new_product(fill, TYPES[t], 2, 512, 2);
            static const u8 bytes[] = {0x80, 0xFF, 0x7F};
            const TensorTypeInfo *info = tensor_type_info(TYPES[t]);
            u32 halves[2];
            usize half_count = test_halves(TYPES[t], halves);
            for (usize block = 0; block < 1024 / info->block_values; block++) {
                u8 *at = p.data + block * info->block_bytes;
                memset(at, bytes[fill], info->block_bytes);
                for (usize h = 0; h < half_count; h++) memcpy(at + halves[h], &(u16){0x2C00}, 2);
            }
            for (u32 i = 0; i < 1024; i++) p.x[i] = i / 32 % 3 == 2 ? 0.0f : i % 2 && fill == 1 ? -5.0f : 5.0f;
            const Kernels *kernels = kernels_choose(cpu_detect());
            run_product(kernels, p, 0, 2);
            check_product(kernels, p);
            free_product(p);
        }
    }
}

static void near(const char *what, const char *set, u32 n, u32 i, f64 actual, f64 expected, f64 tolerance) {
    CHECK_MSG(fabs(actual - expected) <= tolerance, "%s of %s, n %u, index %u: %g, expected %g", what, set, n, i,
              actual, expected);
}

static void check_softmax(const Kernels *kernels, u32 n) {
    u64 seed = n;
    f32 *x = exact(n, sizeof(f32)), *original = exact(n, sizeof(f32));
    test_fill(&seed, n % 2 ? 5 : 120, x, n);
    memcpy(original, x, n * sizeof(f32));
    kernels->softmax(x, n);
    f64 largest = -INFINITY, sum = 0;
    for (u32 i = 0; i < n; i++) largest = fmax(largest, original[i]);
    for (u32 i = 0; i < n; i++) sum += exp(original[i] - largest);
    for (u32 i = 0; i < n; i++) {
        f64 expected = exp(original[i] - largest) / sum;
        f64 rounding = 1e-6 + 6e-8 * (largest - original[i]); /* of x - largest in f32 */
        near("softmax", kernels->name, n, i, x[i], expected, rounding * expected + 1e-37);
    }
    free(x), free(original);
}

static void check_swiglu(const Kernels *kernels, u32 n) {
    u64 seed = n;
    f32 *gate = exact(n, sizeof(f32)), *up = exact(n, sizeof(f32)), *original = exact(n, sizeof(f32));
    test_fill(&seed, n % 2 ? 6 : 150, gate, n);
    test_fill(&seed, 2, up, n);
    memcpy(original, gate, n * sizeof(f32));
    kernels->swiglu(gate, up, n);
    for (u32 i = 0; i < n; i++) {
        f64 expected = original[i] / (1 + exp(-(f64)original[i])) * up[i];
        near("swiglu", kernels->name, n, i, gate[i], expected, 5e-7 * fabs(expected) + 1e-34);
    }
    free(gate), free(up), free(original);
}

static void check_rms_norm(const Kernels *kernels, u32 n) {
    u64 seed = n;
    f32 *x = exact(n, sizeof(f32)), *weight = exact(n, sizeof(f32)), *out = exact(n, sizeof(f32));
    test_fill(&seed, 4, x, n);
    test_fill(&seed, 2, weight, n);
    kernels->rms_norm(out, x, weight, n, 1e-5f);
    f64 squares = 0;
    for (u32 i = 0; i < n; i++) squares += (f64)x[i] * x[i];
    for (u32 i = 0; i < n; i++) {
        f64 expected = x[i] / sqrt(squares / n + 1e-5f) * weight[i];
        near("rms_norm", kernels->name, n, i, out[i], expected, 1e-6 * fabs(expected));
    }
    free(x), free(weight), free(out);
}

static void check_weighted_sum(const Kernels *kernels, u32 dim) {
    enum { COUNT = 17 };
    u64 seed = dim;
    f32 weights[COUNT], *rows = exact((usize)COUNT * dim, sizeof(f32)), *out = exact(dim, sizeof(f32));
    test_fill(&seed, 1, weights, COUNT);
    test_fill(&seed, 1, rows, (usize)COUNT * dim);
    kernels->weighted_sum(out, weights, rows, COUNT, dim);
    for (u32 i = 0; i < dim; i++) {
        f64 expected = 0;
        for (u32 r = 0; r < COUNT; r++) expected += (f64)weights[r] * rows[r * dim + i];
        near("weighted_sum", kernels->name, dim, i, out[i], expected, 5e-6);
    }
    free(rows), free(out);
}

static void vector_operations(void) {
    for (usize s = 0; s < COUNT_OF(SETS); s++) {
        const Kernels *kernels = kernels_by_name(SETS[s]);
        for (u32 n = 1; kernels && n <= 140; n++) {
            check_softmax(kernels, n);
            check_swiglu(kernels, n);
            check_rms_norm(kernels, n);
            check_weighted_sum(kernels, n);
        }
    }
}

/** exp inside swiglu and softmax, over its whole range. */
static void exponentials_are_accurate(void) {
    const Kernels *kernels = kernels_choose(cpu_detect());
    f64 worst = 0;
    for (f32 x = -86.5f; x <= 0; x += 0.0021f) {
        f32 pair[2] = {0, x};
        kernels->softmax(pair, 2);
        worst = fmax(worst, fabs(pair[1] / (exp(x) / (1 + exp(x))) - 1));
    }
    CHECK_MSG(worst < 4e-7, "relative error %g", worst);
}

static void sets_are_chosen_by_what_the_processor_has(void) {
    CpuFeatures cpu = {.sse2 = true};
    CHECK(strcmp(kernels_choose(cpu)->name, "scalar") == 0);
    cpu.avx2 = cpu.fma = true;
    CHECK(strcmp(kernels_choose(cpu)->name, "scalar") == 0);
    cpu.f16c = true;
    CHECK(strcmp(kernels_choose(cpu)->name, "avx2") == 0);
    CHECK(kernels_by_name("scalar") != NULL);
    CHECK(kernels_by_name("abacus") == NULL);
}

static const TestCase CASES[] = {
    TEST(products_of_every_type_and_shape),
    TEST(float_products_of_every_width),
    TEST(products_of_many_vectors),
    TEST(results_do_not_depend_on_the_batch),
    TEST(extreme_blocks),
    TEST(vector_operations),
    TEST(exponentials_are_accurate),
    TEST(sets_are_chosen_by_what_the_processor_has),
};
TEST_MAIN(CASES)
