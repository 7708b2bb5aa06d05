/* The organism of one boot: it keeps the state, and turns what happens into decisions and their events.
 *
 * Power may fail at any moment. An event that says what is on the volume (health, a change that stays, a checkpoint, an
 * applied action and what it takes the place of) comes after the state it speaks of was written; the others (the boot,
 * rollbacks, outcomes) come before, and a start that finds the state before them comes to the same decisions again,
 * with the same boot number. So nothing that was said is taken back. An applied action whose event was not written any
 * more is pending with event number 0, and on trial all the same.
 *
 * On a volume that cannot be written everything works in memory; that is said once a boot, no action is applied, and a
 * change on trial, which could not be judged, is not in force.
 */
#ifndef FIRMWARE_OO_ORGANISM_H
#define FIRMWARE_OO_ORGANISM_H

#include "firmware/oo/confidence.h"
#include "firmware/oo/journal.h"
#include "firmware/oo/plan.h"
#include "firmware/oo/state.h"
#include "firmware/store/slots.h"

/* A boot's median cost of a token is over its last turns, so many at most. */
enum { ORGANISM_TURNS = 64 };

typedef struct Organism {
    bool is_alive; /* oo_enable=1 */
    EventSink *sink;
    Journal *journal;
    OoSettings settings;
    Slots slots;
    bool can_save;         /* the last write succeeded */
    bool has_write_failed; /* one did not, and it was said */
    OoState state;
    OoValues in_force;   /* changes this boot runs with; 0: the operator's stands */
    bool is_trial;       /* some of them have not proved themselves yet */
    u64 ram_mib;         /* free when the program started */
    u32 model_context;   /* 0: no model */
    EstimateFacts rates; /* `now` unused */
    u64 turn_cpts[ORGANISM_TURNS];
    u32 measured_turns; /* that had a cost; the last one is at (measured_turns - 1) % ORGANISM_TURNS */
    u32 applied;        /* in this boot */
    bool is_checkpointed, is_hard_stopped;
    char text[STATE_TEXT_MAX]; /* of the state, while it is written or compared */
} Organism;

typedef struct OrganismStart {
    const Platform *platform;
    EventSink *sink;
    Journal *journal; /* open */
    OoSettings settings;
    OoValues operator_values; /* of repl.cfg and the command line */
    u64 ram_mib;
} OrganismStart;

/**
 * Counts the boot: reads the state, judges the boot before, sets the mode, rolls back what was on trial in an unhealthy
 * boot, judges the outcomes that can be, drops what the operator has overridden and what can be measured no more, and
 * writes the state. With settings.enabled false it does nothing, now and later.
 *
 * Both state files missing: boot 1. Neither whole: the boot after the last one in the journal.
 *
 * A change applied in boot N is in force from N + 1 on, on trial until the model has answered in a boot that had it
 * (organism_answered); a boot that nobody asked, or without a model, leaves it on trial. A key that the operator has
 * given another value since its change was made is the operator's again.
 */
void organism_start(Organism *organism, const OrganismStart *start);
/** Changes in force in this boot, to be laid over the operator's configuration. */
OoValues organism_values(const Organism *organism);
/** The context this boot may have when `wanted` (0: the model's own) is asked for, 0 again where nothing bounds it;
 * says so when it is less. */
u32 organism_clamp(Organism *organism, u32 wanted);

typedef enum ModelState { MODEL_LOADED, MODEL_NONE_ON_PURPOSE, MODEL_MISSED } ModelState;

typedef struct OrganismReady {
    ModelState model;
    u32 stratum;
    u64 free_kib, context_kib;
    u32 ctx, seq; /* in force */
    u32 model_context;
    u64 bytes_per_token;
    f64 relative_cost_per_token;
    u32 allocation_failures; /* so far */
} OrganismReady;

/** The prompt is reached. A missing model or a failed allocation loses the boot's health (in this order: one event a
 * boot); without a model on purpose it is the health mark. */
void organism_ready(Organism *organism, const OrganismReady *ready);
/** A question is about to be answered. */
void organism_asked(Organism *organism);
/** It was: `cpt` is the turn's median cycles a token as they were measured (not "as at an empty context": a shorter
 * sequence shows in nothing else), 0 when there is none. A turn that a person stopped counts. The first one is the
 * boot's health mark, while nothing is lost; what is on trial is confirmed once that is on the volume. Turns 1, 2, 4, 8
 * and so on are written, with what was measured up to them. */
void organism_answered(Organism *organism, u32 tokens, u64 cpt);
void organism_overflowed(Organism *organism);
void organism_guard_tripped(Organism *organism);
/** The boot has lost its health, for good: OO_HEALTH_LOST_SENTINEL or OO_HEALTH_LOST_MEMORY. */
void organism_failed(Organism *organism, ReasonId reason);
/** Weighs an advice: confidence, plan, and a decision for each action. The feedback is that of the advised action with
 * the worst outcomes. Refused as OO_CONSULT_DISABLED, and nothing else, unless settings.consult. */
void organism_consult(Organism *organism, const Advice *advice);
/** What a model is to be asked about. */
AdviceFacts organism_facts(const Organism *organism);
/** The session ends in good order: judges what can be, and writes the state. */
void organism_end(Organism *organism);

#endif
