/* M16.1: what a session did, and how long it took, as LLMK_METRICS.LOG tells it. */
#ifndef FIRMWARE_GUARD_METRICS_H
#define FIRMWARE_GUARD_METRICS_H

#include "firmware/base/json.h"
#include "firmware/events/markers.gen.h"

enum { METRICS_SCHEMA = 1, METRICS_GENERATIONS = 64, METRICS_SAMPLES = 2048 };

/** One turn. Prefill is every token of the prompt; decode is everything from the first logits to the end, sampling and
 * output included; `loop_cycles` is measured by itself around both. */
typedef struct GenerationRecord {
    u64 number; /* from 1 */
    u32 prompt_tokens;
    u32 tokens; /* of the answer, as gen_end has it */
    u32 decode_calls;
    u64 prefill_cycles, decode_cycles, loop_cycles;
    u64 first_token_cycles; /* from the start of the turn to its first token */
    u64 p50, p95, p99;      /* cycles a token the model ran for; 0 when there was none */
    u32 overruns;
    StopReason reason;
} GenerationRecord;

typedef struct Metrics {
    u64 session_start_cycles;
    u64 total_prefill_cycles, total_decode_cycles;
    u64 total_prefill_tokens, total_decode_tokens;
    u64 total_prefill_calls, total_decode_calls; /* of the model: one for each prompt, one for each token it ran for */
    u64 last_prefill_cycles, last_decode_cycles; /* of the last turn, as are the next two */
    u64 last_prefill_tokens, last_decode_tokens;
    u64 sentinel_violations_total;
    u64 kv_cache_resets; /* conversations forgotten, whoever asked for it */
    u64 generation_count;
    u64 context_overflows; /* of those resets, the ones because a conversation no longer fitted */
    u64 allocation_failures;
    GenerationRecord generations[METRICS_GENERATIONS]; /* a ring: number n is at (n - 1) % METRICS_GENERATIONS */
    u64 samples[METRICS_SAMPLES];                      /* cycles a token of the turn that runs, evenly thinned out */
    u32 sample_count;
    u32 sample_stride; /* one token of so many is in `samples` */
    u32 sample_seen;   /* tokens of the turn so far */
} Metrics;

/** What the numbers are of. */
typedef struct MetricsIdentity {
    u32 build_id;
    Str platform;
    Str model_path, model_name; /* empty: no model */
    u64 model_bytes;
    u32 model_crc32c; /* of the whole file */
    Str kernels;
    u64 cycles_hz;
    u32 threads;
    u32 context;
    u64 boot_count; /* 0: not known */
    u64 uptime_us;
} MetricsIdentity;

/** Everything is 0 from here on. Comes before all others. */
void metrics_reset(Metrics *metrics, u64 now_cycles);
/** A token of the answer that the model ran for took so long, from the one before it to itself. */
void metrics_token(Metrics *metrics, u64 cycles);
/** A turn has ended: adds it to the totals. Its quantiles are computed here, from the tokens since the last turn; its
 * number is given here. */
void metrics_end_turn(Metrics *metrics, const GenerationRecord *turn);
/** The last turn; NULL when there was none. */
const GenerationRecord *metrics_last(const Metrics *metrics);
/** Writes the whole of it as one JSON object: first the 14 keys of M16.1 in their order, then two more totals,
 * "schema", identity, and "generations", oldest first. One key a line, and one generation; the last line ends too. */
void metrics_write(const Metrics *metrics, const MetricsIdentity *identity, JsonWriter *json);

#endif
