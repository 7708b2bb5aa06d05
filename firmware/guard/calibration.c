#include "firmware/guard/calibration.h"

/* Of each turn, so that no turn leaves the next without a say, and the samples never outgrow their array: there are
 * healthy ones of one turn at most, or fewer than CALIBRATION_TOKENS, while the next turn runs. */
enum { TURN_SAMPLES = CALIBRATION_SAMPLES / CALIBRATION_TURNS };
_Static_assert(CALIBRATION_TURNS == 2 && CALIBRATION_TOKENS <= TURN_SAMPLES, "samples would outgrow their array");

/* Restores the heap (the highest on top) below `at`. */
static void sift_down(u64 *heap, usize count, usize at) {
    u64 moving = heap[at];
    for (usize child = 2 * at + 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && heap[child + 1] > heap[child]) child++;
        if (moving >= heap[child]) break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moving;
}

/* Heap sort: in place, without recursion, and with no order of values that makes it slow. */
static void sort(u64 *values, usize count) {
    for (usize at = count / 2; at-- > 0;) sift_down(values, count, at);
    for (usize left = count; left > 1; left--) {
        u64 highest = values[0];
        values[0] = values[left - 1];
        sift_down(values, left - 1, 0);
        values[left - 1] = highest;
    }
}

u64 quantile_u64(u64 *values, usize count, u32 permille) {
    usize place = (count - 1) * permille, at = place / 1000, part = place % 1000;
    sort(values, count);
    if (part == 0) return values[at];
    u64 gap = values[at + 1] - values[at];
    return values[at] + gap / 1000 * part + (gap % 1000 * part + 500) / 1000;
}

u64 median_u64(u64 *values, usize count) { return quantile_u64(values, count, 500); }

void calibration_token(Calibration *calibration, u64 cycles, f64 relative_cost) {
    if (calibration_is_done(calibration) || calibration->count - calibration->healthy == TURN_SAMPLES) return;
    calibration->samples[calibration->count++] = (u64)((f64)cycles / relative_cost + 0.5);
}

static bool is_enough(const Calibration *calibration) {
    return calibration->turns >= CALIBRATION_TURNS && calibration->healthy >= CALIBRATION_TOKENS;
}

static void count_turn(Calibration *calibration) {
    calibration->turns += calibration->count > calibration->healthy;
    calibration->healthy = calibration->count;
}

/* A clock too coarse to see a token still gives a median that is known. */
static void fix_median(Calibration *calibration) {
    u64 median = median_u64(calibration->samples, calibration->healthy);
    calibration->median = median > 0 ? median : 1;
}

bool calibration_end_turn(Calibration *calibration, bool is_healthy) {
    if (calibration_is_done(calibration)) return false;
    if (is_healthy) count_turn(calibration);
    calibration->count = calibration->healthy;
    if (!is_enough(calibration)) return false;
    fix_median(calibration);
    return true;
}
