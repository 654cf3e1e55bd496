/* The clocks that the vDSO reads: they go on, never back, and jump by no more than 5 s. */
#include "proof.h"
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/time.h>

/* volatile, so that gcc keeps no more digits in a register than in memory */
static volatile double last_monotonic, last_realtime, last_of_day;

static void forward(volatile double *last, volatile double now, const char *text)
{
    if (now < *last || now > *last + 5)
        proof_expect(0, text);
    *last = now;
}

static double of_day(void)
{
    struct timeval time;
    gettimeofday(&time, NULL);
    return time.tv_sec + time.tv_usec / 1e6;
}

/* Runs at least 5 ms, so that the looks for the check file are few. */
static void read_clocks(void)
{
    double end = proof_now(CLOCK_MONOTONIC) + 0.005;
    do {
        forward(&last_monotonic, proof_now(CLOCK_MONOTONIC), "CLOCK_MONOTONIC goes on by at most 5 s");
        forward(&last_realtime, proof_now(CLOCK_REALTIME), "CLOCK_REALTIME goes on by at most 5 s");
        forward(&last_of_day, of_day(), "gettimeofday goes on by at most 5 s");
    } while (last_monotonic < end);
}

static double by_system_call(clockid_t clock)
{
    struct timespec time;
    proof_equal(syscall(SYS_clock_gettime, clock, &time), 0, "the system call clock_gettime");
    return time.tv_sec + time.tv_nsec / 1e9;
}

static int agree(clockid_t clock)
{
    double difference = by_system_call(clock) - proof_now(clock);
    return difference > -0.5 && difference < 0.5;
}

int main(void)
{
    unsigned long image = getauxval(AT_SYSINFO_EHDR);
    time_t now;
    proof_begin("vdso_clock");
    if (image == 0)
        proof_skip("the kernel gives no vDSO");
    last_monotonic = proof_now(CLOCK_MONOTONIC);
    last_realtime = proof_now(CLOCK_REALTIME);
    last_of_day = of_day();
    proof_wait_while(read_clocks);
    read_clocks();
    proof_expect(memcmp((void *)image, "\177ELF", 4) == 0, "the vDSO is where it was");
    proof_expect(agree(CLOCK_MONOTONIC), "CLOCK_MONOTONIC is the same through the vDSO and the kernel");
    proof_expect(agree(CLOCK_REALTIME), "CLOCK_REALTIME is the same through the vDSO and the kernel");
    now = time(NULL);
    proof_expect(now >= (time_t)last_realtime - 1 && now <= (time_t)last_realtime + 2, "time agrees with the clock");
    proof_passed();
}
