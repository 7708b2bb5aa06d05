/* The machine of a history: a volume in memory, and the organism that boots on it. */
#ifndef FIRMWARE_SIMULATION_MACHINE_H
#define FIRMWARE_SIMULATION_MACHINE_H

#include "firmware/oo/organism.h"
#include "firmware/testing/memory_volume.h"

typedef struct Machine {
    Platform platform;
    MemoryVolume volume;
    u64 clock_us;
    EventSink sink;
    Journal journal;
    Organism organism;
} Machine;

/** A machine with an empty volume; `host` gives it pages and takes its console. */
void machine_init(Machine *machine, const Platform *host);

#endif
