/* The sampling knobs that guards may lower, and the one arbiter that owns them.
 *
 * The operator's values (repl.cfg, the prompt) are what every turn starts from. Above them lie layers, each of which
 * may cap a knob and none of which can raise one: the value in force is the least of all. A layer that ends leaves no
 * trace, so when all have ended the operator's values are in force again, whatever happened meanwhile.
 */
#ifndef FIRMWARE_GUARD_KNOBS_H
#define FIRMWARE_GUARD_KNOBS_H

#include "firmware/events/markers.gen.h"

typedef struct Knobs {
    f32 temperature;
    f32 top_p;
    u32 top_k; /* 0 is off: no bound, and so above every number */
    u32 max_tokens;
} Knobs;

enum { KNOB_LAYERS = KNOB_LAYER_SAFETY + 1, KNOB_COUNT = KNOB_MAX_TOKENS + 1 };

/** As caps: bounds nothing, every field being the highest that its type has a finite number for. */
extern const Knobs KNOBS_UNBOUNDED;

typedef struct Arbiter {
    bool is_active[KNOB_LAYERS];
    Knobs caps[KNOB_LAYERS]; /* of active layers; KNOB_LAYER_OPERATOR is never one */
} Arbiter;

/** The lower of each knob. */
Knobs knobs_least(Knobs a, Knobs b);
/** All layers off. */
Arbiter arbiter_new(void);
/** Caps of a layer, in place of those it had. KNOB_LAYER_OPERATOR has none: what it is given is not looked at. */
void arbiter_cap(Arbiter *arbiter, KnobLayer layer, Knobs caps);
void arbiter_release(Arbiter *arbiter, KnobLayer layer);
/** The values in force. */
Knobs arbiter_effective(const Arbiter *arbiter, Knobs operator_values);
/** The values with only the layers below `layer`: what that layer's proposals are measured against. */
Knobs arbiter_below(const Arbiter *arbiter, KnobLayer layer, Knobs operator_values);
/** Who decides one knob: the lowest layer at which it has the value in force. */
KnobLayer arbiter_owner(const Arbiter *arbiter, Knob knob, Knobs operator_values);
/** One knob as a number, for reports: a top_k that is off is 0. */
f64 knob_value(const Knobs *knobs, Knob knob);
bool knobs_equal(const Knobs *a, const Knobs *b);

#endif
