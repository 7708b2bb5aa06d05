#include "firmware/infer/sampler.h"

#include "firmware/base/math.h"

#define INFINITE __builtin_inff()

const SamplerSettings SAMPLER_DEFAULTS = {
    .temperature = 0.85f,
    .min_p = 0.05f,
    .top_p = 0.95f,
    .top_k = 80,
    .repeat_penalty = 1.15f,
    .repeat_window = 64,
    .no_repeat_ngram = 4,
    .seed = 1234567,
};

typedef struct SamplerCandidate {
    f32 logit;
    u32 id;
    f64 weight; /* proportional to the probability */
} Candidate;

bool sampler_new(const SamplerSettings *settings, u32 vocab, Arena *arena, Sampler *sampler) {
    *sampler = (Sampler){*settings, settings->seed, vocab, ARENA_NEW(arena, Candidate, vocab)};
    return sampler->candidates != NULL;
}

void sampler_seed(Sampler *sampler, u64 seed) { sampler->random_state = seed; }

/* SplitMix64 (Steele, Lea, Flood 2014): 53 bits of it as a number in [0, 1). */
static f64 random_unit(Sampler *sampler) {
    u64 z = sampler->random_state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return (f64)((z ^ z >> 31) >> 11) * 0x1p-53;
}

static bool same_ids(const u32 *a, const u32 *b, usize count) {
    for (usize i = 0; i < count; i++) {
        if (a[i] != b[i]) return false;
    }
    return true;
}

/* Rules out every token that would complete an n-gram the turn already has. */
static void ban_repeated_ngrams(usize n, f32 *logits, const u32 *turn, usize count) {
    if (n == 0 || count < n) return;
    const u32 *tail = turn + count - (n - 1);
    for (usize i = 0; i + n <= count; i++) {
        if (same_ids(turn + i, tail, n - 1)) logits[turn[i + n - 1]] = -INFINITE;
    }
}

/* The candidates are free at this time: `id` marks the tokens that have had their penalty. */
static void penalise_repeats(Sampler *sampler, f32 *logits, const u32 *turn, usize count) {
    f32 penalty = sampler->settings.repeat_penalty;
    usize first = count - min_usize(count, sampler->settings.repeat_window);
    if (penalty == 1.0f) return;
    for (usize i = first; i < count; i++) sampler->candidates[turn[i]].id = false;
    for (usize i = first; i < count; i++) {
        f32 *logit = &logits[turn[i]];
        if (sampler->candidates[turn[i]].id) continue;
        sampler->candidates[turn[i]].id = true;
        *logit = *logit > 0 ? *logit / penalty : *logit * penalty;
    }
}

/* Loops over a block have no branches and no order: compilers make vector instructions of them. */
enum { BLOCK = 16 };

static f32 larger(f32 a, f32 b) { return a > b ? a : b; }

static f32 largest(const f32 *logits, u32 count) {
    f32 lanes[BLOCK];
    f32 max = -INFINITE;
    u32 at = 0;
    for (u32 i = 0; i < BLOCK; i++) lanes[i] = -INFINITE;
    for (; at + BLOCK <= count; at += BLOCK) {
        for (u32 i = 0; i < BLOCK; i++) lanes[i] = larger(logits[at + i], lanes[i]);
    }
    for (u32 i = 0; i < BLOCK; i++) max = larger(lanes[i], max);
    for (; at < count; at++) max = larger(logits[at], max);
    return max;
}

static bool block_reaches(const f32 *block, f32 least) {
    u32 reaches = 0;
    for (u32 i = 0; i < BLOCK; i++) reaches |= block[i] >= least;
    return reaches;
}

/* The first token from `id` on whose logit is at least `least`; `count` when there is none. */
static u32 next_reaching(const f32 *logits, u32 count, u32 id, f32 least) {
    while (id + BLOCK <= count && !block_reaches(logits + id, least)) id += BLOCK;
    while (id < count && !(logits[id] >= least)) id++;
    return id;
}

/* The least logit that min_p keeps: p >= min_p * max p is l >= max l + temperature * log(min_p). Never a banned one. */
static f64 least_kept(const SamplerSettings *settings, f32 max) {
    const f64 least_finite = -1e38;
    if (settings->min_p <= 0) return least_finite;
    f64 least = (f64)max + (f64)settings->temperature * math_log((f64)settings->min_p);
    return least > least_finite ? least : least_finite;
}

