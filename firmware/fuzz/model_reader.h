/* Reads what a model that was accepted points to. */
#ifndef FIRMWARE_FUZZ_MODEL_READER_H
#define FIRMWARE_FUZZ_MODEL_READER_H

#include "firmware/model/model.h"

/** Expands the first and the last row of every matrix and reads both ends of every vector. */
void read_model_edges(const Model *model, Arena *arena);

#endif
