/* What the host program does without a session: one prompt, token ids of texts, the perplexity of a text. */
#ifndef FIRMWARE_PLATFORM_HOST_BATCH_H
#define FIRMWARE_PLATFORM_HOST_BATCH_H

#include "firmware/platform/host/host.h"
#include "firmware/platform/host/options.h"

bool batch_is_asked(const Options *options);
/** Does it, with results on standard output and errors on standard error; returns the exit code. */
u32 batch_run(const Platform *platform, const Options *options);

#endif
