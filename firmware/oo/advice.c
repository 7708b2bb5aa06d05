#include "firmware/oo/advice.h"

#include "firmware/base/fmt.h"
#include "firmware/base/math.h"
#include "firmware/base/mem.h"

/* ---- words ---- */

typedef struct Word {
    Str text; /* empty: the text has ended */
    bool is_negated;
} Word;

typedef struct Reader {
    Str text;
    usize at;
    bool is_negated; /* the last word was "not" or the like */
} Reader;

static bool is_letter(u32 scalar) {
    bool is_ascii = (scalar >= 'a' && scalar <= 'z') || (scalar >= 'A' && scalar <= 'Z') ||
                    (scalar >= '0' && scalar <= '9') || scalar == '_';
    bool is_punctuation = (scalar >= 0x2000 && scalar <= 0x206F) || (scalar >= 0x3000 && scalar <= 0x303F);
    return is_ascii || (scalar >= 0xC0 && !is_punctuation);
}

static bool is_apostrophe(u32 scalar) { return scalar == '\'' || scalar == 0x2019; }

/** A letter, or an apostrophe inside of a word; `*bytes` is its length. */
static bool is_of_word(Str text, usize at, bool is_inside, usize *bytes) {
    u32 scalar, next;
    *bytes = utf8_decode(text, at, &scalar);
    if (is_letter(scalar)) return true;
    if (!is_inside || !is_apostrophe(scalar) || at + *bytes >= text.len) return false;
    utf8_decode(text, at + *bytes, &next);
    return is_letter(next);
}

static bool is_one_of(const Word *word, const Str *list, usize count) {
    for (usize i = 0; i < count; i++) {
        if (str_eq_nocase(word->text, list[i])) return true;
    }
    return false;
}
#define IS_ONE_OF(word, list) is_one_of((word), (list), COUNT_OF(list))

static bool negates(const Word *word) {
    static const Str WORDS[] = {STR("not"), STR("no"), STR("never"), STR("don't"), STR("don\xE2\x80\x99t"),
                                STR("dont")};
    return IS_ONE_OF(word, WORDS);
}

static Word next_word(Reader *reader) {
    Str text = reader->text;
    usize bytes;
    while (reader->at < text.len && !is_of_word(text, reader->at, false, &bytes)) reader->at += bytes;
    usize start = reader->at;
    while (reader->at < text.len && is_of_word(text, reader->at, true, &bytes)) reader->at += bytes;
    Word word = {str_take(str_skip(text, start), reader->at - start), reader->is_negated};
    reader->is_negated = negates(&word);
    return word;
}

/* ---- what words mean ---- */

static bool is_verb(const Word *word, ActionKind *kind) {
    static const Str REDUCE[] = {STR("reduce"), STR("lower"), STR("decrease"), STR("shrink")};
    static const Str INCREASE[] = {STR("increase"), STR("raise"), STR("more"), STR("expand")};
    *kind = IS_ONE_OF(word, REDUCE) ? ACTION_REDUCE : ACTION_INCREASE;
    return *kind == ACTION_REDUCE || IS_ONE_OF(word, INCREASE);
}

static bool is_object(const Word *word, OoKey *key) {
    const Str context[] = {STR("ctx"), STR("context"), oo_key_word(OO_KEY_CTX_LEN)};
    const Str sequence[] = {STR("seq"), STR("sequence"), oo_key_word(OO_KEY_SEQ_LEN)};
    *key = IS_ONE_OF(word, context) ? OO_KEY_CTX_LEN : OO_KEY_SEQ_LEN;
    return *key == OO_KEY_CTX_LEN || IS_ONE_OF(word, sequence);
}

/** Words that are an action by themselves, and the actions' own names. */
static bool is_action(const Word *word, OoAction *action) {
    static const Str REBOOT[] = {STR("restart")};
    static const Str MODEL[] = {STR("model"), STR("switch")};
    static const Str STABLE[] = {STR("ok"), STR("wait"), STR("good"), STR("nothing")};
    for (*action = 0; *action < OO_ACTIONS; (*action)++) {
        if (str_eq_nocase(word->text, oo_action_word(*action))) return true;
    }
    *action = IS_ONE_OF(word, REBOOT)  ? OO_ACTION_REBOOT
              : IS_ONE_OF(word, MODEL) ? OO_ACTION_CHANGE_MODEL
                                       : OO_ACTION_STABLE;
    return *action != OO_ACTION_STABLE || IS_ONE_OF(word, STABLE);
}

static bool action_for(ActionKind kind, OoKey key, OoAction *action) {
    for (*action = 0; *action < OO_ACTIONS; (*action)++) {
        if (action_changes(*action) && ACTIONS[*action].kind == kind && ACTIONS[*action].key == key) return true;
    }
    return false;
}

/* ---- reading ---- */

static void add_action(Advice *advice, OoAction action) {
    for (u32 i = 0; i < advice->count; i++) {
        if (advice->actions[i] == action) return;
    }
    if (advice->count < ADVICE_ACTIONS_MAX) advice->actions[advice->count++] = action;
}

