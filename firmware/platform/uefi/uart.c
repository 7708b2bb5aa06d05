/* Registers of the 16550: National Semiconductor PC16550D data sheet, table II. */
#include "firmware/platform/uefi/uart.h"
#include "firmware/platform/uefi/machine.h"

enum {
    COM1 = 0x3f8,
    DIVISOR_LOW = COM1, /* while LINE_CONTROL has its divisor bit set */
    DIVISOR_HIGH = COM1 + 1,
    FIFO_CONTROL = COM1 + 2,
    LINE_CONTROL = COM1 + 3,
    LINE_STATUS = COM1 + 5,
    SCRATCH = COM1 + 7,
    LINE_CONTROL_8N1 = 0x03,
    LINE_CONTROL_DIVISOR = 0x80,
    FIFO_ENABLE_AND_CLEAR = 0x07,
    LINE_STATUS_TRANSMITTER_READY = 0x20,
    POLLS_MAX = 100000, /* a read of a port takes about a microsecond */
};

static bool scratch_keeps(u8 value) {
    port_write8(SCRATCH, value);
    return port_read8(SCRATCH) == value;
}

/** 115200 baud is the base clock divided by one. */
static void uart_reset(void) {
    port_write8(LINE_CONTROL, LINE_CONTROL_DIVISOR);
    port_write8(DIVISOR_LOW, 1);
    port_write8(DIVISOR_HIGH, 0);
    port_write8(LINE_CONTROL, LINE_CONTROL_8N1);
    port_write8(FIFO_CONTROL, FIFO_ENABLE_AND_CLEAR);
}

bool uart_open(void) {
    if (!scratch_keeps(0x5a) || !scratch_keeps(0xa5)) return false;
    if (port_read8(LINE_CONTROL) == 0) uart_reset(); /* nobody has used it since power came on */
    return true;
}

static bool uart_ready(void) {
    for (u32 poll = 0; poll < POLLS_MAX; poll++) {
        if (port_read8(LINE_STATUS) & LINE_STATUS_TRANSMITTER_READY) return true;
    }
    return false;
}

void uart_write(Str bytes) {
    for (usize i = 0; i < bytes.len && uart_ready(); i++) port_write8(COM1, (u8)bytes.data[i]);
}
