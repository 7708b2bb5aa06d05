/* What watches the turns of a session: the guards of firmware/guard, fed with what a turn does, and their decisions
 * told as events. */
#ifndef FIRMWARE_REPL_GUARDS_H
#define FIRMWARE_REPL_GUARDS_H

#include "firmware/guard/autotune.h"
#include "firmware/guard/calibration.h"
#include "firmware/guard/guardrails.h"
#include "firmware/guard/metrics.h"
#include "firmware/guard/sentinel.h"
#include "firmware/infer/generate.h"
#include "firmware/repl/policy.h"

typedef struct Guards {
    const Platform *platform;
    EventSink *sink;
    const Config *config;     /* the session's, as it is now */
    const ModelConfig *model; /* NULL: none */
    Arbiter arbiter;
    Calibration calibration;
    Metrics metrics;
    Autotune autotune;
    Guard guard;
    Sentinel sentinel;
    u32 delay_us; /* /test_delay: what every token is held up by */
} Guards;

/** The prompt is reached: counts from here on, with the caps of the policy in force. */
void guards_start(Guards *guards, const Policy *policy);
/** The sampling knobs of the next turn. */
Knobs guards_begin_turn(Guards *guards);
/** Watches a token: metrics, calibration, deadline, sentinel. */
TurnVerdict guards_token(Guards *guards, const TokenTiming *timing);

typedef struct TurnEffects {
    u64 cpt;          /* median cycles a token; 0: none was measured */
    bool has_tripped; /* M18.1 ended the turn */
    bool resets_kv;   /* and wants the conversation forgotten */
} TurnEffects;
/** The turn has ended: counts it, and tells what autotune and the guardrails make of it. */
TurnEffects guards_end_turn(Guards *guards, const TurnResult *result);
/** An internal check failed: tells it, once until the reset. */
void guards_trip(Guards *guards, ReasonId reason);
/** After /reset: sentinel, safe mode and autotune start anew; what a token costs stays known. */
void guards_reset(Guards *guards);
/** The operator's knobs, as the configuration has them. */
Knobs guards_operator_knobs(const Config *config);
AutotuneSettings guards_autotune_settings(const Guards *guards);
GuardSettings guards_settings(const Config *config);
/** Shows each knob: its value, who decides it, and the operator's. */
void guards_show_knobs(const Guards *guards);

#endif