static void add_verb(Advice *advice, ActionKind kind, OoKey key) {
    OoAction action;
    if (action_for(kind, key, &action)) add_action(advice, action);
}

/** Adds what a verb says of the objects behind it, up to the next verb: by a copy of the reader, ahead of it. */
static void read_objects(Reader ahead, ActionKind kind, Advice *advice) {
    bool has_object = false;
    for (Word word = next_word(&ahead); word.text.len > 0; word = next_word(&ahead)) {
        ActionKind other;
        OoKey key;
        if (is_verb(&word, &other)) break;
        if (!is_object(&word, &key)) continue;
        has_object = true;
        if (!word.is_negated) add_verb(advice, kind, key);
    }
    if (!has_object) add_verb(advice, kind, OO_KEY_CTX_LEN);
}

/** True when the word is for "stable", which gives way to every other action. */
static bool read_word(const Word *word, const Reader *reader, Advice *advice) {
    ActionKind kind;
    OoAction action;
    if (word->is_negated) return false;
    if (is_verb(word, &kind)) read_objects(*reader, kind, advice);
    if (!is_action(word, &action)) return false;
    if (action == OO_ACTION_STABLE) return true;
    add_action(advice, action);
    return false;
}

/** The first bytes of a text, whole characters only. */
static Str whole_characters(Str text, usize most) {
    if (text.len <= most) return text;
    while (most > 0 && ((u8)text.data[most] & 0xC0) == 0x80) most--;
    return str_take(text, most);
}

static void keep_text(Advice *advice, Str text) {
    Str kept = whole_characters(text, ADVICE_TEXT_MAX);
    advice->text_len = kept.len;
    if (kept.len > 0) memcpy(advice->text, kept.data, kept.len);
}

void advice_parse(Str text, Advice *advice) {
    Reader reader = {.text = text};
    bool is_stable = false;
    *advice = (Advice){.source = OO_SOURCE_MOCK, .is_empty = true};
    keep_text(advice, text);
    for (Word word = next_word(&reader); word.text.len > 0; word = next_word(&reader)) {
        advice->is_empty = false;
        is_stable |= read_word(&word, &reader, advice);
    }
    if (is_stable && advice->count == 0) add_action(advice, OO_ACTION_STABLE);
}

/* ---- a model's choice ---- */

static bool is_finite(f64 value) { return value - value == 0; }

/** The likeliest but `except`; OO_ACTIONS when there is none. The first of equals. */
static u32 likeliest(const f64 logprobs[OO_ACTIONS], u32 except) {
    u32 best = OO_ACTIONS;
    for (u32 i = 0; i < OO_ACTIONS; i++) {
        if (i == except || !is_finite(logprobs[i])) continue;
        if (best == OO_ACTIONS || logprobs[i] > logprobs[best]) best = i;
    }
    return best;
}

static void fill_shares(const f64 logprobs[OO_ACTIONS], f64 most, f64 shares[OO_ACTIONS]) {
    f64 sum = 0;
    for (u32 i = 0; i < OO_ACTIONS; i++) {
        shares[i] = is_finite(logprobs[i]) ? math_exp(logprobs[i] - most) : 0;
        sum += shares[i];
    }
    for (u32 i = 0; i < OO_ACTIONS; i++) shares[i] /= sum;
}

void advice_choose(const f64 logprobs[OO_ACTIONS], f64 shares[OO_ACTIONS], Advice *advice) {
    u32 best = likeliest(logprobs, OO_ACTIONS), second = likeliest(logprobs, best);
    *advice = (Advice){.source = OO_SOURCE_MODEL, .is_empty = best == OO_ACTIONS};
    for (u32 i = 0; i < OO_ACTIONS; i++) shares[i] = 0;
    if (advice->is_empty) return;
    fill_shares(logprobs, logprobs[best], shares);
    add_action(advice, (OoAction)best);
    advice->share = shares[best];
    if (second < OO_ACTIONS) advice->margin = logprobs[best] - logprobs[second];
    keep_text(advice, oo_action_word((OoAction)best));
}

/* ---- the question ---- */

#define QUESTION_HEAD "You watch over a computer that runs a language model. "
#define QUESTION_TAIL                                                                                                  \
    "What is best for it: reduce the context, reduce the sequence, increase the context, change nothing, reboot the "  \
    "machine, or switch the model?"

Str advice_question(const AdviceFacts *facts, char buffer[ADVICE_QUESTION_MAX]) {
    usize len = fmt(buffer, ADVICE_QUESTION_MAX,
                    QUESTION_HEAD "Mode %.*s, memory %llu MiB, context %u, sequence %u, boot %llu. "
                                  "%llu turns, %llu overflows, %llu failed allocations. " QUESTION_TAIL,
                    STR_ARG(oo_mode_word(facts->mode)), (unsigned long long)facts->ram_mib, facts->ctx, facts->seq,
                    (unsigned long long)facts->boots, (unsigned long long)facts->turns,
                    (unsigned long long)facts->overflows, (unsigned long long)facts->allocation_failures);
    return (Str){buffer, len};
}

Str advice_question_blank(void) { return STR(QUESTION_HEAD QUESTION_TAIL); }
