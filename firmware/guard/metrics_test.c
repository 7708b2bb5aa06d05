#include "firmware/guard/metrics.h"

#include "firmware/guard/calibration.h"
#include "firmware/testing/check.h"

enum { TURNS = 200, TOKENS = 200000, TEXT_BYTES = 64 * 1024, ROUNDS = 300 };

static u32 next_random(u32 *state) { return (*state = *state * 1664525u + 1013904223u) >> 8; }

static Metrics fresh(void) {
    Metrics metrics;
    memset(&metrics, 0xAA, sizeof metrics);
    metrics_reset(&metrics, 1000);
    return metrics;
}

static GenerationRecord random_turn(u32 *state) {
    GenerationRecord turn = {.prompt_tokens = 1 + next_random(state) % 500,
                             .tokens = next_random(state) % 200,
                             .decode_calls = next_random(state) % 200,
                             .prefill_cycles = (u64)next_random(state) << 20,
                             .decode_cycles = (u64)next_random(state) << 20,
                             .overruns = next_random(state) % 3,
                             .reason = next_random(state) % (STOP_REASON_USER + 1)};
    turn.loop_cycles = turn.prefill_cycles + turn.decode_cycles + 1;
    return turn;
}

static void totals_are_the_sums_and_last_is_the_last_turn(void) {
    u32 state = 1;
    u64 prefill_tokens = 0, decode_tokens = 0, calls = 0, prefill_cycles = 0, decode_cycles = 0;
    Metrics metrics = fresh();
    CHECK(metrics_last(&metrics) == NULL);
    for (u32 i = 1; i <= TURNS; i++) {
        GenerationRecord turn = random_turn(&state);
        metrics_end_turn(&metrics, &turn);
        prefill_tokens += turn.prompt_tokens;
        decode_tokens += turn.tokens;
        calls += turn.decode_calls;
        prefill_cycles += turn.prefill_cycles;
        decode_cycles += turn.decode_cycles;
        CHECK_U64(metrics.last_prefill_tokens, turn.prompt_tokens);
        CHECK_U64(metrics.last_decode_tokens, turn.tokens);
        CHECK_U64(metrics.last_prefill_cycles, turn.prefill_cycles);
        CHECK_U64(metrics.last_decode_cycles, turn.decode_cycles);
        CHECK_U64(metrics_last(&metrics)->number, i);
        CHECK_U64(metrics_last(&metrics)->loop_cycles, turn.loop_cycles);
    }
    CHECK_U64(metrics.total_prefill_tokens, prefill_tokens);
    CHECK_U64(metrics.total_decode_tokens, decode_tokens);
    CHECK_U64(metrics.total_prefill_cycles, prefill_cycles);
    CHECK_U64(metrics.total_decode_cycles, decode_cycles);
    CHECK_U64(metrics.total_prefill_calls, TURNS);
    CHECK_U64(metrics.total_decode_calls, calls);
    CHECK_U64(metrics.generation_count, TURNS);
    CHECK_U64(metrics.session_start_cycles, 1000);
}

static void defect_26_prefill_is_every_token_of_the_prompt(void) {
    Metrics metrics = fresh();
    GenerationRecord turn = {.prompt_tokens = 8, .tokens = 8, .decode_calls = 7, .prefill_cycles = 800};
    metrics_end_turn(&metrics, &turn);
    metrics_end_turn(&metrics, &turn);
    CHECK_U64(metrics.total_prefill_tokens, 16);
    CHECK_U64(metrics.last_prefill_tokens, 8);
    CHECK_U64(metrics.total_decode_tokens, 16);
    CHECK_U64(metrics.total_decode_calls, 14);
    CHECK_U64(metrics.total_prefill_cycles, 1600);
}

/* ---- cycles a token ---- */

static const GenerationRecord *end_turn(Metrics *metrics) {
    metrics_end_turn(metrics, &(GenerationRecord){.prompt_tokens = 1, .p50 = 77});
    return metrics_last(metrics);
}

static void quantiles_are_of_the_turns_own_tokens(void) {
    Metrics metrics = fresh();
    for (u64 cycles = 101; cycles > 0; cycles--) metrics_token(&metrics, cycles * 10);
    const GenerationRecord *turn = end_turn(&metrics);
    CHECK_U64(turn->p50, 510);
    CHECK_U64(turn->p95, 960);
    CHECK_U64(turn->p99, 1000);
    metrics_token(&metrics, 3);
    CHECK_U64(end_turn(&metrics)->p99, 3);
    CHECK_U64(end_turn(&metrics)->p50, 0);
}

static void a_full_buffer_keeps_every_second_sample(void) {
    Metrics metrics = fresh();
    for (u64 i = 0; i < 4 * METRICS_SAMPLES; i++) {
        metrics_token(&metrics, i);
        CHECK(metrics.sample_count <= METRICS_SAMPLES);
    }
    CHECK_U64(metrics.sample_stride, 4);
    for (u32 i = 0; i < metrics.sample_count; i++) CHECK_U64(metrics.samples[i], 4 * i);
    CHECK_U64(metrics.sample_count, METRICS_SAMPLES);
}

