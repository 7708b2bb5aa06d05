#include "firmware/oo/mode.h"

OoHealth boot_health(BootStage stage) {
    static const OoHealth OF[] = {
        [BOOT_NONE] = OO_HEALTH_NONE,       [BOOT_STARTED] = OO_HEALTH_UNHEALTHY, [BOOT_READY] = OO_HEALTH_IDLE,
        [BOOT_ASKED] = OO_HEALTH_UNHEALTHY, [BOOT_HEALTHY] = OO_HEALTH_HEALTHY,   [BOOT_LOST] = OO_HEALTH_UNHEALTHY,
    };
    return OF[stage];
}

static ModeStep after_healthy(OoMode mode, u32 healthy_boots) {
    u32 now = healthy_boots < UINT32_MAX ? healthy_boots + 1 : healthy_boots;
    if (mode == OO_MODE_NORMAL) return (ModeStep){mode, now, REASON_ID_OO_MODE_AT_TOP};
    if (now < MODE_HEALTHY_BOOTS) return (ModeStep){mode, now, REASON_ID_OO_MODE_HEALTHY_ONCE};
    return (ModeStep){mode - 1, 0, REASON_ID_OO_MODE_LIFTED};
}

static ModeStep after_unhealthy(OoMode mode) {
    if (mode == OO_MODE_SAFE) return (ModeStep){mode, 0, REASON_ID_OO_MODE_AT_BOTTOM};
    return (ModeStep){mode + 1, 0, REASON_ID_OO_MODE_LOWERED};
}

ModeStep mode_next(OoMode mode, u32 healthy_boots, OoHealth previous) {
    switch (previous) {
    case OO_HEALTH_HEALTHY:
        return after_healthy(mode, healthy_boots);
    case OO_HEALTH_UNHEALTHY:
        return after_unhealthy(mode);
    case OO_HEALTH_IDLE:
        return (ModeStep){mode, healthy_boots, REASON_ID_OO_MODE_HELD_IDLE};
    case OO_HEALTH_NONE:
        break;
    }
    return (ModeStep){OO_MODE_SAFE, 0, REASON_ID_OO_MODE_INIT};
}

u32 mode_context_cap(OoMode mode) {
    static const u32 CAPS[OO_MODES] = {
        [OO_MODE_NORMAL] = 0,
        [OO_MODE_DEGRADED] = 512,
        [OO_MODE_SAFE] = 256,
    };
    return CAPS[mode];
}
