#include "firmware/oo/rig.h"

Rig *rig_new(void) {
    Rig *rig = calloc(1, sizeof(Rig));
    CHECK(rig != NULL);
    rig->fake = fake_platform_new();
    rig->settings = (OoSettings){.enabled = true,
                                 .consult = true,
                                 .multi_actions = true,
                                 .auto_apply = 2,
                                 .plan_enable = true,
                                 .plan_max_actions = 2,
                                 .conf_threshold = 60};
    rig->operator_values.of[OO_KEY_CTX_LEN] = 1024;
    rig->ram_mib = 700;
    rig->model = MODEL_LOADED;
    rig->stratum = 1;
    rig->scratch = arena_new(rig->fake->platform.pages, 0);
    return rig;
}

void rig_free(Rig *rig) {
    arena_free(&rig->scratch);
    fake_platform_free(rig->fake);
    free(rig);
}

static void lay_values(Rig *rig) {
    OoValues values = organism_values(&rig->organism);
    u32 ctx = values.of[OO_KEY_CTX_LEN], seq = values.of[OO_KEY_SEQ_LEN];
    if (ctx == 0) ctx = rig->operator_values.of[OO_KEY_CTX_LEN];
    if (seq == 0) seq = rig->operator_values.of[OO_KEY_SEQ_LEN];
    rig->ctx = organism_clamp(&rig->organism, ctx);
    if (rig->ctx == 0 || rig->ctx > RIG_MODEL_CONTEXT) rig->ctx = RIG_MODEL_CONTEXT;
    rig->seq = seq ? seq : rig->ctx;
}

void rig_start(Rig *rig) {
    const Platform *platform = &rig->fake->platform;
    rig->fake->output_len = 0;
    sink_init(&rig->sink, platform);
    journal_open(&rig->journal, platform, &rig->sink, &rig->scratch);
    OrganismStart start = {.platform = platform,
                           .sink = &rig->sink,
                           .journal = &rig->journal,
                           .settings = rig->settings,
                           .operator_values = rig->operator_values,
                           .ram_mib = rig->ram_mib};
    organism_start(&rig->organism, &start);
    lay_values(rig);
}

void rig_boot(Rig *rig) {
    rig_start(rig);
    OrganismReady ready = {.model = rig->model, .stratum = rig->stratum, .free_kib = RIG_MEMORY_KIB};
    if (rig->model == MODEL_LOADED) {
        ready.ctx = rig->ctx;
        ready.seq = rig->seq;
        ready.context_kib = (u64)rig->ctx * RIG_KIB_PER_TOKEN;
        ready.free_kib -= ready.context_kib;
        ready.model_context = RIG_MODEL_CONTEXT;
        ready.bytes_per_token = RIG_KIB_PER_TOKEN * 1024;
        ready.relative_cost_per_token = 0.001;
    }
    organism_ready(&rig->organism, &ready);
}

/** A longer sequence is dearer. */
static void talk_once(Rig *rig) {
    organism_asked(&rig->organism);
    organism_answered(&rig->organism, 10, 1000000 + (u64)rig->seq * 1000);
}

void rig_talk(Rig *rig, u32 turns) {
    for (u32 i = 0; i < turns; i++) talk_once(rig);
}

void rig_consult(Rig *rig, const char *words) {
    Advice advice;
    advice_parse(str_from_c(words), &advice);
    organism_consult(&rig->organism, &advice);
}

void rig_whole_boot(Rig *rig, u32 turns, const char *words) {
    rig_boot(rig);
    rig_talk(rig, turns);
    if (words) rig_consult(rig, words);
    organism_end(&rig->organism);
}

void rig_reach(Rig *rig, OoMode mode) {
    while (rig->organism.state.mode != mode || rig->organism.state.boot_count == 0) rig_whole_boot(rig, 2, NULL);
}

usize rig_count_in(Str text, const char *wanted) {
    Str word = str_from_c(wanted);
    usize count = 0;
    for (usize at = str_find(text, word); at < text.len; at = str_find(text, word)) {
        text = str_skip(text, at + word.len);
        count++;
    }
    return count;
}

usize rig_count(const Rig *rig, const char *wanted) { return rig_count_in(fake_output(rig->fake), wanted); }

/* ---- the journal ---- */

static void add_events(RigEvents *events, Str content) {
    content = str_trim(content); /* most of it is blank */
    while (content.len > 0) {
        u64 number;
        Str text, line = str_cut(&content, '\n');
        if (!record_parse(line, &number, &text)) continue;
        CHECK(number < RIG_EVENTS);
        CHECK_MSG(events->of[number].len == 0, "event %llu is twice in the journal", (unsigned long long)number);
        events->of[number] = text;
    }
}

void rig_events(const Rig *rig, RigEvents *events) {
    static const Str FILES[] = {STR("OOJOUR.LOG"), STR("OOJOUR2.LOG")};
    *events = (RigEvents){0};
    for (usize i = 0; i < COUNT_OF(FILES); i++) {
        Str content;
        if (memory_volume_get(&rig->fake->volume, FILES[i], &content)) add_events(events, content);
    }
}

usize rig_check_shown(const Rig *rig, Str output, u64 boot) {
    static const Str MARK = STR(" event=");
    RigEvents events;
    usize count = 0;
    rig_events(rig, &events);
    while (output.len > 0) {
        char expected[RECORD_LINE_MAX];
        Str line = str_cut(&output, '\n');
        usize at = str_find(line, MARK);
        if (at == line.len) continue;
        Str number = str_skip(line, at + MARK.len);
        u64 event;
        CHECK(str_to_u64(str_take(number, str_find_byte(number, ' ')), &event) && event < RIG_EVENTS);
        if (rig->is_medium_failing && events.of[event].len == 0) continue;
        usize len = fmt(expected, sizeof(expected), "boot=%llu %.*s", (unsigned long long)boot, (int)at, line.data);
        CHECK_STR(events.of[event], ((Str){expected, len}));
        count++;
    }
    return count;
}

usize rig_check_journal(const Rig *rig) {
    return rig_check_shown(rig, fake_output(rig->fake), rig->organism.state.boot_count);
}

bool rig_saved(Rig *rig, OoState *state) {
    Slots slots;
    Str record;
    Error error;
    if (!slots_open(&slots, &rig->fake->platform, STR("OOSTATE.BIN"), STR("OORECOV.BIN"), &record)) return false;
    CHECK_MSG(state_read(record, state, &error), "%s", error.message);
    return true;
}
