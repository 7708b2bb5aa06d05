#include "firmware/oo/state.h"

#include "firmware/base/fmt.h"
#include "firmware/base/mem.h"

/* No setting of an action can be larger: the bound of ctx_len in repl.cfg. */
enum { STATE_VALUE_MAX = 1048576 };

/* ---- the table of keys ---- */

typedef Str WordOf(u32 value);

/** One field of a structure: a number, or one of a set of words. */
typedef struct Row {
    const char *name;
    usize offset;
    usize bytes; /* 4 or 8 */
    u64 most;
    WordOf *word; /* NULL: a number */
} Row;

/** A structure inside of the state, whose keys begin with `prefix`. */
typedef struct Group {
    const char *prefix;
    usize offset;
    const Row *rows;
    usize row_count;
    usize used_offset; /* of the bool that says whether there is one; 0: there always is */
} Group;

static Str mode_word(u32 mode) { return oo_mode_word((OoMode)mode); }

static Str action_word(u32 action) { return oo_action_word((OoAction)action); }

static Str stage_word(u32 stage) {
    static const Str WORDS[] = {STR("none"), STR("started"), STR("ready"), STR("asked"), STR("healthy"), STR("lost")};
    return WORDS[stage];
}

#define FIELD(type, field) offsetof(type, field), sizeof(((type *)0)->field)
#define U32(type, field)                                                                                               \
    { #field, FIELD(type, field), UINT32_MAX, NULL }
#define U64(type, field)                                                                                               \
    { #field, FIELD(type, field), UINT64_MAX, NULL }

static const Row BOOT_ROWS[] = {
    U64(OoState, boot_count), {"mode", FIELD(OoState, mode), OO_MODES - 1, mode_word}, U32(OoState, healthy_boots),
    U32(OoState, recoveries), {"stage", FIELD(OoState, stage), BOOT_LOST, stage_word}, U64(OoState, trial_boot),
};

static const Row VALUE_ROWS[OO_KEYS] = {
    {"ctx_len", FIELD(OoValues, of[OO_KEY_CTX_LEN]), STATE_VALUE_MAX, NULL},
    {"seq_len", FIELD(OoValues, of[OO_KEY_SEQ_LEN]), STATE_VALUE_MAX, NULL},
};

static const Row VITALS_ROWS[] = {
    U64(Vitals, boot),
    U32(Vitals, stratum),
    U64(Vitals, free_kib),
    U64(Vitals, context_kib),
    U32(Vitals, ctx),
    U32(Vitals, seq),
    U32(Vitals, turns),
    U32(Vitals, tokens),
    U64(Vitals, decode_cpt),
    U32(Vitals, overflows),
    U32(Vitals, allocation_failures),
    U32(Vitals, sentinel_trips),
    U32(Vitals, guard_trips),
};

static const Row PENDING_ROWS[] = {
    {"action", FIELD(Pending, action), OO_ACTION_INCREASE_CTX, action_word}, /* the last one that changes anything */
    U64(Pending, event),
    U64(Pending, boot),
    {"old", FIELD(Pending, old), STATE_VALUE_MAX, NULL},
    {"new", FIELD(Pending, new), STATE_VALUE_MAX, NULL},
};

static const Row TALLY_ROWS[] = {
    {"good_milli", FIELD(Tally, good_milli), TALLY_MAX_MILLI, NULL},
    {"bad_milli", FIELD(Tally, bad_milli), TALLY_MAX_MILLI, NULL},
};

#define ROWS(rows) rows, COUNT_OF(rows)
#define VALUES(prefix, field)                                                                                          \
    { prefix, offsetof(OoState, field), ROWS(VALUE_ROWS), 0 }
#define PENDING(index)                                                                                                 \
    {"pending" #index ".", offsetof(OoState, pending[index]), ROWS(PENDING_ROWS),                                      \
     offsetof(OoState, pending[index].is_used)},                                                                       \
    {                                                                                                                  \
        "pending" #index ".before.", offsetof(OoState, pending[index].before), ROWS(VITALS_ROWS),                      \
            offsetof(OoState, pending[index].is_used)                                                                  \
    }
#define TALLY(name, action)                                                                                            \
    { "tally." name ".", offsetof(OoState, tallies[action]), ROWS(TALLY_ROWS), 0 }

static const Group GROUPS[] = {
    {"", 0, ROWS(BOOT_ROWS), 0},
    VALUES("confirmed.", confirmed),
    VALUES("trial.", trial),
    VALUES("operator.", operator_values),
    {"vitals.", offsetof(OoState, vitals), ROWS(VITALS_ROWS), 0},
    PENDING(0),
    PENDING(1),
    PENDING(2),
    PENDING(3),
    TALLY("reduce_ctx", OO_ACTION_REDUCE_CTX),
    TALLY("reduce_seq", OO_ACTION_REDUCE_SEQ),
    TALLY("increase_ctx", OO_ACTION_INCREASE_CTX),
};
_Static_assert(STATE_PENDING_MAX == 4, "a PENDING row for each");
_Static_assert(sizeof(OoMode) == 4 && sizeof(OoAction) == 4 && sizeof(BootStage) == 4, "words are kept in 4 bytes");

OoState state_new(void) { return (OoState){.mode = OO_MODE_SAFE}; }

/* ---- writing ---- */

typedef struct Page {
    char *text;
    usize len;
} Page;

static u64 row_get(const Row *row, const u8 *structure) {
    u64 value = 0;
    memcpy(&value, structure + row->offset, row->bytes); /* little-endian, as every machine this runs on */
    return value;
}

static void write_row(Page *page, const char *prefix, const Row *row, const u8 *structure) {
    u64 value = row_get(row, structure);
    char *to = page->text + page->len;
    usize room = STATE_TEXT_MAX - page->len;
    if (row->word) {
        page->len += fmt(to, room, "%s%s=%.*s\n", prefix, row->name, STR_ARG(row->word((u32)value)));
    } else {
        page->len += fmt(to, room, "%s%s=%llu\n", prefix, row->name, (unsigned long long)value);
    }
}

static bool is_there(const Group *group, const u8 *state) {
    return group->used_offset == 0 || state[group->used_offset];
}

usize state_write(const OoState *state, char text[STATE_TEXT_MAX]) {
    Page page = {text, 0};
    const u8 *bytes = (const u8 *)state;
    for (usize g = 0; g < COUNT_OF(GROUPS); g++) {
        const Group *group = &GROUPS[g];
        if (!is_there(group, bytes)) continue;
        for (usize r = 0; r < group->row_count; r++) {
            write_row(&page, group->prefix, &group->rows[r], bytes + group->offset);
        }
    }
    return page.len;
}

/* ---- reading ---- */

static bool row_parse(const Row *row, Str text, u64 *value) {
    if (!row->word) return str_to_u64(text, value) && *value <= row->most;
    for (*value = 0; *value <= row->most; (*value)++) {
        if (str_eq(row->word((u32)*value), text)) return true;
    }
    return false;
}

static const Row *row_named(const Group *group, Str key) {
    Str prefix = str_from_c(group->prefix);
    if (!str_starts_with(key, prefix)) return NULL;
    for (usize i = 0; i < group->row_count; i++) {
        if (str_eq(str_skip(key, prefix.len), str_from_c(group->rows[i].name))) return &group->rows[i];
    }
    return NULL;
}

static const Row *find_row(Str key, const Group **group) {
    for (*group = GROUPS; *group < GROUPS + COUNT_OF(GROUPS); (*group)++) {
        const Row *row = row_named(*group, key);
        if (row) return row;
    }
    return NULL;
}

static bool read_line(Str line, OoState *state, Error *error) {
    u8 *bytes = (u8 *)state;
    const Group *group;
    u64 value;
    Str rest = line, key = str_cut(&rest, '=');
    if (key.len == line.len) return fail(error, ERROR_CORRUPT, "expected key=value, found \"%.*s\"", STR_ARG(line));
    const Row *row = find_row(key, &group);
    if (!row) return true;
    if (!row_parse(row, rest, &value)) {
        return fail(error, ERROR_CORRUPT, "%.*s cannot be \"%.*s\"", STR_ARG(key), STR_ARG(rest));
    }
    memcpy(bytes + group->offset + row->offset, &value, row->bytes);
    if (group->used_offset) bytes[group->used_offset] = true;
    return true;
}

bool state_read(Str text, OoState *state, Error *error) {
    *state = state_new();
    while (text.len > 0) {
        Str line = str_cut(&text, '\n');
        if (!read_line(line, state, error)) {
            *state = state_new();
            return false;
        }
    }
    return true;
}
