#include "firmware/repl/line_editor.h"

#include "firmware/base/mem.h"

static const Str CONTINUED_PROMPT = STR("... ");
static const Str SUBMIT = STR(";;");
static const Str BACK = STR("\b");

static Str typed(const LineEditor *editor) {
    return (Str){editor->text + editor->line_start, editor->len - editor->line_start};
}

/** Control characters that move the cursor go past the sink's filter for text. */
static void write_raw(const LineEditor *editor, Str text) {
    editor->sink->platform->console_write(editor->sink->platform->context, text);
}

static Str behind_cursor(const LineEditor *editor) {
    return (Str){editor->text + editor->cursor, editor->len - editor->cursor};
}

static bool continues_character(char byte) { return (byte & 0xC0) == 0x80; }

static usize character_before(const LineEditor *editor) {
    usize at = editor->cursor;
    do at--;
    while (at > editor->line_start && continues_character(editor->text[at]));
    return at;
}

/** Shows what is behind the cursor, and takes the terminal's cursor back to where ours is. */
static void show_rest(LineEditor *editor, Str erased) {
    Str rest = behind_cursor(editor);
    if (rest.len + erased.len == 0) return;
    sink_text(editor->sink, rest);
    if (erased.len > 0) write_raw(editor, erased);
    for (usize i = 0; i < erased.len; i++) write_raw(editor, BACK);
    for (usize i = 0; i < rest.len; i++) {
        if (!continues_character(rest.data[i])) write_raw(editor, BACK);
    }
}

static void move_left(LineEditor *editor) {
    if (editor->cursor == editor->line_start) return;
    editor->cursor = character_before(editor);
    write_raw(editor, BACK);
}

static void move_right(LineEditor *editor) {
    usize begin = editor->cursor;
    if (begin == editor->len) return;
    do editor->cursor++;
    while (editor->cursor < editor->len && continues_character(editor->text[editor->cursor]));
    sink_text(editor->sink, (Str){editor->text + begin, editor->cursor - begin});
}

static void move_home(LineEditor *editor) {
    while (editor->cursor > editor->line_start) move_left(editor);
}

static void move_to_end(LineEditor *editor) {
    sink_text(editor->sink, behind_cursor(editor));
    editor->cursor = editor->len;
}

static void insert(LineEditor *editor, Str text) {
    if (editor->discarded > 0 || editor->len + text.len > LINE_BYTES) {
        editor->discarded += text.len;
        return;
    }
    Str rest = behind_cursor(editor);
    memmove(editor->text + editor->cursor + text.len, rest.data, rest.len);
    memcpy(editor->text + editor->cursor, text.data, text.len);
    editor->len += text.len;
    editor->cursor += text.len;
    sink_text(editor->sink, text);
    show_rest(editor, STR_NONE);
}

/** The one before the cursor. */
static void erase_character(LineEditor *editor) {
    if (editor->cursor == editor->line_start) return;
    Str rest = behind_cursor(editor);
    usize at = character_before(editor);
    memmove(editor->text + at, rest.data, rest.len);
    editor->len -= editor->cursor - at;
    editor->cursor = at;
    write_raw(editor, BACK);
    show_rest(editor, STR(" "));
}

static void erase_line(LineEditor *editor) {
    move_to_end(editor);
    while (editor->cursor > editor->line_start) erase_character(editor);
}

static bool is_after_space(const LineEditor *editor) {
    return editor->cursor > editor->line_start && editor->text[editor->cursor - 1] == ' ';
}

/** The word before the cursor, and the spaces between. */
static void erase_word(LineEditor *editor) {
    while (is_after_space(editor)) erase_character(editor);
    while (editor->cursor > editor->line_start && !is_after_space(editor)) erase_character(editor);
}

static void replace(LineEditor *editor, Str text) {
    erase_line(editor);
    insert(editor, text);
}

static void remember(LineEditor *editor, Str line) {
    if (line.len == 0 || line.len > HISTORY_LINE_BYTES || str_find_byte(line, '\n') < line.len) return;
    HistoryLine *entry = &editor->history[editor->history_count++ % HISTORY_LINES];
    memcpy(entry->text, line.data, line.len);
    entry->len = line.len;
}

/** Moves `back` entries behind the newest line; 0 is the empty line being typed. */
static void recall(LineEditor *editor, usize *back, bool older) {
    usize kept = min_usize(editor->history_count, HISTORY_LINES);
    if (older ? *back == kept : *back == 0) return;
    *back += older ? 1 : (usize)-1;
    const HistoryLine *entry = &editor->history[(editor->history_count - *back) % HISTORY_LINES];
    replace(editor, *back ? (Str){entry->text, entry->len} : STR_NONE);
}

