#include "firmware/platform/host/batch.h"

#include "firmware/base/json.h"
#include "firmware/base/math.h"
#include "firmware/base/mem.h"
#include "firmware/repl/engine.h"
#include "firmware/repl/models.h"
#include "firmware/repl/text_file.h"

enum { STDOUT = 1, STDERR = 2 };
enum { OUTPUT_BYTES = 64 * 1024, BATCH_FILE_BYTES = 64 * 1024 * 1024 };
/** Digits that tell two float32 logits of usual size apart. */
enum { LOGIT_DIGITS = 7 };

/** Buffered standard output. */
typedef struct Output {
    char bytes[OUTPUT_BYTES];
    usize len;
} Output;

typedef struct Batch {
    const Platform *platform;
    const Options *options;
    Config config;
    Engine engine;
    Arena scratch;
    ModelList models;
    Output output;
    JsonWriter json;
    Arena answer; /* what a turn produced, for --json */
    u32 *ids;
    usize id_count;
    char *text;
    usize text_len;
} Batch;

static void output_flush(Output *output) {
    host_write(STDOUT, (Str){output->bytes, output->len});
    output->len = 0;
}

static void output_write(void *argument, Str text) {
    Output *output = argument;
    if (output->len + text.len > OUTPUT_BYTES) output_flush(output);
    if (text.len > OUTPUT_BYTES) {
        host_write(STDOUT, text);
        return;
    }
    memcpy(output->bytes + output->len, text.data, text.len);
    output->len += text.len;
}

static void complain(Str message) {
    host_write(STDERR, STR("llm_host: "));
    host_write(STDERR, message);
    host_write(STDERR, STR("\n"));
}

static void complain_about_setting(void *argument, u32 line, Str key, Str problem) {
    char text[512];
    (void)argument;
    usize len = fmt(text, sizeof(text), "%.*s (line %u): %.*s", STR_ARG(key), line, STR_ARG(problem));
    complain((Str){text, len});
}

static void configure(Batch *batch) {
    ConfigReport report = {.owner = OWNER_OPERATOR, .warning = complain_about_setting};
    batch->config = config_defaults();
    for (usize i = 0; i < batch->options->setting_count; i++) {
        config_read_line(&batch->config, batch->options->settings[i], 0, &report);
    }
}

static void show_context_reduced(void *argument, u32 from, u32 to) {
    char text[96];
    (void)argument;
    complain((Str){text, fmt(text, sizeof(text), "memory is short: context reduced from %u to %u tokens", from, to)});
}

static void show_kernels_unknown(void *argument, Str name, const char *used) {
    char text[96];
    (void)argument;
    complain((Str){text, fmt(text, sizeof(text), "kernels %.*s: unknown; %s is used", STR_ARG(name), used)});
}

static bool load(Batch *batch, Error *error) {
    EngineObserver observer = {.context_reduced = show_context_reduced, .kernels_unknown = show_kernels_unknown};
    Str path = batch->config.model;
    models_list_all(batch->platform, &batch->models);
    const ModelFile *found = path.len ? models_find(&batch->models, path) : NULL;
    if (path.len == 0 && batch->models.count > 0) found = &batch->models.files[0];
    if (!found && path.len == 0)
        return fail(error, ERROR_NOT_FOUND, "there is no model here: name one with --model FILE");
    return engine_load(&batch->engine, batch->platform, found ? models_path(found) : path, &batch->config, &observer,
                       error);
}

static void collect_text(void *argument, Str text) {
    Batch *batch = argument;
    if (!batch->options->json) {
        output_write(&batch->output, text);
        output_flush(&batch->output);
        return;
    }
    memcpy(batch->text + batch->text_len, text.data, text.len);
    batch->text_len += text.len;
}

static void write_logits(JsonWriter *json, const f32 *logits, u32 vocab) {
    json_begin_array(json);
    for (u32 i = 0; i < vocab; i++) json_f64(json, (f64)logits[i], LOGIT_DIGITS);
    json_end_array(json);
}

