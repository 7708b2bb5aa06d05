/* B1: how far an advice is trusted, as a sum whose every part is reported. */
#ifndef FIRMWARE_OO_CONFIDENCE_H
#define FIRMWARE_OO_CONFIDENCE_H

#include "firmware/oo/advice.h"

typedef struct Confidence {
    i32 base, mode, ram, ctx, seq, advice, strength, feedback;
    u32 score; /* their sum, held to 0..100 */
} Confidence;

typedef struct ConfidenceFacts {
    OoMode mode;
    u64 ram_mib;
    u32 ctx, seq;
    i32 feedback; /* outcome_bias of the advised actions */
} ConfidenceFacts;

/**
 * base 50. Mode: NORMAL +20, DEGRADED +10. Memory: from 1024 MiB +15, from 768 +8, else +2. Context: up to 512 tokens
 * +5, over 2048 -5. Sequence: up to 1024 tokens +5, over 2048 -5. Advice: empty -15, stable +10, a reduction +5, an
 * increase outside of NORMAL -10, reboot or another model -5. Strength, of a model's advice: its share among the list
 * from 0.6 +10, from 0.4 +5, under 0.25 -10.
 */
Confidence confidence_score(const Advice *advice, const ConfidenceFacts *facts);
/** Whether it reaches the threshold, and the one reason for what follows. */
bool confidence_gate(const Confidence *confidence, const OoSettings *settings, ReasonId *reason);

#endif
