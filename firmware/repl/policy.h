/* policy.cfg: what the host's guardrails decided, as settings with owners. It is read after repl.cfg and overrules it:
 * operator < organism < curriculum < canary < quarantine.
 *
 * Lines: "OWNER.KEY=VALUE", owner curriculum, canary or quarantine, keys those of repl.cfg; '#' begins a comment line.
 * The last line is "crc32c=XXXXXXXX", of all bytes before it. Programs write this file: one that is not whole, or has a
 * line that is none of these, is held to be a quarantine (oo_auto_apply=0) and nothing else of it is used.
 *
 * A curriculum or a canary does not set the sampling knobs (temp, top_p, top_k, max_tokens) but caps them.
 */
#ifndef FIRMWARE_REPL_POLICY_H
#define FIRMWARE_REPL_POLICY_H

#include "firmware/guard/knobs.h"
#include "firmware/repl/config.h"

enum { POLICY_SETTINGS_MAX = 64 };

typedef struct PolicySetting {
    ConfigOwner owner;
    const ConfigKey *key;
    Str value;
} PolicySetting;

typedef struct Policy {
    PolicySetting settings[POLICY_SETTINGS_MAX];
    usize count;
} Policy;

/** Errors: ERROR_TRUNCATED (no checksum), ERROR_CORRUPT (another checksum), ERROR_USAGE and ERROR_LIMIT (a line), each
 * naming the line. `*policy` is then the quarantine. */
bool policy_parse(Str text, Policy *policy, Error *error);
/** Lays the settings over a configuration, the most powerful owner last. */
void policy_apply(const Policy *policy, Config *config);
/** Caps of the sampling knobs for one layer; false when it has none. */
bool policy_caps(const Policy *policy, KnobLayer layer, Knobs *caps);
/** Names of the owners it has settings of, separated by commas. */
Str policy_owners(const Policy *policy, char *buffer, usize capacity);

#endif
