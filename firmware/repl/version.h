/* The version of the release that this source is of; tools/release/VERSION says the same, and a test compares. */
#ifndef FIRMWARE_REPL_VERSION_H
#define FIRMWARE_REPL_VERSION_H

#define RELEASE_VERSION "0.6.0"

#endif