static void collect_token(void *argument, u32 id, const f32 *logits, u32 vocab) {
    Batch *batch = argument;
    batch->ids[batch->id_count++] = id;
    if (batch->options->logits) write_logits(&batch->json, logits, vocab);
}

static void write_result(Batch *batch, const TurnResult *result) {
    JsonWriter *json = &batch->json;
    json_key(json, "tokens");
    json_begin_array(json);
    for (usize i = 0; i < result->tokens; i++) json_u64(json, batch->ids[i]);
    json_end_array(json);
    json_key(json, "text");
    json_str(json, (Str){batch->text, batch->text_len});
    json_key(json, "reason");
    json_str(json, stop_reason_word(result->reason));
    json_key(json, "prompt_tokens");
    json_u64(json, result->prompt_tokens);
    json_key(json, "prefill_us");
    json_u64(json, platform_us(batch->platform, result->prefill_cycles));
    json_key(json, "decode_us");
    json_u64(json, platform_us(batch->platform, result->decode_cycles));
    json_key(json, "kernels");
    json_str(json, str_from_c(batch->engine.transformer.kernels->name));
}

/** Room for the longest answer the context allows, and for the bytes of its text. */
static bool make_room(Batch *batch, Error *error) {
    usize tokens = (usize)batch->engine.transformer.context + 1;
    usize longest = 1;
    for (u32 id = 0; id < tokenizer_vocab(batch->engine.tokenizer); id++) {
        longest = max_usize(longest, tokenizer_piece(batch->engine.tokenizer, id, false).len);
    }
    batch->answer = arena_new(batch->platform->pages, 0);
    batch->ids = ARENA_NEW(&batch->answer, u32, tokens);
    batch->text = ARENA_NEW(&batch->answer, char, tokens *longest);
    return (batch->ids && batch->text) || fail(error, ERROR_OUT_OF_MEMORY, "no memory for an answer: lower --ctx");
}

static bool run_prompt(Batch *batch, Error *error) {
    const Config *config = &batch->config;
    TurnLimits limits = {.max_tokens = config->max_tokens,
                         .sequence = config->seq_len,
                         .stop_you = config->stop_you,
                         .stop_double_nl = config->stop_nl};
    TurnObserver observer = {.argument = batch, .text = collect_text, .token = collect_token};
    TurnResult result;
    if (!make_room(batch, error)) return false;
    if (batch->options->json) json_begin_object(&batch->json);
    if (batch->options->json && batch->options->logits) {
        json_key(&batch->json, "logits");
        json_begin_array(&batch->json);
    }
    if (!generate_turn(&batch->engine.conversation, batch->options->prompt, limits, &observer, batch->platform,
                       &batch->scratch, &result, error)) {
        batch->output.len = 0;
        return false;
    }
    if (batch->options->json) {
        if (batch->options->logits) json_end_array(&batch->json);
        write_result(batch, &result);
        json_end_object(&batch->json);
    }
    output_write(&batch->output, STR("\n"));
    return true;
}

static bool read_file(Batch *batch, Str path, Str *bytes, Error *error) {
    return file_read_whole(batch->platform, path, BATCH_FILE_BYTES, &batch->scratch, bytes, error);
}

/** No text gives more tokens than it has bytes, but for special ones at its ends. */
static bool encode(Batch *batch, Str text, EncodeOptions options, u32 **ids, usize *count, Error *error) {
    usize capacity = text.len + 8;
    *ids = ARENA_NEW(&batch->scratch, u32, capacity);
    if (!*ids) return fail(error, ERROR_OUT_OF_MEMORY, "no memory for the tokens of %zu bytes", text.len);
    return tokenizer_encode(batch->engine.tokenizer, text, options, &batch->scratch, *ids, capacity, count, error);
}

static bool encode_line(Batch *batch, Str text, Error *error) {
    u32 *ids;
    usize count;
    ArenaMark mark = arena_mark(&batch->scratch);
    bool ok = encode(batch, text, (EncodeOptions){.parse_special = !batch->options->typed}, &ids, &count, error);
    batch->json.needs_comma = false;
    json_begin_array(&batch->json);
    for (usize i = 0; ok && i < count; i++) json_u64(&batch->json, ids[i]);
    json_end_array(&batch->json);
    output_write(&batch->output, STR("\n"));
    arena_release(&batch->scratch, mark);
    return ok;
}

