#include "firmware/base/json.h"

#include "firmware/base/fmt.h"

static void put(const JsonWriter *json, Str text) { json->write(json->argument, text); }

static void begin_value(JsonWriter *json) {
    if (json->needs_comma) put(json, STR(","));
    json->needs_comma = true;
}

static void begin(JsonWriter *json, Str bracket) {
    begin_value(json);
    put(json, bracket);
    json->needs_comma = false;
}

static void end(JsonWriter *json, Str bracket) {
    put(json, bracket);
    json->needs_comma = true;
}

void json_begin_object(JsonWriter *json) { begin(json, STR("{")); }

void json_end_object(JsonWriter *json) { end(json, STR("}")); }

void json_begin_array(JsonWriter *json) { begin(json, STR("[")); }

void json_end_array(JsonWriter *json) { end(json, STR("]")); }

void json_new_line(JsonWriter *json) {
    if (json->needs_comma) put(json, STR(","));
    put(json, STR("\n"));
    json->needs_comma = false;
}

void json_key(JsonWriter *json, const char *key) {
    json_str(json, str_from_c(key));
    put(json, STR(":"));
    json->needs_comma = false;
}

void json_u64(JsonWriter *json, u64 value) {
    char text[24];
    begin_value(json);
    put(json, (Str){text, fmt(text, sizeof(text), "%llu", (unsigned long long)value)});
}

void json_f64(JsonWriter *json, f64 value, i32 digits) {
    char text[400];
    bool is_finite = value - value == 0;
    begin_value(json);
    put(json, is_finite ? (Str){text, fmt(text, sizeof(text), "%.*f", (int)digits, value)} : STR("null"));
}

static void put_character(const JsonWriter *json, u32 scalar) {
    char text[8];
    usize len;
    if (scalar == '"' || scalar == '\\') {
        len = fmt(text, sizeof(text), "\\%c", (int)scalar);
    } else if (scalar < 0x20) {
        len = fmt(text, sizeof(text), "\\u%04x", scalar);
    } else {
        len = utf8_encode(scalar, text);
    }
    put(json, (Str){text, len});
}

void json_str(JsonWriter *json, Str value) {
    begin_value(json);
    put(json, STR("\""));
    for (usize at = 0; at < value.len;) {
        u32 scalar;
        at += utf8_decode(value, at, &scalar);
        put_character(json, scalar);
    }
    put(json, STR("\""));
}
