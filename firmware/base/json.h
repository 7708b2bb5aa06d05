/* Writing JSON (RFC 8259) piece by piece: commas and escapes are taken care of, nesting is the caller's. */
#ifndef FIRMWARE_BASE_JSON_H
#define FIRMWARE_BASE_JSON_H

#include "firmware/base/str.h"

typedef void JsonSink(void *argument, Str text);

typedef struct JsonWriter {
    JsonSink *write;
    void *argument;
    bool needs_comma;
} JsonWriter;

void json_begin_object(JsonWriter *json);
void json_end_object(JsonWriter *json);
void json_begin_array(JsonWriter *json);
void json_end_array(JsonWriter *json);
/** What comes next, which is no closing bracket, begins a line. */
void json_new_line(JsonWriter *json);
/** The key of the next value. */
void json_key(JsonWriter *json, const char *key);
void json_u64(JsonWriter *json, u64 value);
/** `digits` behind the point; null for values JSON cannot spell. */
void json_f64(JsonWriter *json, f64 value, i32 digits);
/** Malformed UTF-8 is written as U+FFFD. */
void json_str(JsonWriter *json, Str value);

#endif