static f64 share_below(const u64 *values, usize count, u64 bound) {
    usize below = 0;
    for (usize i = 0; i < count; i++) below += values[i] <= bound;
    return (f64)below / (f64)count;
}

/* Costs with a long tail: the quantiles of a thinned turn are those of all its tokens, but for little. */
static void thinning_keeps_the_quantiles(void) {
    static u64 all[TOKENS];
    u32 state = 9;
    Metrics metrics = fresh();
    for (usize i = 0; i < TOKENS; i++) {
        u64 unit = next_random(&state) % 1000 + 1;
        all[i] = 1000000 + 1000000000 / unit;
        metrics_token(&metrics, all[i]);
    }
    const GenerationRecord *turn = end_turn(&metrics);
    f64 p50 = share_below(all, TOKENS, turn->p50), p95 = share_below(all, TOKENS, turn->p95);
    f64 p99 = share_below(all, TOKENS, turn->p99);
    printf("%d tokens thinned to %u..%u: p50, p95, p99 are at %.4f, %.4f, %.4f\n", TOKENS, METRICS_SAMPLES / 2,
           METRICS_SAMPLES, p50, p95, p99);
    CHECK(p50 > 0.46 && p50 < 0.54);
    CHECK(p95 > 0.93 && p95 < 0.97);
    CHECK(p99 > 0.98 && p99 < 1);
}

/* ---- the file ---- */

typedef struct Text {
    char bytes[TEXT_BYTES];
    usize len;
} Text;

static void append(void *argument, Str text) {
    Text *to = argument;
    CHECK(to->len + text.len <= sizeof to->bytes);
    memcpy(to->bytes + to->len, text.data, text.len);
    to->len += text.len;
}

static const MetricsIdentity IDENTITY = {.build_id = 0xC0FFEE,
                                         .platform = STR("host"),
                                         .model_path = STR("models\\a \"b\".gguf"),
                                         .model_name = STR("Little\nModel"),
                                         .model_bytes = 1u << 31,
                                         .model_crc32c = 0x12AB,
                                         .kernels = STR("avx2"),
                                         .cycles_hz = 3000000000,
                                         .threads = 4,
                                         .context = 2048,
                                         .boot_count = 7,
                                         .uptime_us = 123};

static Str write(const Metrics *metrics, const MetricsIdentity *identity) {
    static Text text;
    text.len = 0;
    JsonWriter json = {append, &text, false};
    metrics_write(metrics, identity, &json);
    return (Str){text.bytes, text.len};
}

static const Str FILE_OF_TWO_TURNS =
    STR("{\n"
        "\"session_start_cycles\":1000,\n"
        "\"total_prefill_cycles\":1600,\n"
        "\"total_decode_cycles\":18446744073709551615,\n"
        "\"total_prefill_tokens\":16,\n"
        "\"total_decode_tokens\":10,\n"
        "\"total_prefill_calls\":2,\n"
        "\"total_decode_calls\":8,\n"
        "\"last_prefill_cycles\":800,\n"
        "\"last_decode_cycles\":0,\n"
        "\"last_prefill_tokens\":8,\n"
        "\"last_decode_tokens\":5,\n"
        "\"sentinel_violations_total\":3,\n"
        "\"kv_cache_resets\":2,\n"
        "\"generation_count\":2,\n"
        "\"context_overflows\":1,\n"
        "\"allocation_failures\":4,\n"
        "\"schema\":1,\n"
        "\"build_id\":\"00c0ffee\",\n"
        "\"platform\":\"host\",\n"
        "\"model_path\":\"models\\\\a \\\"b\\\".gguf\",\n"
        "\"model_name\":\"Little\\u000aModel\",\n"
        "\"model_bytes\":2147483648,\n"
        "\"model_crc32c\":\"000012ab\",\n"
        "\"kernels\":\"avx2\",\n"
        "\"cycles_hz\":3000000000,\n"
        "\"threads\":4,\n"
        "\"context\":2048,\n"
        "\"boot_count\":7,\n"
        "\"uptime_us\":123,\n"
        "\"generations\":[\n"
        "{\"number\":1,\"prompt_tokens\":8,\"tokens\":5,\"decode_calls\":4,\"prefill_cycles\":800,"
        "\"decode_cycles\":18446744073709551615,\"loop_cycles\":901,\"first_token_cycles\":850,\"p50\":30,"
        "\"p95\":30,\"p99\":30,\"overruns\":1,\"reason\":\"budget_guard\"},\n"
        "{\"number\":2,\"prompt_tokens\":8,\"tokens\":5,\"decode_calls\":4,\"prefill_cycles\":800,"
        "\"decode_cycles\":0,\"loop_cycles\":901,\"first_token_cycles\":850,\"p50\":0,\"p95\":0,\"p99\":0,"
        "\"overruns\":1,\"reason\":\"budget_guard\"}]\n"
        "}\n");

