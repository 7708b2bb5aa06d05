#include "firmware/model/tensor.h"
#include "firmware/testing/check.h"

/* The judge is the gguf package: `python -m tools.testmodels dequantize` wrote blocks of random bits of every type and
 * the values it reads from them; a test in tools/testmodels keeps the file in step. */
static const char FIXTURE[] = "firmware/model/dequantize_test.bin";

enum { MOST_VALUES = 1024, MOST_BYTES = 4096 };

typedef struct Sample {
    u32 type, values, bytes;
    u8 blocks[MOST_BYTES];
    f32 expected[MOST_VALUES];
} Sample;

static bool next_sample(FILE *file, Sample *sample) {
    if (fread(&sample->type, sizeof(u32), 3, file) != 3) return false;
    CHECK(sample->values <= MOST_VALUES && sample->bytes <= MOST_BYTES);
    CHECK(fread(sample->blocks, 1, sample->bytes, file) == sample->bytes);
    CHECK(fread(sample->expected, sizeof(f32), sample->values, file) == sample->values);
    return true;
}

static void check_sample(const Sample *sample) {
    const TensorTypeInfo *info = tensor_type_info(sample->type);
    CHECK_MSG(info != NULL, "type %u has no row in the table", sample->type);
    CHECK_U64(tensor_row_bytes(info->type, sample->values), sample->bytes);
    f32 actual[MOST_VALUES];
    info->dequantize(sample->blocks, actual, sample->values);
    for (u32 i = 0; i < sample->values; i++) {
        CHECK_MSG(actual[i] == sample->expected[i], "%s: value %u is %.9g, the gguf package reads %.9g", info->name, i,
                  (f64)actual[i], (f64)sample->expected[i]);
    }
}

static void every_type_equals_the_gguf_package(void) {
    FILE *file = fopen(FIXTURE, "rb");
    CHECK_MSG(file != NULL, "cannot open %s", FIXTURE);
    static Sample sample;
    u32 types = 0;
    for (; next_sample(file, &sample); types++) check_sample(&sample);
    fclose(file);
    CHECK_U64(types, 11);
}

static const TestCase CASES[] = {TEST(every_type_equals_the_gguf_package)};
TEST_MAIN(CASES)
