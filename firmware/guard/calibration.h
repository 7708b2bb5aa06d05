/* What a token costs on this machine, learnt once from its first healthy turns and then fixed.
 *
 * Tokens far into a conversation cost more, because they attend to more. A cost is therefore divided by what a token at
 * its position costs relative to one at an empty context (transformer_relative_cost): samples, thresholds and deadlines
 * are all "as at an empty context".
 */
#ifndef FIRMWARE_GUARD_CALIBRATION_H
#define FIRMWARE_GUARD_CALIBRATION_H

#include "firmware/base/types.h"

/** Enough: from at least so many turns and tokens. Further tokens of the turn that reaches it count too, but of each
 * turn only the first CALIBRATION_SAMPLES / CALIBRATION_TURNS. */
enum { CALIBRATION_TURNS = 2, CALIBRATION_TOKENS = 16, CALIBRATION_SAMPLES = 256 };

typedef struct Calibration {
    u64 samples[CALIBRATION_SAMPLES]; /* of healthy turns, and of the turn that runs behind them */
    u32 count;
    u32 healthy; /* samples of turns that have ended well */
    u32 turns;   /* that those are of */
    u64 median;  /* cycles a token as at an empty context, at least 1; 0 until it is known */
} Calibration;

/** A token that the model ran for. Nothing happens once calibrated. */
void calibration_token(Calibration *calibration, u64 cycles, f64 relative_cost);
/** The turn has ended; the samples of one that was not healthy are dropped. True when this fixed the median. */
bool calibration_end_turn(Calibration *calibration, bool is_healthy);
static inline bool calibration_is_done(const Calibration *calibration) { return calibration->median > 0; }

/** Median of `count` values (at least 1), which are reordered; the mean of the two middle ones when it is even. */
u64 median_u64(u64 *values, usize count);
/** Quantile by linear interpolation between order statistics (type 7 of Hyndman and Fan 1996, numpy's default), rounded
 * to the nearest whole number. `values` are sorted in place; `permille` 500 is the median. */
u64 quantile_u64(u64 *values, usize count, u32 permille);

#endif
