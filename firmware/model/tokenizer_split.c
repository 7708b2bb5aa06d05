#include "firmware/model/tokenizer_split.h"

#include "firmware/model/unicode.h"

enum { NOTHING = -1, UNLIMITED = 0x7FFFFFFF };

/* One character of a text: its class (NOTHING at the end of the text) and where the next one starts. */
typedef struct Glyph {
    u32 scalar;
    i32 class;
    usize next;
} Glyph;

typedef bool GlyphTest(Glyph glyph);

static Glyph glyph_at(Str text, usize at) {
    if (at >= text.len) return (Glyph){0, NOTHING, text.len};
    u32 scalar;
    usize length = utf8_decode(text, at, &scalar);
    return (Glyph){scalar, (i32)unicode_class(scalar), at + length};
}

static bool is_letter(Glyph g) { return g.class == UNICODE_LETTER; }
static bool is_number(Glyph g) { return g.class == UNICODE_NUMBER; }
static bool is_space(Glyph g) { return g.class == UNICODE_SPACE; }
static bool is_newline(Glyph g) { return g.scalar == '\n' || g.scalar == '\r'; }
static bool is_symbol(Glyph g) { return g.class == UNICODE_OTHER || g.class == UNICODE_PUNCTUATION; }

/* [\p{P}$+<=>^~|] */
static bool is_default_symbol(Glyph g) {
    return g.class == UNICODE_PUNCTUATION ||
           (is_symbol(g) && g.scalar < 128 && str_find_byte(STR("$+<=>^~|"), (char)g.scalar) < 8);
}

/* Where a run of at most `most` glyphs that pass (or do not pass) the test ends. */
static usize run_end(Str text, usize at, GlyphTest *test, bool passes, usize most) {
    for (Glyph g = glyph_at(text, at); g.class != NOTHING && most > 0 && test(g) == passes; most--) {
        at = g.next;
        g = glyph_at(text, at);
    }
    return at;
}

/* A run of at most `most` glyphs that pass the test, or else all up to the first that does. */
static usize split_runs(Str text, GlyphTest *test, usize most) {
    bool passes = test(glyph_at(text, 0));
    return run_end(text, 0, test, passes, passes ? most : UNLIMITED);
}

/* 's|'t|'re|'ve|'m|'ll|'d */
static usize contraction(Str text, bool any_case) {
    static const Str ENDINGS[] = {
        {"'s", 2}, {"'t", 2}, {"'m", 2}, {"'d", 2}, {"'re", 3}, {"'ve", 3}, {"'ll", 3},
    };
    for (usize i = 0; i < COUNT_OF(ENDINGS); i++) {
        Str head = str_take(text, ENDINGS[i].len);
        if (any_case ? str_eq_nocase(head, ENDINGS[i]) : str_eq(head, ENDINGS[i])) return head.len;
    }
    return 0;
}

/* \s+(?!\S)|\s+: white space without its last character when something follows it. */
static usize split_spaces(Str text) {
    usize last = 0;
    usize end = 0;
    for (Glyph g = glyph_at(text, 0); is_space(g); g = glyph_at(text, end)) {
        last = end;
        end = g.next;
    }
    return end == text.len || last == 0 ? end : last;
}

/* \s*[\r\n]+: up to the last newline of leading white space; 0 when it has none. */
static usize split_newlines(Str text) {
    usize newline_end = 0;
    for (Glyph g = glyph_at(text, 0); is_space(g); g = glyph_at(text, g.next)) {
        if (is_newline(g)) newline_end = g.next;
    }
    return newline_end;
}

/* 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ */
static usize split_gpt2(Str text) {
    usize length = contraction(text, false);
    if (length > 0) return length;
    usize start = text.data[0] == ' ';
    Glyph first = glyph_at(text, start);
    if (first.class == NOTHING || is_space(first)) return split_spaces(text);
    GlyphTest *test = is_letter(first) ? is_letter : is_number(first) ? is_number : is_symbol;
    return run_end(text, start, test, true, UNLIMITED);
}