static void the_file_is_one_object_with_a_key_a_line(void) {
    Metrics metrics = fresh();
    metrics.sentinel_violations_total = 3;
    metrics.kv_cache_resets = 2;
    metrics.context_overflows = 1;
    metrics.allocation_failures = 4;
    metrics_token(&metrics, 30);
    GenerationRecord turn = {0, 8, 5, 4, 800, UINT64_MAX, 901, 850, 0, 0, 0, 1, STOP_REASON_BUDGET_GUARD};
    metrics_end_turn(&metrics, &turn);
    turn.decode_cycles = 0;
    metrics_end_turn(&metrics, &turn);
    CHECK_STR(write(&metrics, &IDENTITY), FILE_OF_TWO_TURNS);
}

/* A reader of JSON that goes over one value, and ends the test where there is none (RFC 8259; no escapes but ours). */
static Str skip_value(Str text);

static Str expect(Str text, char byte) {
    CHECK_MSG(text.len > 0 && text.data[0] == byte, "expected %c before \"%.*s\"", byte, STR_ARG(str_take(text, 20)));
    return str_skip(text, 1);
}

static bool is_next(Str text, char byte) { return text.len > 0 && text.data[0] == byte; }

static Str skip_string(Str text) {
    text = expect(text, '"');
    while (!is_next(text, '"')) {
        CHECK(text.len > 0 && (u8)text.data[0] >= 0x20);
        usize escaped = is_next(text, '\\') ? (text.data[1] == 'u' ? 6 : 2) : 1;
        if (escaped == 6) CHECK(strspn(text.data + 2, "0123456789abcdef") >= 4);
        if (escaped == 2) CHECK(text.data[1] == '"' || text.data[1] == '\\');
        text = str_skip(text, escaped);
    }
    return expect(text, '"');
}

static Str skip_number(Str text) {
    usize digits = 0;
    while (digits < text.len && text.data[digits] >= '0' && text.data[digits] <= '9') digits++;
    CHECK(digits == 1 || (digits > 1 && text.data[0] != '0'));
    return str_skip(text, digits);
}

static Str skip_space(Str text) {
    while (is_next(text, '\n')) text = str_skip(text, 1);
    return text;
}

static Str skip_members(Str text, char end, bool has_keys) {
    text = skip_space(str_skip(text, 1));
    while (!is_next(text, end)) {
        if (has_keys) text = expect(skip_string(text), ':');
        text = skip_space(skip_value(text));
        if (!is_next(text, end)) text = skip_space(expect(text, ','));
    }
    return expect(text, end);
}

static Str skip_value(Str text) {
    if (is_next(text, '{')) return skip_members(text, '}', true);
    if (is_next(text, '[')) return skip_members(text, ']', false);
    return is_next(text, '"') ? skip_string(text) : skip_number(text);
}

static void the_file_is_json_whatever_a_model_is_called(void) {
    u32 state = 4;
    Metrics metrics = fresh();
    for (u32 round = 0; round < ROUNDS; round++) {
        char name[40];
        for (usize i = 0; i < sizeof name; i++) name[i] = (char)(next_random(&state) % (round % 2 ? 256 : 64));
        MetricsIdentity identity = IDENTITY;
        identity.model_name = identity.model_path = (Str){name, next_random(&state) % sizeof name};
        Str text = write(&metrics, &identity);
        CHECK_STR(skip_value(text), STR("\n"));
        GenerationRecord turn = random_turn(&state);
        metrics_end_turn(&metrics, &turn);
    }
}

static void the_last_generations_are_kept_oldest_first(void) {
    Metrics metrics = fresh();
    for (u32 i = 0; i < 3 * METRICS_GENERATIONS + 5; i++) end_turn(&metrics);
    Str text = write(&metrics, &IDENTITY);
    text = str_skip(text, str_find(text, STR("[")));
    for (u64 number = 2 * METRICS_GENERATIONS + 6; number <= 3 * METRICS_GENERATIONS + 5; number++) {
        char head[40];
        usize len = fmt(head, sizeof head, "\n{\"number\":%llu,", (unsigned long long)number);
        text = str_skip(text, 1);
        CHECK(str_starts_with(text, (Str){head, len}));
        text = str_skip(text, str_find_byte(text, '}') + 1);
    }
    CHECK_STR(text, STR("]\n}\n"));
}

static const TestCase CASES[] = {
    TEST(totals_are_the_sums_and_last_is_the_last_turn),
    TEST(defect_26_prefill_is_every_token_of_the_prompt),
    TEST(quantiles_are_of_the_turns_own_tokens),
    TEST(a_full_buffer_keeps_every_second_sample),
    TEST(thinning_keeps_the_quantiles),
    TEST(the_file_is_one_object_with_a_key_a_line),
    TEST(the_file_is_json_whatever_a_model_is_called),
    TEST(the_last_generations_are_kept_oldest_first),
};
TEST_MAIN(CASES)
