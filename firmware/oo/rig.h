/* Boots of an organism on a machine in memory, for its tests. Hosted code only. */
#ifndef FIRMWARE_OO_RIG_H
#define FIRMWARE_OO_RIG_H

#include "firmware/oo/organism.h"
#include "firmware/testing/check.h"
#include "firmware/testing/fake_platform.h"

/** Knuth's 64-bit linear congruence (MMIX). */
static inline u32 rig_random(u64 *seed) {
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (u32)(*seed >> 32);
}
static inline u32 rig_below(u64 *seed, u32 bound) { return rig_random(seed) % bound; }

enum { RIG_MODEL_CONTEXT = 4096, RIG_KIB_PER_TOKEN = 40, RIG_MEMORY_KIB = 600000 };

/** A machine whose free memory and cycles follow from the context it runs with, and what is in its repl.cfg. */
typedef struct Rig {
    FakePlatform *fake;
    EventSink sink;
    Arena scratch;
    Journal journal;
    Organism organism;
    OoSettings settings;
    OoValues operator_values;
    u64 ram_mib;
    ModelState model;
    u32 stratum;
    u32 ctx, seq;           /* in force in this boot */
    bool is_medium_failing; /* a record of the journal may have been damaged as it was written */
} Rig;

/** An empty volume, two actions a boot, 700 MiB, repl.cfg asking for a context of 1024. */
Rig *rig_new(void);
void rig_free(Rig *rig);
/** A boot up to the reading of the state; the console is cleared. */
void rig_start(Rig *rig);
/** A boot up to the prompt. */
void rig_boot(Rig *rig);
/** Questions that are answered, 10 tokens each. */
void rig_talk(Rig *rig, u32 turns);
void rig_consult(Rig *rig, const char *words);
/** A whole boot: `turns` questions, then a consult unless `words` is NULL, then the end. */
void rig_whole_boot(Rig *rig, u32 turns, const char *words);
/** Boots until the mode is reached. */
void rig_reach(Rig *rig, OoMode mode);

/** How often a text stands in another. */
usize rig_count_in(Str text, const char *wanted);
/** How often it stands on the console of this boot. */
usize rig_count(const Rig *rig, const char *wanted);
#define CHECK_SHOWS(rig, text)                                                                                         \
    CHECK_MSG(rig_count((rig), (text)) > 0, "\"%s\" is not in:\n%.*s", (text), STR_ARG(fake_output((rig)->fake)))
#define CHECK_SHOWS_NOT(rig, text)                                                                                     \
    CHECK_MSG(rig_count((rig), (text)) == 0, "\"%s\" is in:\n%.*s", (text), STR_ARG(fake_output((rig)->fake)))
#define CHECK_SHOWS_TIMES(rig, text, times)                                                                            \
    CHECK_MSG(rig_count((rig), (text)) == (times), "\"%s\" is not %zu times in:\n%.*s", (text), (usize)(times),        \
              STR_ARG(fake_output((rig)->fake)))

enum { RIG_EVENTS = 4096 };
/** The journal as it is on the volume: texts by the number of their event, empty where there is none. Valid until it is
 * written. */
typedef struct RigEvents {
    Str of[RIG_EVENTS];
} RigEvents;
void rig_events(const Rig *rig, RigEvents *events);
/** Every line with event=N that a boot has shown is in the journal under that number, with the boot and the same text.
 * Returns how many there are. Of a failing medium, those that were damaged are left out. */
usize rig_check_shown(const Rig *rig, Str output, u64 boot);
/** The same for the console of this boot. */
usize rig_check_journal(const Rig *rig);
/** The state as a start would find it on the volume; false when there is none. */
bool rig_saved(Rig *rig, OoState *state);

#endif
