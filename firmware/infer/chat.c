#include "firmware/infer/chat.h"

#include "firmware/base/mem.h"

typedef enum PartKind {
    PART_NONE, /* ends a list */
    PART_TEXT,
    PART_CONTROL, /* a control token by name; plain text where the vocabulary lacks it */
    PART_BOS,
    PART_EOS,
    PART_SYSTEM, /* the system prompt */
    PART_USER,   /* what the person typed */
} PartKind;

typedef struct Part {
    PartKind kind;
    const char *text;
} Part;

enum { PARTS = 10 };

/* A turn is `close` (when it is not the first), `open`, `system` (when it is, and there is one), then `turn`. */
typedef struct ChatTemplate {
    const char *name;
    const char *aliases; /* separated by spaces, or NULL */
    const char *mark; /* found in a chat template of this format, or a token of the vocabulary; NULL: not recognised */
    const char *stop;
    Part close[PARTS];
    Part open[PARTS];
    Part system[PARTS];
    Part turn[PARTS];
} ChatTemplate;

#define TEXT(text)                                                                                                     \
    { PART_TEXT, text }
#define CONTROL(name)                                                                                                  \
    { PART_CONTROL, name }
#define HOLE(kind)                                                                                                     \
    { kind, NULL }

static const ChatTemplate TEMPLATES[] = {
    [CHAT_YOU_AI] = {.name = "you_ai",
                     .aliases = "you",
                     .stop = "\nYou:",
                     .close = {TEXT("\n")},
                     .system = {HOLE(PART_SYSTEM), TEXT("\n")},
                     .turn = {TEXT("You: "), HOLE(PART_USER), TEXT("\nAI:")}},
    [CHAT_LLAMA2] = {.name = "llama2",
                     .aliases = "llama2_chat",
                     .mark = "[INST]",
                     .stop = "",
                     .close = {HOLE(PART_EOS), HOLE(PART_BOS)},
                     .open = {TEXT("[INST] ")},
                     .system = {TEXT("<<SYS>>\n"), HOLE(PART_SYSTEM), TEXT("\n<</SYS>>\n\n")},
                     .turn = {HOLE(PART_USER), TEXT(" [/INST]")}},
    [CHAT_LLAMA3] = {.name = "llama3",
                     .mark = "<|start_header_id|>",
                     .stop = "",
                     .close = {CONTROL("<|eot_id|>")},
                     .system = {CONTROL("<|start_header_id|>"), TEXT("system"), CONTROL("<|end_header_id|>"),
                                TEXT("\n\n"), HOLE(PART_SYSTEM), CONTROL("<|eot_id|>")},
                     .turn = {CONTROL("<|start_header_id|>"), TEXT("user"), CONTROL("<|end_header_id|>"), TEXT("\n\n"),
                              HOLE(PART_USER), CONTROL("<|eot_id|>"), CONTROL("<|start_header_id|>"), TEXT("assistant"),
                              CONTROL("<|end_header_id|>"), TEXT("\n\n")}},
    [CHAT_CHATML] = {.name = "chatml",
                     .aliases = "qwen qwen2",
                     .mark = "<|im_start|>",
                     .stop = "<|im_end|>",
                     .close = {CONTROL("<|im_end|>"), TEXT("\n")},
                     .system = {CONTROL("<|im_start|>"), TEXT("system\n"), HOLE(PART_SYSTEM), CONTROL("<|im_end|>"),
                                TEXT("\n")},
                     .turn = {CONTROL("<|im_start|>"), TEXT("user\n"), HOLE(PART_USER), CONTROL("<|im_end|>"),
                              TEXT("\n"), CONTROL("<|im_start|>"), TEXT("assistant\n")}},
    [CHAT_ALPACA] = {.name = "alpaca",
                     .aliases = "instruction",
                     .mark = "### Instruction:",
                     .stop = "\n### Instruction:",
                     .close = {TEXT("\n\n")},
                     .system = {HOLE(PART_SYSTEM), TEXT("\n\n")},
                     .turn = {TEXT("### Instruction:\n"), HOLE(PART_USER), TEXT("\n\n### Response:\n")}},
    [CHAT_RAW] = {.name = "raw", .stop = "", .turn = {HOLE(PART_USER)}},
    [CHAT_AUTO] = {.name = "auto", .stop = ""},
};

const char *chat_format_name(ChatFormat format) { return TEMPLATES[format].name; }

static bool is_named(const ChatTemplate *template, Str name) {
    Str aliases = template->aliases ? str_from_c(template->aliases) : STR_NONE;
    if (str_eq_nocase(name, str_from_c(template->name))) return true;
    while (aliases.len > 0) {
        if (str_eq_nocase(name, str_cut(&aliases, ' '))) return true;
    }
    return false;
}

bool chat_format_parse(Str name, ChatFormat *format) {
    for (usize i = 0; i < COUNT_OF(TEMPLATES); i++) {
        if (!is_named(&TEMPLATES[i], name)) continue;
        *format = (ChatFormat)i;
        return true;
    }
    return false;
}

static Str model_template(const Model *model) {
    Str text = STR_NONE;
    if (model->format == MODEL_GGUF) gguf_get_str(&model->gguf, STR("tokenizer.chat_template"), &text);
    return text;
}

