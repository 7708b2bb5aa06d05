/* The C library is the judge. */
#include <math.h>

#include "firmware/base/math.h"
#include "firmware/testing/check.h"

static f64 relative_error(f64 actual, f64 expected) {
    return actual == expected ? 0 : fabs(actual - expected) / fabs(expected);
}

static void exp_agrees_with_libm(void) {
    for (f64 x = -740; x < 709; x += 0.0937) {
        CHECK_MSG(relative_error(math_exp(x), exp(x)) < (x < -700 ? 1e-9 : 1e-14), "exp(%g) = %.17g", x, math_exp(x));
    }
    CHECK(math_exp(-1000) == 0);
    CHECK(isinf(math_exp(1000)));
    CHECK(isnan(math_exp(NAN)));
    CHECK(math_exp(0) == 1);
}

static void log_agrees_with_libm(void) {
    for (f64 x = 1e-300; x < 1e300; x *= 1.37) {
        CHECK_MSG(fabs(math_log(x) - log(x)) <= 1e-14 * fmax(1, fabs(log(x))), "log(%g) = %.17g", x, math_log(x));
    }
    for (f64 x = 0.9; x < 1.1; x += 0.00037) CHECK(relative_error(math_log(x), log(x)) < 1e-13);
    CHECK(math_log(1) == 0);
    CHECK(isinf(math_log(0)) && math_log(0) < 0);
    CHECK(isnan(math_log(-1)));
    CHECK(relative_error(math_log(5e-320), log(5e-320)) < 1e-14);
}

static void powers_of_a_rotary_base_agree(void) {
    for (int i = 0; i < 64; i++) {
        f64 exponent = -2.0 * i / 128;
        CHECK(relative_error(math_pow(100000.0, exponent), pow(100000.0, exponent)) < 1e-13);
    }
}

static void sine_and_cosine_agree_up_to_a_million(void) {
    for (f64 x = -1e6; x < 1e6; x += 13.7193) {
        CHECK_MSG(fabs(math_sin(x) - sin(x)) < 1e-14, "sin(%.17g) = %.17g", x, math_sin(x));
        CHECK_MSG(fabs(math_cos(x) - cos(x)) < 1e-14, "cos(%.17g) = %.17g", x, math_cos(x));
    }
}

static void floor_and_sqrt_agree(void) {
    const f64 values[] = {0, -0.5, 0.5, 1, -1, 2.999999, -3.000001, 1e15 + 0.5, -1e15 - 0.5, 1e18, 1e300};
    for (usize i = 0; i < COUNT_OF(values); i++) {
        CHECK(math_floor(values[i]) == floor(values[i]));
        CHECK(math_sqrt(fabs(values[i])) == sqrt(fabs(values[i])));
    }
}

static const TestCase CASES[] = {
    TEST(exp_agrees_with_libm),          TEST(log_agrees_with_libm),
    TEST(powers_of_a_rotary_base_agree), TEST(sine_and_cosine_agree_up_to_a_million),
    TEST(floor_and_sqrt_agree),
};

TEST_MAIN(CASES)
