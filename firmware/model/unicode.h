/* Classes of Unicode characters, as the regular expressions of pre-tokenizers tell them apart. */
#ifndef FIRMWARE_MODEL_UNICODE_H
#define FIRMWARE_MODEL_UNICODE_H

#include "firmware/base/types.h"

typedef enum UnicodeClass {
    UNICODE_OTHER,       /* symbols, marks, controls, unassigned */
    UNICODE_LETTER,      /* \p{L} */
    UNICODE_NUMBER,      /* \p{N} */
    UNICODE_PUNCTUATION, /* \p{P} */
    UNICODE_SPACE,       /* \s: the property White_Space */
} UnicodeClass;

UnicodeClass unicode_class(u32 scalar);

#endif
