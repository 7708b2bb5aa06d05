#include "firmware/simulation/commands.h"

/** The number behind "NAME=" in `text`; 0 when it is not there. */
static u64 number(Str text, Str name) {
    while (text.len > 0) {
        Str word = str_cut(&text, ' '), value = word;
        u64 out = 0;
        if (str_eq(str_cut(&value, '='), name) && str_to_u64(value, &out)) return out;
    }
    return 0;
}

#define NUMBER(name) number(text, STR(name))

/* ---- the commands; `text` is the rest of the line ---- */

static void do_new(Machine *machine, Str text) {
    (void)text;
    memory_volume_free(&machine->volume);
    memory_volume_init(&machine->volume, machine->platform.pages);
    machine->organism = (Organism){0};
}

/** boot ram= ctx= seq= off= consult= multi= auto= plan= max= gate= threshold= journal= cut=: power comes on, and fails
 * again at the sector `cut` of those that are written (0: it stays). */
static void do_boot(Machine *machine, Str text) {
    Arena scratch = arena_new(machine->platform.pages, 0);
    OrganismStart start = {.platform = &machine->platform,
                           .sink = &machine->sink,
                           .journal = &machine->journal,
                           .settings = {.enabled = NUMBER("off") == 0,
                                        .consult = NUMBER("consult") != 0,
                                        .multi_actions = NUMBER("multi") != 0,
                                        .auto_apply = (u32)NUMBER("auto"),
                                        .plan_enable = NUMBER("plan") != 0,
                                        .plan_max_actions = (u32)NUMBER("max"),
                                        .conf_gate = NUMBER("gate") != 0,
                                        .conf_threshold = (u32)NUMBER("threshold")},
                           .operator_values = {.of = {(u32)NUMBER("ctx"), (u32)NUMBER("seq")}},
                           .ram_mib = NUMBER("ram")};
    memory_volume_power(&machine->volume);
    if (NUMBER("cut") > 0) machine->volume.sectors_left = (u32)NUMBER("cut") - 1;
    sink_init(&machine->sink, &machine->platform);
    machine->journal = (Journal){0};
    if (NUMBER("journal")) journal_open(&machine->journal, &machine->platform, &machine->sink, &scratch);
    organism_start(&machine->organism, &start);
    arena_free(&scratch);
}

/** clamp wanted=: the context that the configuration asks for. */
static void do_clamp(Machine *machine, Str text) { organism_clamp(&machine->organism, (u32)NUMBER("wanted")); }

/** ready model= (0 loaded, 1 none on purpose, 2 missed) free= context= ctx= seq= model_context= stratum= failures= */
static void do_ready(Machine *machine, Str text) {
    OrganismReady ready = {.model = (ModelState)NUMBER("model"),
                           .stratum = (u32)NUMBER("stratum"),
                           .free_kib = NUMBER("free"),
                           .context_kib = NUMBER("context"),
                           .ctx = (u32)NUMBER("ctx"),
                           .seq = (u32)NUMBER("seq"),
                           .model_context = (u32)NUMBER("model_context"),
                           .bytes_per_token = 10240,
                           .relative_cost_per_token = 0.001,
                           .allocation_failures = (u32)NUMBER("failures")};
    organism_ready(&machine->organism, &ready);
}

static void do_asked(Machine *machine, Str text) {
    (void)text;
    organism_asked(&machine->organism);
}

/** answered tokens= cpt= */
static void do_answered(Machine *machine, Str text) {
    organism_answered(&machine->organism, (u32)NUMBER("tokens"), NUMBER("cpt"));
}

static void do_overflowed(Machine *machine, Str text) {
    (void)text;
    organism_overflowed(&machine->organism);
}

static void do_guard(Machine *machine, Str text) {
    (void)text;
    organism_guard_tripped(&machine->organism);
}

/** failed memory=: the sentinel tripped, or memory was refused. */
static void do_failed(Machine *machine, Str text) {
    bool is_memory = NUMBER("memory") != 0;
    organism_failed(&machine->organism,
                    is_memory ? REASON_ID_OO_HEALTH_LOST_MEMORY : REASON_ID_OO_HEALTH_LOST_SENTINEL);
}

/** consult TEXT */
static void do_consult(Machine *machine, Str text) {
    Advice advice;
    advice_parse(text, &advice);
    organism_consult(&machine->organism, &advice);
}

static void do_end(Machine *machine, Str text) {
    (void)text;
    organism_end(&machine->organism);
}

/** cut sectors=: power fails when so many more sectors have been written. */
static void do_cut(Machine *machine, Str text) { machine->volume.sectors_left = (u32)NUMBER("sectors"); }

/** corrupt writes=: the write behind so many more goes wrong. */
static void do_corrupt(Machine *machine, Str text) {
    machine->volume.corrupt_write = machine->volume.writes + (u32)NUMBER("writes");
}

/** protect on=: the volume is write-protected, or no more. */
static void do_protect(Machine *machine, Str text) { machine->volume.is_read_only = NUMBER("on") != 0; }

static const struct {
    const char *name;
    void (*run)(Machine *machine, Str text);
} COMMANDS[] = {{"new", do_new},
                {"boot", do_boot},
                {"clamp", do_clamp},
                {"ready", do_ready},
                {"asked", do_asked},
                {"answered", do_answered},
                {"overflowed", do_overflowed},
                {"guard", do_guard},
                {"failed", do_failed},
                {"consult", do_consult},
                {"end", do_end},
                {"cut", do_cut},
                {"corrupt", do_corrupt},
                {"protect", do_protect}};

bool simulation_run(Machine *machine, Str line) {
    Str text = str_trim(line);
    Str name = str_cut(&text, ' ');
    for (usize i = 0; i < COUNT_OF(COMMANDS); i++) {
        if (!str_eq(name, str_from_c(COMMANDS[i].name))) continue;
        COMMANDS[i].run(machine, text);
        return true;
    }
    return false;
}

static u32 used_pending(const OoState *state) {
    u32 used = 0;
    for (usize i = 0; i < STATE_PENDING_MAX; i++) used += state->pending[i].is_used;
    return used;
}

void simulation_show(const Machine *machine) {
    const Organism *organism = &machine->organism;
    const OoState *state = &organism->state;
    char text[512];
    usize len = fmt(text, sizeof(text),
                    "= boot=%llu mode=%.*s healthy_boots=%u stage=%u in_force=%u,%u is_trial=%d confirmed=%u,%u "
                    "trial=%u,%u trial_boot=%llu applied=%u hard_stop=%d can_save=%d pending=%u recoveries=%u\n",
                    (unsigned long long)state->boot_count, STR_ARG(oo_mode_word(state->mode)), state->healthy_boots,
                    (u32)state->stage, organism->in_force.of[0], organism->in_force.of[1], organism->is_trial,
                    state->confirmed.of[0], state->confirmed.of[1], state->trial.of[0], state->trial.of[1],
                    (unsigned long long)state->trial_boot, organism->applied, organism->is_hard_stopped,
                    organism->can_save, used_pending(state), state->recoveries);
    machine->platform.console_write(machine->platform.context, (Str){text, len});
}
