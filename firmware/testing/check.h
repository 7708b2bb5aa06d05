/* The test harness of c_test targets: a test is a function, a program is a list of them. Hosted code only. */
#ifndef FIRMWARE_TESTING_CHECK_H
#define FIRMWARE_TESTING_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/base/arena.h"
#include "firmware/base/error.h"

typedef struct TestCase {
    const char *name;
    void (*run)(void);
} TestCase;

#define TEST(function)                                                                                                 \
    { #function, function }

/** Ends the program with status 1 after saying where and what, as printf does. */
#define CHECK_MSG(condition, ...)                                                                                      \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #condition);                                            \
            fprintf(stderr, __VA_ARGS__);                                                                              \
            fputc('\n', stderr);                                                                                       \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)
#define CHECK(condition) CHECK_MSG(condition, "is false")
#define CHECK_U64(actual, expected)                                                                                    \
    CHECK_MSG((unsigned long long)(actual) == (unsigned long long)(expected), "%llu, expected %llu",                   \
              (unsigned long long)(actual), (unsigned long long)(expected))
#define CHECK_STR(actual, expected)                                                                                    \
    CHECK_MSG(str_eq((actual), (expected)), "\"%.*s\", expected \"%.*s\"", STR_ARG(actual), STR_ARG(expected))
#define CHECK_ERROR(error, expected_code)                                                                              \
    CHECK_MSG((error).code == (expected_code), "code %s, message \"%s\"", error_code_name((error).code),               \
              (error).message)

/** Pages from malloc, each allocation on its own, so that the address sanitizer sees every edge. */
PageSource test_pages(void);
/** Runs every case (or only those named on the command line), printing a line each; returns the exit status. */
int test_main(int argc, char **argv, const TestCase *cases, usize count);

#define TEST_MAIN(cases)                                                                                               \
    int main(int argc, char **argv) { return test_main(argc, argv, (cases), COUNT_OF(cases)); }

#endif
