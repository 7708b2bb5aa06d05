/* llama2.c's tokenizer.bin: i32 longest piece, then for each id f32 score, i32 length and that many bytes. Ids 0, 1 and
 * 2 are unknown, begin and end; pieces like "<0x0A>" are bytes; spaces are plain. */
#include "firmware/base/mem.h"
#include "firmware/model/tokenizer_internal.h"

enum { HEADER = 4, ENTRY_HEADER = 8, UNKNOWN_ID = 0, BOS_ID = 1, EOS_ID = 2, FIRST_BYTE_ID = 3 };

static i32 read_i32(const char *from) {
    i32 value;
    memcpy(&value, from, sizeof value);
    return value;
}

static TokenType type_of(u32 id, Str raw) {
    if (id == UNKNOWN_ID) return TOKEN_UNKNOWN;
    if (id < FIRST_BYTE_ID) return TOKEN_CONTROL;
    return llama_byte(raw) >= 0 ? TOKEN_BYTE : TOKEN_NORMAL;
}

/* The names the format spells with line breaks around them. */
static Str name_of(u32 id, Str raw) {
    static const Str NAMES[] = {{"<unk>", 5}, {"<s>", 3}, {"</s>", 4}};
    return id < COUNT_OF(NAMES) ? NAMES[id] : raw;
}

static bool truncated(u32 id, u32 vocab, Error *error) {
    return fail(error, ERROR_TRUNCATED,
                "tokenizer.bin ends in token %u of %u; use the tokenizer.bin that belongs to this model", id, vocab);
}

/* Cuts one entry off `*rest`. */
static bool read_entry(Str *rest, f32 *score, Str *raw) {
    if (rest->len < ENTRY_HEADER) return false;
    i32 length = read_i32(rest->data + 4);
    memcpy(score, rest->data, sizeof *score);
    *rest = str_skip(*rest, ENTRY_HEADER);
    if (length < 0 || (usize)length > rest->len) return false;
    *raw = str_take(*rest, (usize)length);
    *rest = str_skip(*rest, (usize)length);
    return true;
}

static bool read_entries(Str rest, Tokenizer *tokenizer, char *pool, Error *error) {
    for (u32 id = 0; id < tokenizer->count; id++) {
        Str raw;
        if (!read_entry(&rest, &tokenizer->scores[id], &raw)) return truncated(id, tokenizer->count, error);
        TokenType type = type_of(id, raw);
        raw = name_of(id, raw);
        usize length = llama_piece(raw, type, pool);
        tokenizer->types[id] = (u8)type;
        tokenizer->pieces[id] = (Str){pool, length};
        pool += length;
    }
    if (rest.len == 0) return true;
    return fail(error, ERROR_CORRUPT,
                "tokenizer.bin goes on for %llu bytes after token %u, the model's last; use the tokenizer.bin that "
                "belongs to this model",
                (unsigned long long)rest.len, tokenizer->count - 1);
}

static bool load(Str bytes, u32 vocab, Arena *arena, Tokenizer **tokenizer, Error *error) {
    enum { NAMES_BYTES = 16 };
    char *pool;
    if (vocab == 0 || bytes.len < HEADER || (bytes.len - HEADER) / ENTRY_HEADER < vocab) {
        return truncated((u32)(bytes.len / ENTRY_HEADER), vocab, error);
    }
    if (!vocabulary_new(vocab, bytes.len + NAMES_BYTES, arena, tokenizer, &pool, error)) return false;
    Tokenizer *t = *tokenizer;
    if (!read_entries(str_skip(bytes, HEADER), t, pool, error)) return false;
    t->unknown = UNKNOWN_ID;
    t->bos = BOS_ID < vocab ? BOS_ID : TOKEN_NONE;
    t->eos = EOS_ID < vocab ? EOS_ID : TOKEN_NONE;
    t->add_bos = t->bos != TOKEN_NONE;
    t->add_space_prefix = true;
    return vocabulary_index(t, arena, error);
}

bool tokenizer_from_llama2c(Str bytes, u32 vocab, Arena *arena, Tokenizer **tokenizer, Error *error) {
    ArenaMark mark = arena_mark(arena);
    if (load(bytes, vocab, arena, tokenizer, error)) return true;
    arena_release(arena, mark);
    return false;
}