/** What the names that begin alike have in common. */
typedef struct Candidates {
    LineEditor *editor; /* NULL: only look */
    Str common;
    usize count;
} Candidates;

static void narrow(void *argument, Str name) {
    Candidates *candidates = argument;
    if (candidates->count++ == 0) candidates->common = name;
    while (!str_starts_with(name, candidates->common)) candidates->common.len--;
}

static void show_name(void *argument, Str name) {
    LineEditor *editor = argument;
    sink_text(editor->sink, STR("  "));
    sink_text(editor->sink, name);
}

static void show_candidates(LineEditor *editor, Str prompt) {
    sink_text(editor->sink, STR("\n"));
    editor->complete(typed(editor), show_name, editor);
    sink_text(editor->sink, STR("\n"));
    sink_text(editor->sink, prompt);
    sink_text(editor->sink, typed(editor));
}

static void complete_name(LineEditor *editor, Str prompt) {
    Str prefix = typed(editor);
    Candidates candidates = {0};
    if (!editor->complete || prefix.len == 0 || prefix.data[0] != '/') return;
    move_to_end(editor);
    editor->complete(prefix, narrow, &candidates);
    if (candidates.count == 1) {
        insert(editor, str_skip(candidates.common, prefix.len));
        insert(editor, STR(" "));
    } else if (candidates.common.len > prefix.len) {
        insert(editor, str_skip(candidates.common, prefix.len));
    } else if (candidates.count > 1) {
        show_candidates(editor, prompt);
    }
}

static void insert_key(LineEditor *editor, i32 key) {
    char bytes[4];
    if (key < 0x20 && key != '\t') return;
    insert(editor, (Str){bytes, utf8_encode((u32)key, bytes)});
}

static bool is_end(LineEditor *editor, i32 key, LineEnd *end) {
    if (key == '\n')
        *end = editor->discarded ? LINE_TOO_LONG : LINE_READY;
    else if (key == KEY_CTRL_C)
        *end = LINE_CANCELLED;
    else if (key == KEY_CTRL_D && editor->len == 0)
        *end = LINE_END_OF_INPUT;
    else if (key == KEY_EOF)
        *end = editor->len ? LINE_READY : LINE_END_OF_INPUT;
    else
        return false;
    return true;
}

/** Reads keys up to the end of one line of the terminal. */
static LineEnd read_typed_line(LineEditor *editor, Str prompt) {
    LineEnd end;
    usize back = 0;
    editor->cursor = editor->len;
    sink_text(editor->sink, prompt);
    for (;;) {
        i32 key = keys_next(editor->keys, KEY_WAIT_FOREVER);
        if (is_end(editor, key, &end)) break;
        switch (key) {
        case '\b':
        case KEY_DELETE: /* UEFI's terminal driver: backspace (0x7f) of a serial terminal */
            erase_character(editor);
            break;
        case KEY_CTRL_U:
            erase_line(editor);
            break;
        case KEY_CTRL_W:
            erase_word(editor);
            break;
        case KEY_LEFT:
            move_left(editor);
            break;
        case KEY_RIGHT:
            move_right(editor);
            break;
        case KEY_HOME:
            move_home(editor);
            break;
        case KEY_END:
            move_to_end(editor);
            break;
        case KEY_UP:
            recall(editor, &back, true);
            break;
        case KEY_DOWN:
            recall(editor, &back, false);
            break;
        case '\t':
            complete_name(editor, prompt);
            break;
        default:
            insert_key(editor, key);
            break;
        }
    }
    move_to_end(editor);
    sink_text(editor->sink, STR("\n"));
    return end;
}

LineJoin line_join(char *text, usize *len, usize line_start) {
    Str line = {text + line_start, *len - line_start};
    if (line_start > 0 && str_eq(str_trim(line), SUBMIT)) {
        *len = line_start - 1;
        return LINE_WHOLE;
    }
    if (line.len == 0 || line.data[line.len - 1] != '\\') return LINE_WHOLE;
    (*len)--;
    return line.len > 1 && line.data[line.len - 2] == '\\' ? LINE_WHOLE : LINE_CONTINUES;
}

LineEnd line_read(LineEditor *editor, Str prompt, Str *line) {
    LineEnd end;
    editor->len = editor->line_start = editor->discarded = 0;
    for (;;) {
        end = read_typed_line(editor, prompt);
        if (end != LINE_READY || line_join(editor->text, &editor->len, editor->line_start) == LINE_WHOLE) break;
        if (editor->len == LINE_BYTES) continue;
        editor->text[editor->len++] = '\n';
        editor->line_start = editor->len;
        prompt = CONTINUED_PROMPT;
    }
    *line = (Str){editor->text, editor->len};
    if (end == LINE_READY) remember(editor, *line);
    return end;
}
