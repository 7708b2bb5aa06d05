/* From tokenizer.ggml.* to the vocabulary in memory. */
#include "firmware/base/mem.h"
#include "firmware/model/tokenizer_internal.h"

static const char CONVERT[] = "convert the model again with the tokenizer it was trained with";

bool vocabulary_new(u32 count, usize text_bytes, Arena *arena, Tokenizer **tokenizer, char **pool, Error *error) {
    Tokenizer *t = ARENA_NEW(arena, Tokenizer, 1);
    *tokenizer = t;
    *pool = ARENA_NEW(arena, char, text_bytes);
    if (t != NULL) {
        *t = (Tokenizer){.count = count, .bos = TOKEN_NONE, .eos = TOKEN_NONE, .unknown = TOKEN_NONE};
        t->pieces = ARENA_NEW(arena, Str, count);
        t->types = ARENA_NEW(arena, u8, count);
        t->scores = ARENA_NEW(arena, f32, count);
    }
    if (t && *pool && t->pieces && t->types && t->scores) return true;
    return fail(error, ERROR_OUT_OF_MEMORY, "no memory for a vocabulary of %u tokens; use a smaller model", count);
}

typedef struct ControlName {
    const char *name;
    bool ends_turn;
} ControlName;

/* Tokens that chat templates are made of. They are control tokens even where a converter called them user-defined, or
 * typed text could open and close turns. */
static const ControlName *control_name(Str piece) {
    static const ControlName NAMES[] = {
        {"<|im_start|>", false},
        {"<|start_header_id|>", false},
        {"<|end_header_id|>", false},
        {"<|im_end|>", true},
        {"<|endoftext|>", true},
        {"<|eot_id|>", true},
        {"<|eom_id|>", true},
        {"<|end_of_text|>", true},
        {"<|end|>", true},
        {"<|eot|>", true},
        {"<end_of_turn>", true},
        {"<end_of_utterance>", true},
        {"<eos>", true},
        {"<EOT>", true},
        {"</s>", true},
    };
    if (piece.len == 0 || piece.data[0] != '<') return NULL;
    for (usize i = 0; i < COUNT_OF(NAMES); i++) {
        if (str_eq(piece, str_from_c(NAMES[i].name))) return &NAMES[i];
    }
    return NULL;
}

static void add_turn_end(Tokenizer *tokenizer, u32 id) {
    if (id == TOKEN_NONE || tokenizer_ends_turn(tokenizer, id) || tokenizer->turn_end_count == TURN_ENDS) return;
    tokenizer->turn_ends[tokenizer->turn_end_count++] = id;
}

static void index_special(Tokenizer *tokenizer, u32 id) {
    Str piece = tokenizer->pieces[id];
    if (piece.len == 0 || piece.len > SPECIAL_LONGEST) return;
    piece_index_add(tokenizer, &tokenizer->special, id);
    tokenizer->special_lengths[piece.len] = true;
    tokenizer->special_starts[(u8)piece.data[0]] = true;
    if (tokenizer->types[id] == TOKEN_USER_DEFINED) tokenizer->has_user_defined = true;
}

static void index_token(Tokenizer *tokenizer, u32 id) {
    switch (tokenizer->types[id]) {
    case TOKEN_BYTE:
        tokenizer->byte_ids[(u8)tokenizer->pieces[id].data[0]] = id;
        break;
    case TOKEN_CONTROL:
    case TOKEN_UNKNOWN:
    case TOKEN_USER_DEFINED:
        index_special(tokenizer, id);
        break;
    default:
        if (tokenizer->pieces[id].len > 0) piece_index_add(tokenizer, &tokenizer->ordinary, id);
    }
}

static void find_control_tokens(Tokenizer *tokenizer) {
    add_turn_end(tokenizer, tokenizer->eos);
    for (u32 id = 0; id < tokenizer->count; id++) {
        const ControlName *name = control_name(tokenizer->pieces[id]);
        if (name == NULL) continue;
        tokenizer->types[id] = TOKEN_CONTROL;
        if (name->ends_turn) add_turn_end(tokenizer, id);
    }
}

