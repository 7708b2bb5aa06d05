/* The first serial port, driven directly: bytes arrive as they were written, with no terminal driver between. */
#ifndef FIRMWARE_PLATFORM_UEFI_UART_H
#define FIRMWARE_PLATFORM_UEFI_UART_H

#include "firmware/base/str.h"

/** True when a 16550 answers at COM1; it then runs, at the firmware's speed or at 115200 baud. */
bool uart_open(void);
/** Gives up on a byte the line does not take within about a tenth of a second. */
void uart_write(Str bytes);

#endif
