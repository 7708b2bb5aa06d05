/* The three modes: two healthy boots lift a mode, one unhealthy boot lowers it, an idle one is no evidence. */
#ifndef FIRMWARE_OO_MODE_H
#define FIRMWARE_OO_MODE_H

#include "firmware/oo/action.h"

/** How far a boot came. Each is written to the volume when it is reached. */
typedef enum BootStage {
    BOOT_NONE,    /* there was no boot */
    BOOT_STARTED, /* counted, nothing else: it ended before the prompt */
    BOOT_READY,   /* at the prompt; nobody has asked anything */
    BOOT_ASKED,   /* a question was asked; no answer yet */
    BOOT_HEALTHY, /* the model answered, or there is none on purpose */
    BOOT_LOST,    /* something failed: the sentinel, memory, the model */
} BootStage;

OoHealth boot_health(BootStage stage);

enum { MODE_HEALTHY_BOOTS = 2 };

typedef struct ModeStep {
    OoMode mode;
    u32 healthy_boots; /* in a row, at this mode */
    ReasonId reason;
} ModeStep;

/** The mode of the next boot. */
ModeStep mode_next(OoMode mode, u32 healthy_boots, OoHealth previous);
/** The longest context of a mode in tokens; 0: no bound. */
u32 mode_context_cap(OoMode mode);

#endif