static bool run_encode(Batch *batch, Error *error) {
    Str rest;
    if (!read_file(batch, batch->options->encode, &rest, error)) return false;
    while (rest.len > 0) {
        if (!encode_line(batch, str_cut(&rest, '\0'), error)) return false;
    }
    return true;
}

typedef struct Likelihood {
    const u32 *next; /* the token that follows the first one given */
    usize count;     /* of the tokens that have one behind them */
    u32 vocab;
    f64 nll; /* sum of negative log likelihoods, nats */
} Likelihood;

static void add_likelihood(void *argument, u32 index, const f32 *logits) {
    Likelihood *likelihood = argument;
    f32 most = logits[0];
    f64 sum = 0;
    if (index >= likelihood->count) return;
    for (u32 i = 1; i < likelihood->vocab; i++) most = logits[i] > most ? logits[i] : most;
    for (u32 i = 0; i < likelihood->vocab; i++) sum += math_exp((f64)logits[i] - (f64)most);
    likelihood->nll += math_log(sum) + (f64)most - (f64)logits[likelihood->next[index]];
}

/** One pass over independent windows of the whole context; the first token of each is given, not predicted. */
static bool measure(Batch *batch, const u32 *ids, usize count, usize *predicted, f64 *nll, Error *error) {
    Transformer *transformer = &batch->engine.transformer;
    *predicted = 0;
    *nll = 0;
    for (usize at = 0; at + 1 < count; at += transformer->context) {
        usize window = min_usize(count - at, transformer->context);
        Likelihood likelihood = {ids + at + 1, window - 1, batch->engine.model.config.vocab, 0};
        transformer_rewind(transformer, 0);
        if (!transformer_forward_each(transformer, ids + at, (u32)window, add_likelihood, &likelihood, error))
            return false;
        *predicted += window - 1;
        *nll += likelihood.nll;
    }
    return *predicted > 0 || fail(error, ERROR_USAGE, "the text is shorter than two tokens: use a longer one");
}

static bool run_perplexity(Batch *batch, Error *error) {
    Str text;
    u32 *ids;
    usize count, predicted;
    f64 nll;
    if (!read_file(batch, batch->options->perplexity, &text, error)) return false;
    if (!encode(batch, text, (EncodeOptions){.add_special = true}, &ids, &count, error)) return false;
    if (!measure(batch, ids, count, &predicted, &nll, error)) return false;
    json_begin_object(&batch->json);
    json_key(&batch->json, "tokens");
    json_u64(&batch->json, predicted);
    json_key(&batch->json, "nll");
    json_f64(&batch->json, nll / (f64)predicted, 9);
    json_key(&batch->json, "perplexity");
    json_f64(&batch->json, math_exp(nll / (f64)predicted), 9);
    json_end_object(&batch->json);
    output_write(&batch->output, STR("\n"));
    return true;
}

bool batch_is_asked(const Options *options) {
    return options->has_prompt || options->encode.len > 0 || options->perplexity.len > 0;
}

static bool run(Batch *batch, Error *error) {
    configure(batch);
    if (!load(batch, error)) return false;
    if (batch->options->encode.len > 0) return run_encode(batch, error);
    if (batch->options->perplexity.len > 0) return run_perplexity(batch, error);
    return run_prompt(batch, error);
}

u32 batch_run(const Platform *platform, const Options *options) {
    Error error;
    Arena arena = arena_new(platform->pages, 0);
    Batch *batch = ARENA_NEW(&arena, Batch, 1);
    if (!batch) return HOST_EXIT_FAILURE;
    batch->platform = platform;
    batch->options = options;
    batch->scratch = arena_new(platform->pages, OUTPUT_BYTES);
    batch->json = (JsonWriter){output_write, &batch->output, false};
    bool ok = run(batch, &error);
    output_flush(&batch->output);
    if (!ok) complain(str_from_c(error.message));
    arena_free(&arena);
    return ok ? 0 : HOST_EXIT_FAILURE;
}
