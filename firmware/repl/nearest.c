#include "firmware/repl/nearest.h"

/** More edits than this, or than half the word, is another word and no slip. */
enum { FARTHEST = 3 };

Nearest nearest_to(Str wanted) {
    return (Nearest){.wanted = wanted, .distance = min_usize(FARTHEST, wanted.len / 2) + 1};
}

void nearest_offer(Nearest *nearest, Str name) {
    usize distance = str_edit_distance(nearest->wanted, name);
    if (distance >= nearest->distance) return;
    nearest->distance = distance;
    nearest->name = name;
}
