#include "firmware/repl/boot.h"

#include "firmware/base/crc32c.h"
#include "firmware/events/markers.gen.h"
#include "firmware/kernels/cpu.h"
#include "firmware/repl/boot_model.h"
#include "firmware/repl/text_file.h"

static const Str DEFAULT_CONFIG_PATH = STR("repl.cfg");
static const Str POLICY_PATH = STR("policy.cfg");

static void report_warning(void *argument, u32 line, Str key, Str problem) {
    Session *session = argument;
    event_cfg_warning(&session->sink, line, key, problem);
}

static void read_config_file(Session *session, Str path, ConfigReport *report) {
    Str text;
    u64 size;
    Error error;
    if (!text_file_read(session->platform, path, &session->arena, &text, &size, &error)) {
        event_cfg_none(&session->sink, path, str_from_c(error.message));
        return;
    }
    config_read(&session->config, text, report);
    event_cfg_loaded(&session->sink, path, report->keys, report->warnings);
}

/** What the operator says. */
static void read_operator(Session *session) {
    const BootOptions *options = session->options;
    ConfigReport report = {.owner = OWNER_OPERATOR, .argument = session, .warning = report_warning};
    session->config = config_defaults();
    read_config_file(session, options->config_path.len ? options->config_path : DEFAULT_CONFIG_PATH, &report);
    for (usize i = 0; i < options->setting_count; i++) {
        config_read_line(&session->config, options->settings[i], 0, &report);
    }
}

/** Reads policy.cfg. False when there is none; `*error` says what is wrong with one that is not whole. */
static bool read_policy(Session *session, Error *error) {
    Str text;
    u64 size;
    *error = (Error){.code = ERROR_NONE};
    if (!text_file_read(session->platform, POLICY_PATH, &session->arena, &text, &size, error)) {
        if (error->code == ERROR_NOT_FOUND) return false;
        text = STR_NONE;
    }
    return policy_parse(text, &session->policy, error) || session->policy.count > 0;
}

static void tell_policy(Session *session, const Error *error) {
    char buffer[64];
    bool is_whole = error->code == ERROR_NONE;
    Str owners = policy_owners(&session->policy, buffer, sizeof(buffer));
    if (!is_whole) event_cfg_warning(&session->sink, 0, POLICY_PATH, str_from_c(error->message));
    event_policy(&session->sink, POLICY_PATH, session->policy.count, owners,
                 is_whole ? REASON_ID_POLICY_APPLIED : REASON_ID_POLICY_CORRUPT);
}

static void open_journal(Session *session) {
    const Config *config = &session->config;
    if (!config->oo.enabled && !config->autotune && !config->guardrails) return;
    journal_open(&session->journal, session->platform, &session->sink, &session->scratch);
    if (!config->oo_consult_log) session->journal.kept &= ~(1u << EVENT_LOG_CONSULT);
}

static void start_organism(Session *session, OoValues operator_values) {
    OrganismStart start = {.platform = session->platform,
                           .sink = &session->sink,
                           .journal = &session->journal,
                           .settings = session->config.oo,
                           .operator_values = operator_values,
                           .ram_mib = session->free_at_start >> 20};
    organism_start(&session->organism, &start);
}

static void set_number(Config *config, Str name, u32 value) {
    char text[16];
    Error error;
    Str number = {text, fmt(text, sizeof(text), "%u", value)};
    config_set(config, config_find(name), number, OWNER_ORGANISM, &error);
}

/** Lays what the organism has in force over the operator's settings, but not over those of the policy. */
static void lay_organism(Session *session) {
    OoValues values = organism_values(&session->organism);
    Config *config = &session->config;
    for (OoKey key = 0; key < OO_KEYS; key++) {
        Str name = oo_key_word(key);
        if (values.of[key] == 0 || config_owner(config, config_find(name)) > OWNER_ORGANISM) continue;
        set_number(config, name, values.of[key]);
    }
    u32 clamped = organism_clamp(&session->organism, config->ctx_len);
    if (clamped != config->ctx_len) set_number(config, STR("ctx_len"), clamped);
}

static void tell_phase(Session *session, StartupPhase phase, u64 since) {
    event_obs_phase(&session->sink, phase, session_now_us(session) - since);
}

void boot_configure(Session *session) {
    Error error;
    u64 start = session_now_us(session);
    read_operator(session);
    OoValues operator_values = {.of = {session->config.ctx_len, session->config.seq_len}};
    bool has_policy = read_policy(session, &error);
    policy_apply(&session->policy, &session->config);
    open_journal(session);
    start_organism(session, operator_values);
    if (has_policy) tell_policy(session, &error);
    lay_organism(session);
    tell_phase(session, STARTUP_PHASE_CONFIGURE, start);
}

void boot_load_model(Session *session) {
    u64 start = session_now_us(session);
    Str path = boot_choose_model(session);
    tell_phase(session, STARTUP_PHASE_SELECT, start);
    session->startup.selected_us = session_now_us(session);
    boot_try_models(session, path);
}

static ModelState model_state(const Session *session) {
    if (session->engine.is_ready) return MODEL_LOADED;
    bool was_wanted = session->config.model.len > 0 || session->models.count > 0;
    return was_wanted ? MODEL_MISSED : MODEL_NONE_ON_PURPOSE;
}

/** Like is compared with like: the same processor, memory and model. */
static u32 stratum(const Session *session) {
    CpuFeatures cpu = cpu_detect();
    const Engine *engine = &session->engine;
    u64 numbers[] = {session->free_at_start >> 26, engine->model.file_size};
    u32 crc = crc32c(0, cpu.brand, sizeof(cpu.brand));
    crc = crc32c(crc, numbers, sizeof(numbers));
    return crc32c(crc, engine->path.data, engine->path.len);
}

static OrganismReady facts_of_start(const Session *session) {
    const Transformer *transformer = &session->engine.transformer;
    u64 free_bytes = session->platform->memory_free(session->platform->context);
    OrganismReady ready = {.model = model_state(session),
                           .stratum = stratum(session),
                           .free_kib = free_bytes >> 10,
                           .ctx = session->config.ctx_len,
                           .seq = session->config.seq_len ? session->config.seq_len : session->config.ctx_len,
                           .allocation_failures = session->allocation_failures};
    if (!session->engine.is_ready) return ready;
    const ModelConfig *config = &session->engine.model.config;
    ready.ctx = transformer->context;
    ready.seq = session->config.seq_len ? session->config.seq_len : transformer->context;
    ready.context_kib = transformer_bytes(config, transformer->context) >> 10;
    ready.model_context = config->context;
    ready.bytes_per_token = (transformer_bytes(config, 1025) - transformer_bytes(config, 1)) >> 10;
    ready.relative_cost_per_token = transformer_relative_cost(config, 1) - 1;
    return ready;
}

static void tell_startup(Session *session) {
    const Startup *startup = &session->startup;
    event_obs_startup(&session->sink, startup->selected_us, session_now_us(session) - startup->selected_us,
                      session->engine.model.format == MODEL_GGUF ? FILE_FORMAT_GGUF : FILE_FORMAT_BIN, startup->opens,
                      startup->reads, startup->bytes);
}

void boot_ready(Session *session) {
    OrganismReady ready = facts_of_start(session);
    session->guards.model = session->engine.is_ready ? &session->engine.model.config : NULL;
    guards_start(&session->guards, &session->policy);
    organism_ready(&session->organism, &ready);
    if (session->engine.is_ready) tell_startup(session);
}
