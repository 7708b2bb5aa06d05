#include "firmware/guard/metrics.h"

#include "firmware/base/fmt.h"
#include "firmware/base/mem.h"
#include "firmware/guard/calibration.h"

/* The first 14 are those of M16.1, in its order. */
static const struct {
    const char *key;
    usize offset;
} TOTALS[] = {
    {"session_start_cycles", offsetof(Metrics, session_start_cycles)},
    {"total_prefill_cycles", offsetof(Metrics, total_prefill_cycles)},
    {"total_decode_cycles", offsetof(Metrics, total_decode_cycles)},
    {"total_prefill_tokens", offsetof(Metrics, total_prefill_tokens)},
    {"total_decode_tokens", offsetof(Metrics, total_decode_tokens)},
    {"total_prefill_calls", offsetof(Metrics, total_prefill_calls)},
    {"total_decode_calls", offsetof(Metrics, total_decode_calls)},
    {"last_prefill_cycles", offsetof(Metrics, last_prefill_cycles)},
    {"last_decode_cycles", offsetof(Metrics, last_decode_cycles)},
    {"last_prefill_tokens", offsetof(Metrics, last_prefill_tokens)},
    {"last_decode_tokens", offsetof(Metrics, last_decode_tokens)},
    {"sentinel_violations_total", offsetof(Metrics, sentinel_violations_total)},
    {"kv_cache_resets", offsetof(Metrics, kv_cache_resets)},
    {"generation_count", offsetof(Metrics, generation_count)},
    {"context_overflows", offsetof(Metrics, context_overflows)},
    {"allocation_failures", offsetof(Metrics, allocation_failures)},
};

static void forget_samples(Metrics *metrics) {
    metrics->sample_count = metrics->sample_seen = 0;
    metrics->sample_stride = 1;
}

void metrics_reset(Metrics *metrics, u64 now_cycles) {
    memset(metrics, 0, sizeof *metrics);
    metrics->session_start_cycles = now_cycles;
    forget_samples(metrics);
}

/* Keeps every second sample. Their number is even, so the token after the last of them has its turn as before. */
static void thin_samples(Metrics *metrics) {
    metrics->sample_count /= 2;
    metrics->sample_stride *= 2;
    for (u32 i = 0; i < metrics->sample_count; i++) metrics->samples[i] = metrics->samples[2 * i];
}
_Static_assert(METRICS_SAMPLES % 2 == 0, "thin_samples() would shift what is sampled");

void metrics_token(Metrics *metrics, u64 cycles) {
    if (metrics->sample_seen++ % metrics->sample_stride != 0) return;
    if (metrics->sample_count == METRICS_SAMPLES) thin_samples(metrics);
    metrics->samples[metrics->sample_count++] = cycles;
}

static u64 quantile(Metrics *metrics, u32 permille) {
    return metrics->sample_count ? quantile_u64(metrics->samples, metrics->sample_count, permille) : 0;
}

static void keep_record(Metrics *metrics, const GenerationRecord *turn) {
    GenerationRecord *record = &metrics->generations[metrics->generation_count++ % METRICS_GENERATIONS];
    *record = *turn;
    record->number = metrics->generation_count;
    record->p50 = quantile(metrics, 500);
    record->p95 = quantile(metrics, 950);
    record->p99 = quantile(metrics, 990);
    forget_samples(metrics);
}

void metrics_end_turn(Metrics *metrics, const GenerationRecord *turn) {
    metrics->total_prefill_cycles += metrics->last_prefill_cycles = turn->prefill_cycles;
    metrics->total_decode_cycles += metrics->last_decode_cycles = turn->decode_cycles;
    metrics->total_prefill_tokens += metrics->last_prefill_tokens = turn->prompt_tokens;
    metrics->total_decode_tokens += metrics->last_decode_tokens = turn->tokens;
    metrics->total_prefill_calls++;
    metrics->total_decode_calls += turn->decode_calls;
    keep_record(metrics, turn);
}

