/*
 * Range reduction, then a Taylor or atanh series long enough for double precision. Speed matters little here: these run
 * when tables are made and when a few candidates are weighed; vector code has its own.
 */
#include "firmware/base/math.h"

#include <emmintrin.h>

#include "firmware/base/mem.h"

#define LN2_HIGH 6.93147180369123816490e-01 /* the leading bits of ln 2: products with small integers are exact */
#define LN2_LOW 1.90821492927058770002e-10  /* and the rest of it */
#define HALF_PI_HIGH 1.57079632673412561417e+00
#define HALF_PI_MIDDLE 6.07710050630396597660e-11
#define HALF_PI_LOW 2.02226624879595063154e-21
#define SQRT_2 1.41421356237309504880

static f64 from_bits(u64 bits) {
    f64 value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static u64 to_bits(f64 value) {
    u64 bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* 2^exponent for a normal result. */
static f64 power_of_two(i64 exponent) { return from_bits((u64)(exponent + 1023) << 52); }

f64 math_floor(f64 x) {
    if (!(math_abs(x) < 4503599627370496.0)) return x; /* from 2^52 on every double is whole */
    f64 whole = (f64)(i64)x;
    return whole > x ? whole - 1 : whole;
}

f64 math_exp(f64 x) {
    if (x != x) return x;
    if (x < -745.2) return 0;
    if (x > 709.7827128933840) return from_bits(0x7FF0000000000000u);
    f64 k = math_floor(x / (LN2_HIGH + LN2_LOW) + 0.5);
    f64 r = (x - k * LN2_HIGH) - k * LN2_LOW; /* |r| <= ln 2 / 2 */
    f64 sum = 1;
    for (int n = 14; n > 0; n--) sum = 1 + sum * r / n;
    i64 exponent = (i64)k;
    i64 half = exponent / 2; /* two steps, so that results near the limits pass through normal numbers */
    return sum * power_of_two(half) * power_of_two(exponent - half);
}

f64 math_log(f64 x) {
    if (x != x || x == from_bits(0x7FF0000000000000u)) return x;
    if (x == 0) return from_bits(0xFFF0000000000000u);
    if (x < 0) return from_bits(0x7FF8000000000000u);
    i64 exponent = 0;
    if (x < 2.2250738585072014e-308) x *= 18014398509481984.0, exponent = -54; /* subnormal: times 2^54 */
    u64 bits = to_bits(x);
    exponent += (i64)(bits >> 52) - 1023;
    f64 mantissa = from_bits((bits & 0x000FFFFFFFFFFFFFu) | 0x3FF0000000000000u);
    if (mantissa > SQRT_2) mantissa *= 0.5, exponent++;
    /* log m = 2 atanh(s) with s = (m - 1) / (m + 1), |s| < 0.1716 */
    f64 s = (mantissa - 1) / (mantissa + 1);
    f64 square = s * s;
    f64 sum = 0;
    for (int n = 21; n > 1; n -= 2) sum = (sum + 1.0 / n) * square;
    f64 log_mantissa = 2 * s * (1 + sum);
    return (f64)exponent * LN2_HIGH + ((f64)exponent * LN2_LOW + log_mantissa);
}

f64 math_pow(f64 base, f64 exponent) { return math_exp(exponent * math_log(base)); }

/* Sine series for |x| <= pi/4. */
static f64 sin_small(f64 x) {
    f64 square = x * x;
    f64 sum = 1;
    for (int n = 18; n > 0; n -= 2) sum = 1 - sum * square / (n * (n + 1));
    return x * sum;
}

static f64 cos_small(f64 x) {
    f64 square = x * x;
    f64 sum = 1;
    for (int n = 18; n > 0; n -= 2) sum = 1 - sum * square / (n * (n - 1));
    return sum;
}

/* sin(x + quarters * pi/2) */
static f64 sin_of_quarters(f64 x, u64 quarters) {
    f64 k = math_floor(x / (HALF_PI_HIGH + HALF_PI_MIDDLE) + 0.5);
    f64 r = ((x - k * HALF_PI_HIGH) - k * HALF_PI_MIDDLE) - k * HALF_PI_LOW;
    u64 quadrant = ((u64)(i64)k + quarters) & 3;
    f64 value = quadrant & 1 ? cos_small(r) : sin_small(r);
    return quadrant & 2 ? -value : value;
}

f64 math_sin(f64 x) { return sin_of_quarters(x, 0); }

f64 math_cos(f64 x) { return sin_of_quarters(x, 1); }

/* The instruction itself: the builtin may call a C library for negative numbers. */
f64 math_sqrt(f64 x) { return _mm_cvtsd_f64(_mm_sqrt_sd(_mm_setzero_pd(), _mm_set_sd(x))); }
