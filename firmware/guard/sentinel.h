/* Internal checks that must never fail. When one does the session stops answering until /reset: what it holds is then
 * thrown away and made anew, so that nothing built on the failure remains. */
#ifndef FIRMWARE_GUARD_SENTINEL_H
#define FIRMWARE_GUARD_SENTINEL_H

#include "firmware/events/markers.gen.h"

typedef struct Sentinel {
    bool is_tripped;
    ReasonId reason; /* of the last trip: a SENTINEL_ one */
    u64 violations;
    bool is_armed; /* /test_failsafe: the next token trips it */
} Sentinel;

/** Counts the violation and disarms; true when the sentinel was not tripped before. */
static inline bool sentinel_trip(Sentinel *sentinel, ReasonId reason) {
    bool is_first = !sentinel->is_tripped;
    *sentinel = (Sentinel){.is_tripped = true, .reason = reason, .violations = sentinel->violations + 1};
    return is_first;
}

/** Violations stay counted, and the last reason known. */
static inline void sentinel_reset(Sentinel *sentinel) { sentinel->is_tripped = sentinel->is_armed = false; }

#endif