/* Collects the tokens that min_p keeps; looks for them in single precision, a little too low, and then exactly. */
static usize collect(Sampler *sampler, const f32 *logits, f32 max) {
    f64 least = least_kept(&sampler->settings, max);
    f32 coarse = (f32)(least - math_abs(least) * 1e-6);
    usize count = 0;
    for (u32 id = 0; (id = next_reaching(logits, sampler->vocab, id, coarse)) < sampler->vocab; id++) {
        if ((f64)logits[id] >= least) sampler->candidates[count++] = (Candidate){logits[id], id, 0};
    }
    return count;
}

static bool is_likelier(const Candidate *a, const Candidate *b) {
    return a->logit > b->logit || (a->logit == b->logit && a->id < b->id);
}

/* Restores the heap (the likeliest on top) below `at`. */
static void sift_down(Candidate *heap, usize count, usize at) {
    Candidate moving = heap[at];
    for (usize child = 2 * at + 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && is_likelier(&heap[child + 1], &heap[child])) child++;
        if (is_likelier(&moving, &heap[child])) break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moving;
}

static void make_heap(Candidate *heap, usize count) {
    for (usize at = count / 2; at-- > 0;) sift_down(heap, count, at);
}

/* Moves the top of the heap behind its last element, which it replaces: the heap is one shorter. */
static void pop(Candidate *heap, usize count) {
    Candidate top = heap[0];
    heap[0] = heap[count - 1];
    sift_down(heap, count - 1, 0);
    heap[count - 1] = top;
}

/* The tail of the array becomes its start. */
static usize keep_tail(Candidate *candidates, usize count, usize kept) {
    for (usize i = 0; i < kept; i++) candidates[i] = candidates[count - kept + i];
    return kept;
}

static usize keep_top_k(Candidate *candidates, usize count, usize k) {
    if (k == 0 || k >= count) return count;
    make_heap(candidates, count);
    for (usize kept = 0; kept < k; kept++) pop(candidates, count - kept);
    return keep_tail(candidates, count, k);
}

/* Softmax without its division; returns the sum. */
static f64 weigh(Candidate *candidates, usize count, f32 max, f32 temperature) {
    f64 total = 0;
    for (usize i = 0; i < count; i++) {
        candidates[i].weight = math_exp(((f64)candidates[i].logit - (f64)max) / (f64)temperature);
        total += candidates[i].weight;
    }
    return total;
}

/* `*total` is the sum of the weights and becomes that of the kept ones. */
static usize keep_top_p(Candidate *candidates, usize count, f32 top_p, f64 *total) {
    if (top_p >= 1) return count;
    f64 wanted = (f64)top_p * *total;
    usize kept = 0;
    make_heap(candidates, count);
    for (*total = 0; kept < count && (kept == 0 || *total < wanted); kept++) {
        pop(candidates, count - kept);
        *total += candidates[count - kept - 1].weight;
    }
    return keep_tail(candidates, count, kept);
}

static u32 draw(Sampler *sampler, usize count, f64 total) {
    f64 left = random_unit(sampler) * total;
    usize i = 0;
    while (i + 1 < count && left >= sampler->candidates[i].weight) left -= sampler->candidates[i++].weight;
    return sampler->candidates[i].id;
}

/* Logits that are no numbers give the first token. */
static u32 likeliest(const Sampler *sampler, const f32 *logits, f32 max) {
    u32 id = next_reaching(logits, sampler->vocab, 0, max);
    return id < sampler->vocab ? id : 0;
}

u32 sampler_pick(Sampler *sampler, f32 *logits, const u32 *turn, usize turn_count) {
    const SamplerSettings *settings = &sampler->settings;
    ban_repeated_ngrams(settings->no_repeat_ngram, logits, turn, turn_count);
    penalise_repeats(sampler, logits, turn, turn_count);
    f32 max = largest(logits, sampler->vocab);
    if (settings->temperature <= 0) return likeliest(sampler, logits, max);
    usize count = collect(sampler, logits, max);
    if (count == 0) return likeliest(sampler, logits, max);
    count = keep_top_k(sampler->candidates, count, settings->top_k);
    f64 total = weigh(sampler->candidates, count, max, settings->temperature);
    count = keep_top_p(sampler->candidates, count, settings->top_p, &total);
    return draw(sampler, count, total);
}
