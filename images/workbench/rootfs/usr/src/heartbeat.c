/*
 * Beats 2000 times a second, and knows the longest time between two beats: it was kept from running then.
 * On SIGUSR1 it writes both to the file that it is given.
 */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

static volatile sig_atomic_t asked;

static void ask(int signal)
{
    asked = signal;
}

static long long now(void)
{
    struct timespec moment;
    clock_gettime(CLOCK_MONOTONIC, &moment);
    return moment.tv_sec * 1000000000LL + moment.tv_nsec;
}

int main(int argc, char **argv)
{
    struct sched_param urgent = {.sched_priority = 1};
    struct timespec rest = {.tv_sec = 0, .tv_nsec = 500000};
    long beats = 0;
    long long last, longest = 0;

    /* No other program of the guest may come between two beats. */
    if (argc != 2 || sched_setscheduler(0, SCHED_FIFO, &urgent) != 0)
        return 1;
    signal(SIGUSR1, ask);
    last = now();
    for (;;) {
        long long beat;
        nanosleep(&rest, NULL);
        beat = now();
        if (beat - last > longest)
            longest = beat - last;
        last = beat;
        beats++;
        if (asked) {
            FILE *file = fopen(argv[1], "w");
            if (file == NULL)
                return 1;
            fprintf(file, "%ld beats, longest gap %lld.%06lld ms\n", beats, longest / 1000000,
                    longest % 1000000);
            fclose(file);
            asked = 0;
        }
    }
}
