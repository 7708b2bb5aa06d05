/* The kernel sets that exist; only kernels.c chooses among them. */
#ifndef FIRMWARE_KERNELS_SETS_H
#define FIRMWARE_KERNELS_SETS_H

#include "firmware/kernels/kernels.h"

extern const Kernels kernels_scalar; /* plain C, the definition of every operation */
extern const Kernels kernels_avx2;   /* AVX2, FMA and F16C */

#endif
