/* The host program. */
#ifndef FIRMWARE_PLATFORM_HOST_MAIN_H
#define FIRMWARE_PLATFORM_HOST_MAIN_H

#include "firmware/base/types.h"

/** `build_id` comes from the executable's build id note. Returns the exit code. */
u32 host_main(i32 count, char *const *arguments, u32 build_id);

#endif