bool vocabulary_index(Tokenizer *tokenizer, Arena *arena, Error *error) {
    find_control_tokens(tokenizer);
    u32 specials = 0;
    for (u32 id = 0; id < tokenizer->count; id++) {
        u8 type = tokenizer->types[id];
        specials += type == TOKEN_CONTROL || type == TOKEN_UNKNOWN || type == TOKEN_USER_DEFINED;
        tokenizer->longest = (u32)max_usize(tokenizer->longest, tokenizer->pieces[id].len);
    }
    if (!piece_index_new(&tokenizer->ordinary, tokenizer->count, arena) ||
        !piece_index_new(&tokenizer->special, specials, arena)) {
        return fail(error, ERROR_OUT_OF_MEMORY, "no memory to index %u tokens; use a smaller model", tokenizer->count);
    }
    memset(tokenizer->byte_ids, 0xFF, sizeof tokenizer->byte_ids);
    for (u32 id = 0; id < tokenizer->count; id++) index_token(tokenizer, id);
    for (u32 byte = 0; byte < 256; byte++) {
        Str piece = {(char[]){(char)byte}, 1};
        u32 *id = &tokenizer->byte_ids[byte];
        if (*id == TOKEN_NONE) *id = piece_index_find(tokenizer, &tokenizer->ordinary, piece);
    }
    return true;
}

static TokenType read_type(const GgufValue *types, u32 id) {
    i32 type = TOKEN_NORMAL;
    if (types) memcpy(&type, types->bytes.data + (usize)id * sizeof type, sizeof type);
    return type >= TOKEN_NORMAL && type <= TOKEN_BYTE ? (TokenType)type : TOKEN_NORMAL;
}

/* A byte token needs the llama kind and the right spelling; any other is plain text. */
static TokenType type_of(const GgufValue *types, u32 id, Str raw, bool llama) {
    TokenType type = read_type(types, id);
    return type == TOKEN_BYTE && (!llama || llama_byte(raw) < 0) ? TOKEN_NORMAL : type;
}

static usize write_piece(Str raw, TokenType type, bool llama, char *to) {
    if (llama) return llama_piece(raw, type, to);
    if (type == TOKEN_NORMAL || type == TOKEN_UNUSED) return gpt2_piece(raw, to);
    memcpy(to, raw.data, raw.len);
    return raw.len;
}

static bool check_arrays(const GgufValue *tokens, const GgufValue *types, Error *error) {
    if (tokens == NULL || tokens->type != GGUF_ARRAY || tokens->element != GGUF_STRING) {
        return fail(error, ERROR_CORRUPT, "tokenizer.ggml.tokens: no array of strings; %s", CONVERT);
    }
    if (tokens->count == 0 || tokens->count > TOKEN_NONE / 4) {
        return fail(error, ERROR_CORRUPT, "tokenizer.ggml.tokens: a vocabulary of %llu tokens; %s",
                    (unsigned long long)tokens->count, CONVERT);
    }
    if (types == NULL) return true;
    if (types->type != GGUF_ARRAY || (types->element != GGUF_I32 && types->element != GGUF_U32)) {
        return fail(error, ERROR_CORRUPT, "tokenizer.ggml.token_type: no array of 32-bit integers; %s", CONVERT);
    }
    if (types->count == tokens->count) return true;
    return fail(error, ERROR_CORRUPT, "tokenizer.ggml.token_type: %llu types for %llu tokens; %s",
                (unsigned long long)types->count, (unsigned long long)tokens->count, CONVERT);
}

static bool read_vocabulary(const Gguf *gguf, bool llama, Arena *arena, Tokenizer **tokenizer, Error *error) {
    const GgufValue *tokens = gguf_find(gguf, STR("tokenizer.ggml.tokens"));
    const GgufValue *types = gguf_find(gguf, STR("tokenizer.ggml.token_type"));
    char *pool;
    if (!check_arrays(tokens, types, error)) return false;
    if (!vocabulary_new((u32)tokens->count, tokens->bytes.len, arena, tokenizer, &pool, error)) return false;
    usize cursor = 0;
    Str raw;
    for (u32 id = 0; gguf_next_string(tokens, &cursor, &raw); id++) {
        TokenType type = type_of(types, id, raw, llama);
        usize length = write_piece(raw, type, llama, pool);
        (*tokenizer)->types[id] = (u8)type;
        (*tokenizer)->pieces[id] = (Str){pool, length};
        pool += length;
    }
    return true;
}

