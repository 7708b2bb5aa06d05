/* Elementary functions in double precision, the same bits on every platform (no C library has a part in them). */
#ifndef FIRMWARE_BASE_MATH_H
#define FIRMWARE_BASE_MATH_H

#include "firmware/base/types.h"

/** Relative error below 1e-14 over the whole range; 0 under -745, infinity over 709.78. */
f64 math_exp(f64 x);
/** Natural logarithm, relative error below 1e-14; -infinity at 0, NaN below. */
f64 math_log(f64 x);
f64 math_pow(f64 base, f64 exponent); /* base > 0 */
/** Absolute error below 1e-14 for |x| up to 1e6 (angles of a rotary embedding). */
f64 math_sin(f64 x);
f64 math_cos(f64 x);
f64 math_sqrt(f64 x);
static inline f64 math_abs(f64 x) { return x < 0 ? -x : x; }
f64 math_floor(f64 x);

#endif