ChatFormat chat_recognise(const Model *model, const Tokenizer *tokenizer) {
    Str text = model_template(model);
    for (usize i = 0; i < COUNT_OF(TEMPLATES); i++) {
        if (TEMPLATES[i].mark == NULL) continue;
        Str mark = str_from_c(TEMPLATES[i].mark);
        bool found = text.len > 0 ? str_find(text, mark) < text.len : tokenizer_find(tokenizer, mark) != TOKEN_NONE;
        if (found) return (ChatFormat)i;
    }
    return CHAT_YOU_AI;
}

/* A literal of the template's language: no quote, brace or escape, which would make it an expression. */
static bool is_literal(Str text) {
    for (usize i = 0; i < text.len; i++) {
        if (str_find_byte(STR("'\"{}\\"), text.data[i]) < 5) return false;
    }
    return text.len > 0;
}

Str chat_default_system(const Model *model, ChatFormat format) {
    static const Str OPEN = {"<|im_start|>system", 18};
    static const Str CLOSE = {"<|im_end|>", 10};
    Str text = format == CHAT_CHATML ? model_template(model) : STR_NONE;
    for (usize at = str_find(text, OPEN); at < text.len; at = str_find(text, OPEN)) {
        text = str_skip(text, at + OPEN.len);
        text = str_skip(text, str_starts_with(text, STR("\\n")) ? 2 : 1); /* a newline, or its escape */
        Str prompt = str_take(text, str_find(text, CLOSE));
        if (is_literal(prompt)) return prompt;
    }
    return STR_NONE;
}

Str chat_stop_text(ChatFormat format) { return str_from_c(TEMPLATES[format].stop); }

/* Token ids as they are made. Text is gathered up to the next control token, since what stands together is encoded
 * together. */
typedef struct Writer {
    const Tokenizer *tokenizer;
    const ChatTurn *turn;
    Arena *scratch;
    char *text;
    usize text_len;
    u32 *ids;
    usize capacity;
    usize count;
    Error *error;
} Writer;

static void write_text(Writer *writer, Str text) {
    if (text.len == 0) return; /* its data may be NULL */
    memcpy(writer->text + writer->text_len, text.data, text.len);
    writer->text_len += text.len;
}

static bool flush(Writer *writer) {
    usize count;
    Str text = {writer->text, writer->text_len};
    writer->text_len = 0;
    if (text.len == 0) return true;
    if (!tokenizer_encode(writer->tokenizer, text, (EncodeOptions){0}, writer->scratch, writer->ids + writer->count,
                          writer->capacity - writer->count, &count, writer->error)) {
        return false;
    }
    writer->count += count;
    return true;
}

static bool write_id(Writer *writer, u32 id) {
    if (id == TOKEN_NONE) return true;
    if (!flush(writer)) return false;
    if (writer->count == writer->capacity) {
        return fail(writer->error, ERROR_LIMIT, "the turn makes more than %llu tokens; shorten it",
                    (unsigned long long)writer->capacity);
    }
    writer->ids[writer->count++] = id;
    return true;
}

static Str part_text(const Part *part, const ChatTurn *turn) {
    switch (part->kind) {
    case PART_SYSTEM:
        return turn->system;
    case PART_USER:
        return turn->user;
    default:
        return part->text ? str_from_c(part->text) : STR_NONE;
    }
}

static bool write_part(Writer *writer, const Part *part) {
    u32 control = TOKEN_NONE;
    Str text = part_text(part, writer->turn);
    if (part->kind == PART_BOS) return write_id(writer, tokenizer_bos(writer->tokenizer));
    if (part->kind == PART_EOS) return write_id(writer, tokenizer_eos(writer->tokenizer));
    if (part->kind == PART_CONTROL) control = tokenizer_find(writer->tokenizer, text);
    if (control != TOKEN_NONE) return write_id(writer, control);
    write_text(writer, text);
    return true;
}

static bool write_parts(Writer *writer, const Part parts[PARTS]) {
    for (usize i = 0; i < PARTS && parts[i].kind != PART_NONE; i++) {
        if (!write_part(writer, &parts[i])) return false;
    }
    return true;
}

static bool write_turn(Writer *writer) {
    const ChatTurn *turn = writer->turn;
    const ChatTemplate *template = &TEMPLATES[turn->format];
    bool adds_bos = turn->first && tokenizer_adds_bos(writer->tokenizer);
    bool adds_system = turn->first && turn->system.len > 0;
    return (!adds_bos || write_id(writer, tokenizer_bos(writer->tokenizer))) &&
           (turn->first || write_parts(writer, template->close)) && write_parts(writer, template->open) &&
           (!adds_system || write_parts(writer, template->system)) && write_parts(writer, template->turn) &&
           flush(writer);
}

bool chat_encode(const Tokenizer *tokenizer, const ChatTurn *turn, Arena *scratch, u32 *ids, usize capacity,
                 usize *count, Error *error) {
    enum { TEMPLATE_BYTES = 256 }; /* more than the literals of any template */
    ArenaMark mark = arena_mark(scratch);
    Writer writer = {tokenizer, turn, scratch, NULL, 0, ids, capacity, 0, error};
    writer.text = ARENA_NEW(scratch, char, turn->system.len + turn->user.len + TEMPLATE_BYTES);
    bool written = writer.text ? write_turn(&writer)
                               : fail(error, ERROR_OUT_OF_MEMORY, "no memory for a turn of %llu bytes; shorten it",
                                      (unsigned long long)turn->user.len);
    arena_release(scratch, mark);
    *count = writer.count;
    return written;
}