/* Reads the id of a special token; a missing key leaves `fallback`. */
static bool read_id(const Gguf *gguf, Str key, u32 fallback, const Tokenizer *tokenizer, u32 *id, Error *error) {
    u64 value;
    *id = fallback < tokenizer->count ? fallback : TOKEN_NONE;
    if (!gguf_get_u64(gguf, key, &value)) return true;
    *id = (u32)value;
    if (value < tokenizer->count) return true;
    return fail(error, ERROR_CORRUPT, "%.*s is %llu, and the vocabulary has %u tokens; %s", STR_ARG(key),
                (unsigned long long)value, tokenizer->count, CONVERT);
}

static bool read_special_ids(const Gguf *gguf, bool llama, Tokenizer *tokenizer, Error *error) {
    u32 turn_end;
    if (!read_id(gguf, STR("tokenizer.ggml.bos_token_id"), llama ? 1 : TOKEN_NONE, tokenizer, &tokenizer->bos, error) ||
        !read_id(gguf, STR("tokenizer.ggml.eos_token_id"), llama ? 2 : TOKEN_NONE, tokenizer, &tokenizer->eos, error) ||
        !read_id(gguf, STR("tokenizer.ggml.unknown_token_id"), llama ? 0 : TOKEN_NONE, tokenizer, &tokenizer->unknown,
                 error) ||
        !read_id(gguf, STR("tokenizer.ggml.eot_token_id"), TOKEN_NONE, tokenizer, &turn_end, error)) {
        return false;
    }
    add_turn_end(tokenizer, turn_end);
    return true;
}

static bool flag(const Gguf *gguf, Str key, bool fallback) {
    bool value;
    return gguf_get_bool(gguf, key, &value) ? value : fallback;
}

static void read_flags(const Gguf *gguf, bool llama, Tokenizer *tokenizer) {
    bool add_bos = llama || tokenizer->pretokenizer->add_bos;
    tokenizer->add_bos = flag(gguf, STR("tokenizer.ggml.add_bos_token"), add_bos) && tokenizer->bos != TOKEN_NONE;
    tokenizer->add_eos = flag(gguf, STR("tokenizer.ggml.add_eos_token"), false) && tokenizer->eos != TOKEN_NONE;
    tokenizer->add_space_prefix = llama && flag(gguf, STR("tokenizer.ggml.add_space_prefix"), true);
}

static bool find_pretokenizer(const Gguf *gguf, const Pretokenizer **pretokenizer, Error *error) {
    Str name;
    if (!gguf_get_str(gguf, STR("tokenizer.ggml.pre"), &name)) name = STR("default");
    *pretokenizer = pretokenizer_find(name);
    return *pretokenizer || fail(error, ERROR_UNSUPPORTED,
                                 "tokenizer.ggml.pre is \"%.*s\"; this program knows default, gpt-2, smollm, "
                                 "llama-bpe and qwen2: use a model with one of these",
                                 STR_ARG(str_take(name, 64)));
}

static bool load(const Gguf *gguf, bool llama, Arena *arena, Tokenizer **tokenizer, Error *error) {
    const Pretokenizer *pretokenizer = NULL;
    if (!llama && !find_pretokenizer(gguf, &pretokenizer, error)) return false;
    if (!read_vocabulary(gguf, llama, arena, tokenizer, error)) return false;
    Tokenizer *t = *tokenizer;
    t->pretokenizer = pretokenizer;
    if (!read_special_ids(gguf, llama, t, error) || !vocabulary_index(t, arena, error)) return false;
    read_flags(gguf, llama, t);
    return llama ? llama_load(gguf, t, error) : gpt2_load(gguf, arena, t, error);
}

bool tokenizer_from_gguf(const Gguf *gguf, Arena *arena, Tokenizer **tokenizer, Error *error) {
    Str kind = STR_NONE;
    gguf_get_str(gguf, STR("tokenizer.ggml.model"), &kind);
    bool llama = str_eq(kind, STR("llama"));
    if (!llama && !str_eq(kind, STR("gpt2"))) {
        return fail(
            error, ERROR_UNSUPPORTED,
            "tokenizer.ggml.model is \"%.*s\"; this program knows llama and gpt2: use a model with one of these",
            STR_ARG(str_take(kind, 64)));
    }
    ArenaMark mark = arena_mark(arena);
    if (load(gguf, llama, arena, tokenizer, error)) return true;
    arena_release(arena, mark);
    return false;
}
