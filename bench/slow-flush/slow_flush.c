// Loaded into the database server (LD_PRELOAD): every flush takes a fixed time more, so that a slow disk can be measured on a quick one.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

static void wait_more(void) {
    static long nanoseconds = -1;
    if (nanoseconds < 0) {
        const char *text = getenv("SLOW_FLUSH_MICROSECONDS");
        nanoseconds = text == NULL ? 0 : atol(text) * 1000;
    }
    struct timespec left = {nanoseconds / 1000000000, nanoseconds % 1000000000};
    nanosleep(&left, NULL);
}

int fdatasync(int file) {
    static int (*real)(int);
    if (real == NULL) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    wait_more();
    return real(file);
}

int fsync(int file) {
    static int (*real)(int);
    if (real == NULL) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    wait_more();
    return real(file);
}