/* [^\r\n\p{L}\p{N}]?\p{L}+, or 0 */
static usize split_letters(Str text) {
    Glyph first = glyph_at(text, 0);
    if (is_newline(first) || is_number(first)) return 0;
    if (!is_letter(first) && !is_letter(glyph_at(text, first.next))) return 0;
    return run_end(text, first.next, is_letter, true, UNLIMITED);
}

/*  ?[^\s\p{L}\p{N}]+[\r\n]*, or 0 */
static usize split_symbols(Str text) {
    usize start = text.data[0] == ' ';
    usize end = run_end(text, start, is_symbol, true, UNLIMITED);
    return end == start ? 0 : run_end(text, end, is_newline, true, UNLIMITED);
}

/* (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,digits}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|
 * \s+(?!\S)|\s+ */
static usize split_cl100k(Str text, usize digits) {
    usize length = contraction(text, true);
    if (length == 0) length = split_letters(text);
    if (length == 0) length = run_end(text, 0, is_number, true, digits);
    if (length == 0) length = split_symbols(text);
    if (length == 0) length = split_newlines(text);
    return length > 0 ? length : split_spaces(text);
}

static usize split_llama3(Str text) { return split_cl100k(text, 3); }
static usize split_qwen2(Str text) { return split_cl100k(text, 1); }
static usize split_each_number(Str text) { return split_runs(text, is_number, 1); }
static usize split_numbers(Str text) { return split_runs(text, is_number, UNLIMITED); }
static usize split_default_symbols(Str text) { return split_runs(text, is_default_symbol, UNLIMITED); }

/* [0-9][0-9][0-9] */
static usize split_digit_triples(Str text) {
    usize digits = 0;
    for (usize at = 0; at < text.len; at++) {
        digits = text.data[at] >= '0' && text.data[at] <= '9' ? digits + 1 : 0;
        if (digits == 3) return at == 2 ? 3 : at - 2;
    }
    return text.len;
}

static const Pretokenizer PRETOKENIZERS[] = {
    {"default", {split_default_symbols, split_gpt2, split_numbers, split_digit_triples}, false, false},
    {"gpt-2 phi-2 jina-es jina-de gigachat jina-v2-es jina-v2-de a.x-4.0 mellum modern-bert exaone4 olmo mpt jais "
     "trillion granite-docling",
     {split_gpt2},
     false,
     false},
    {"smollm starcoder refact command-r codeshell exaone minerva-7b mellum2",
     {split_each_number, split_gpt2},
     false,
     false},
    {"llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2", {split_llama3}, true, true},
    {"dbrx smaug-bpe glm4 chatglm-bpe", {split_llama3}, false, false},
    {"qwen2 deepseek-r1-qwen kormo f2llmv2 megrez stablelm2 hunyuan solar-open", {split_qwen2}, false, false},
};

const Pretokenizer *pretokenizer_find(Str name) {
    for (usize i = 0; i < COUNT_OF(PRETOKENIZERS); i++) {
        Str rest = str_from_c(PRETOKENIZERS[i].names);
        while (rest.len > 0) {
            if (str_eq(str_cut(&rest, ' '), name)) return &PRETOKENIZERS[i];
        }
    }
    return NULL;
}

WordCursor word_cursor(const Pretokenizer *pretokenizer, Str text) {
    return (WordCursor){pretokenizer, text, 0, {text.len}};
}

bool word_next(WordCursor *cursor, Str *word) {
    if (cursor->at >= cursor->text.len) return false;
    usize start = cursor->at;
    usize end = cursor->ends[0];
    for (usize s = 0; s < SPLIT_STAGES && cursor->pretokenizer->stages[s]; s++) {
        usize *stage_end = &cursor->ends[s + 1];
        Str piece = {cursor->text.data + start, end - start};
        if (*stage_end <= start) *stage_end = start + cursor->pretokenizer->stages[s](piece);
        end = *stage_end;
    }
    *word = (Str){cursor->text.data + start, end - start};
    cursor->at = end;
    return true;
}
