#include "firmware/repl/guards.h"

Knobs guards_operator_knobs(const Config *config) {
    return (Knobs){config->sampler.temperature, config->sampler.top_p, config->sampler.top_k, config->max_tokens};
}

static u64 budget_cycles(const Platform *platform, Budget budget) {
    if (budget.unit != BUDGET_MICROSECONDS) return budget.amount;
    u64 hz = platform->cycles_hz;
    return budget.amount / 1000000 * hz + budget.amount % 1000000 * hz / 1000000;
}

AutotuneSettings guards_autotune_settings(const Guards *guards) {
    const Config *config = guards->config;
    return (AutotuneSettings){.enabled = config->autotune,
                              .hi = budget_cycles(guards->platform, config->autotune_hi),
                              .lo = budget_cycles(guards->platform, config->autotune_lo),
                              .step_top_k = config->autotune_step_top_k,
                              .step_max_tokens = config->autotune_step_max_tokens,
                              .step_temp_milli = config->autotune_step_temp_milli};
}

/** With strict_budget alone overruns are counted, and none is the last. */
GuardSettings guards_settings(const Config *config) {
    return (GuardSettings){.enabled = config->guardrails || config->strict_budget,
                           .hard_stop_overruns = config->guardrails ? config->guard_hard_stop : UINT32_MAX,
                           .safe_turns = config->guard_safe_turns,
                           .safe_caps = {.temperature = (f32)config->guard_safe_temp_milli / 1000,
                                         .top_p = (f32)config->guard_safe_top_p_milli / 1000,
                                         .top_k = config->guard_safe_top_k,
                                         .max_tokens = config->guard_safe_max_tokens},
                           .reset_kv_on_trip = config->guard_reset_kv};
}

static Knobs effective(const Guards *guards) {
    return arbiter_effective(&guards->arbiter, guards_operator_knobs(guards->config));
}

static void set_deadline(Guards *guards, u64 cycles, ReasonId reason) {
    if (guards->guard.deadline > 0 || cycles == 0) return;
    guard_set_deadline(&guards->guard, cycles);
    event_m181_deadline(guards->sink, cycles, platform_us(guards->platform, cycles), reason);
}

void guards_start(Guards *guards, const Policy *policy) {
    guards->arbiter = arbiter_new();
    for (KnobLayer layer = KNOB_LAYER_CURRICULUM; layer <= KNOB_LAYER_CANARY; layer++) {
        Knobs caps;
        if (policy_caps(policy, layer, &caps)) arbiter_cap(&guards->arbiter, layer, caps);
    }
    metrics_reset(&guards->metrics, platform_cycles(guards->platform));
    if (!guards_settings(guards->config).enabled) return;
    set_deadline(guards, budget_cycles(guards->platform, guards->config->budget_decode), REASON_ID_M181_DEADLINE_KEY);
}

Knobs guards_begin_turn(Guards *guards) {
    guard_begin_turn(&guards->guard);
    return effective(guards);
}

void guards_trip(Guards *guards, ReasonId reason) {
    bool is_first = sentinel_trip(&guards->sentinel, reason);
    guards->metrics.sentinel_violations_total++;
    if (is_first) event_sentinel_tripped(guards->sink, guards->sentinel.violations, reason);
}

TurnVerdict guards_token(Guards *guards, const TokenTiming *timing) {
    GuardSettings settings = guards_settings(guards->config);
    if (guards->sentinel.is_armed) {
        guards_trip(guards, REASON_ID_SENTINEL_TEST);
        return TURN_UNSAFE;
    }
    if (!timing->ran_model) return TURN_GOES_ON;
    f64 relative_cost = transformer_relative_cost(guards->model, timing->position);
    u32 overruns = guards->guard.overruns;
    metrics_token(&guards->metrics, timing->cycles);
    calibration_token(&guards->calibration, timing->cycles, relative_cost);
    bool is_last = guard_token(&guards->guard, &settings, timing->cycles, relative_cost);
    if (guards->config->strict_budget && guards->guard.overruns > overruns) {
        guards_trip(guards, REASON_ID_SENTINEL_BUDGET);
        return TURN_UNSAFE;
    }
    return is_last ? TURN_OVER_BUDGET : TURN_GOES_ON;
}

static void count_turn(Guards *guards, const TurnResult *result) {
    GenerationRecord record = {.prompt_tokens = result->prompt_tokens,
                               .tokens = result->tokens,
                               .decode_calls = result->decode_calls,
                               .prefill_cycles = result->prefill_cycles,
                               .decode_cycles = result->decode_cycles,
                               .loop_cycles = result->loop_cycles,
                               .first_token_cycles = result->first_token_cycles,
                               .overruns = guards->guard.overruns,
                               .reason = result->reason};
    metrics_end_turn(&guards->metrics, &record);
}

/** The turn's median, taken to an empty context from the middle of its answer. */
static u64 normalised_cpt(const Guards *guards, const TurnResult *result) {
    const GenerationRecord *last = metrics_last(&guards->metrics);
    u32 middle = result->position - (u32)min_usize(result->position, result->decode_calls / 2);
    return (u64)((f64)last->p50 / transformer_relative_cost(guards->model, middle));
}