static const GenerationRecord *record_of(const Metrics *metrics, u64 number) {
    return &metrics->generations[(number - 1) % METRICS_GENERATIONS];
}

const GenerationRecord *metrics_last(const Metrics *metrics) {
    return metrics->generation_count ? record_of(metrics, metrics->generation_count) : NULL;
}

static void put_u64(JsonWriter *json, const char *key, u64 value) {
    json_key(json, key);
    json_u64(json, value);
}

static void put_str(JsonWriter *json, const char *key, Str value) {
    json_key(json, key);
    json_str(json, value);
}

static void line_u64(JsonWriter *json, const char *key, u64 value) {
    json_new_line(json);
    put_u64(json, key, value);
}

static void line_str(JsonWriter *json, const char *key, Str value) {
    json_new_line(json);
    put_str(json, key, value);
}

/* As marker lines spell such numbers. */
static void line_hex(JsonWriter *json, const char *key, u32 value) {
    char text[12];
    line_str(json, key, (Str){text, fmt(text, sizeof(text), "%08x", value)});
}

static void write_totals(const Metrics *metrics, JsonWriter *json) {
    for (usize i = 0; i < COUNT_OF(TOTALS); i++) {
        u64 value;
        memcpy(&value, (const u8 *)metrics + TOTALS[i].offset, sizeof value);
        line_u64(json, TOTALS[i].key, value);
    }
}

static void write_identity(const MetricsIdentity *identity, JsonWriter *json) {
    line_u64(json, "schema", METRICS_SCHEMA);
    line_hex(json, "build_id", identity->build_id);
    line_str(json, "platform", identity->platform);
    line_str(json, "model_path", identity->model_path);
    line_str(json, "model_name", identity->model_name);
    line_u64(json, "model_bytes", identity->model_bytes);
    line_hex(json, "model_crc32c", identity->model_crc32c);
    line_str(json, "kernels", identity->kernels);
    line_u64(json, "cycles_hz", identity->cycles_hz);
    line_u64(json, "threads", identity->threads);
    line_u64(json, "context", identity->context);
    line_u64(json, "boot_count", identity->boot_count);
    line_u64(json, "uptime_us", identity->uptime_us);
}

static void write_generation(const GenerationRecord *record, JsonWriter *json) {
    json_new_line(json);
    json_begin_object(json);
    put_u64(json, "number", record->number);
    put_u64(json, "prompt_tokens", record->prompt_tokens);
    put_u64(json, "tokens", record->tokens);
    put_u64(json, "decode_calls", record->decode_calls);
    put_u64(json, "prefill_cycles", record->prefill_cycles);
    put_u64(json, "decode_cycles", record->decode_cycles);
    put_u64(json, "loop_cycles", record->loop_cycles);
    put_u64(json, "first_token_cycles", record->first_token_cycles);
    put_u64(json, "p50", record->p50);
    put_u64(json, "p95", record->p95);
    put_u64(json, "p99", record->p99);
    put_u64(json, "overruns", record->overruns);
    put_str(json, "reason", stop_reason_word(record->reason));
    json_end_object(json);
}

static void write_generations(const Metrics *metrics, JsonWriter *json) {
    u64 count = metrics->generation_count;
    json_new_line(json);
    json_key(json, "generations");
    json_begin_array(json);
    for (u64 number = count - min_usize(count, METRICS_GENERATIONS) + 1; number <= count; number++) {
        write_generation(record_of(metrics, number), json);
    }
    json_end_array(json);
}

/* Before a closing bracket, and at the end. */
static void end_line(const JsonWriter *json) { json->write(json->argument, STR("\n")); }

void metrics_write(const Metrics *metrics, const MetricsIdentity *identity, JsonWriter *json) {
    json_begin_object(json);
    write_totals(metrics, json);
    write_identity(identity, json);
    write_generations(metrics, json);
    end_line(json);
    json_end_object(json);
    end_line(json);
}