static void calibrate(Guards *guards, bool is_healthy) {
    const Calibration *calibration = &guards->calibration;
    u64 hi, lo;
    AutotuneSettings settings = guards_autotune_settings(guards);
    bool is_wanted = settings.enabled || guards_settings(guards->config).enabled;
    if (!calibration_end_turn(&guards->calibration, is_healthy) || !is_wanted) return;
    autotune_thresholds(&settings, calibration->median, &hi, &lo);
    event_m18_calibrated(guards->sink, calibration->median, calibration->healthy, calibration->turns, hi, lo,
                         REASON_ID_M18_CALIBRATED);
    if (!guards_settings(guards->config).enabled) return;
    set_deadline(guards, calibration->median * GUARD_DEADLINE_FACTOR, REASON_ID_M181_DEADLINE_CALIBRATED);
}

static void autotune(Guards *guards, const TurnResult *result) {
    u64 cpt = normalised_cpt(guards, result);
    AutotuneSettings settings = guards_autotune_settings(guards);
    Knobs operator_knobs = guards_operator_knobs(guards->config);
    AutotuneTurn turn = {.cpt = cpt,
                         .tokens = result->decode_calls,
                         .calibrated = guards->calibration.median,
                         .below = arbiter_below(&guards->arbiter, KNOB_LAYER_AUTOTUNE, operator_knobs)};
    bool has_changed = autotune_end_turn(&guards->autotune, &settings, &turn);
    if (!has_changed) return;
    if (guards->autotune.has_caps) {
        arbiter_cap(&guards->arbiter, KNOB_LAYER_AUTOTUNE, guards->autotune.caps);
    } else {
        arbiter_release(&guards->arbiter, KNOB_LAYER_AUTOTUNE);
    }
    Knobs now = effective(guards);
    event_m18_autotune(guards->sink, guards->autotune.last_action, cpt, (f64)now.temperature, (f64)now.top_p, now.top_k,
                       now.max_tokens, guards->autotune.last_reason);
}

static void tell_hard_stop(const Guards *guards, const TurnResult *result) {
    const Guard *guard = &guards->guard;
    event_m181_hard_stop(guards->sink, guard->overruns, guards->config->guard_hard_stop, result->step,
                         guard->last_cycles, guard->last_deadline, REASON_ID_M181_HARD_STOP);
}

static void change_safe_mode(Guards *guards, GuardChange change, const GuardSettings *settings) {
    if (change == GUARD_SAFE_MODE_ON) {
        arbiter_cap(&guards->arbiter, KNOB_LAYER_SAFETY, settings->safe_caps);
        Knobs now = effective(guards);
        event_m181_safe_mode(guards->sink, guards->guard.safe_turns_left, now.top_k, now.max_tokens, (f64)now.top_p,
                             (f64)now.temperature, REASON_ID_M181_SAFE_MODE_ON);
    } else if (change == GUARD_SAFE_MODE_OFF) {
        arbiter_release(&guards->arbiter, KNOB_LAYER_SAFETY);
        Knobs now = effective(guards);
        event_m181_safe_mode_off(guards->sink, now.top_k, now.max_tokens, (f64)now.top_p, (f64)now.temperature,
                                 REASON_ID_M181_SAFE_MODE_OFF);
    }
}

TurnEffects guards_end_turn(Guards *guards, const TurnResult *result) {
    GuardSettings settings = guards_settings(guards->config);
    TurnEffects effects = {.has_tripped = guards->guard.is_stopped};
    effects.resets_kv = effects.has_tripped && settings.reset_kv_on_trip;
    count_turn(guards, result);
    effects.cpt = metrics_last(&guards->metrics)->p50;
    if (result->is_unsafe) guards_trip(guards, result->violation);
    if (effects.has_tripped) tell_hard_stop(guards, result);
    calibrate(guards, guards->guard.overruns == 0 && result->reason != STOP_REASON_SENTINEL);
    autotune(guards, result);
    change_safe_mode(guards, guard_end_turn(&guards->guard, &settings, result->tokens), &settings);
    return effects;
}

void guards_reset(Guards *guards) {
    sentinel_reset(&guards->sentinel);
    guards->guard.safe_turns_left = 0;
    guards->autotune = (Autotune){0};
    arbiter_release(&guards->arbiter, KNOB_LAYER_SAFETY);
    arbiter_release(&guards->arbiter, KNOB_LAYER_AUTOTUNE);
}

void guards_show_knobs(const Guards *guards) {
    Knobs operator_knobs = guards_operator_knobs(guards->config), now = effective(guards);
    for (Knob knob = 0; knob < KNOB_COUNT; knob++) {
        event_knob(guards->sink, knob, knob_value(&now, knob), arbiter_owner(&guards->arbiter, knob, operator_knobs),
                   knob_value(&operator_knobs, knob));
    }
}
