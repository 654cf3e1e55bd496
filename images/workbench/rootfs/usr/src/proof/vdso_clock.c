/* The clocks that the vDSO reads: they go on, never back, and jump by no more than 5 s. */
#include "proof.h"
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/time.h>

/* Microseconds. */
static long long last_monotonic, last_realtime, last_of_day;

static long long clock_now(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return time.tv_sec * 1000000LL + time.tv_nsec / 1000;
}

static long long of_day(void)
{
    struct timeval time;
    gettimeofday(&time, NULL);
    return time.tv_sec * 1000000LL + time.tv_usec;
}

static void forward(long long *last, long long now, const char *text)
{
    proof_expect(now >= *last && now <= *last + 5000000, text);
    *last = now;
}

/* Runs at least 5 ms, so that the looks for the check file are few. */
static void read_clocks(void)
{
    long long end = clock_now(CLOCK_MONOTONIC) + 5000;
    do {
        forward(&last_monotonic, clock_now(CLOCK_MONOTONIC), "CLOCK_MONOTONIC goes on by at most 5 s");
        forward(&last_realtime, clock_now(CLOCK_REALTIME), "CLOCK_REALTIME goes on by at most 5 s");
        forward(&last_of_day, of_day(), "gettimeofday goes on by at most 5 s");
    } while (last_monotonic < end);
}

static long long by_system_call(clockid_t clock)
{
    struct timespec time;
    proof_equal(syscall(SYS_clock_gettime, clock, &time), 0, "the system call clock_gettime");
    return time.tv_sec * 1000000LL + time.tv_nsec / 1000;
}

static int agree(clockid_t clock)
{
    long long difference = by_system_call(clock) - clock_now(clock);
    return difference > -500000 && difference < 500000;
}

int main(void)
{
    unsigned long image = getauxval(AT_SYSINFO_EHDR);
    time_t now;
    proof_begin("vdso_clock");
    if (image == 0)
        proof_skip("the kernel gives no vDSO");
    last_monotonic = clock_now(CLOCK_MONOTONIC);
    last_realtime = clock_now(CLOCK_REALTIME);
    last_of_day = of_day();
    proof_wait_while(read_clocks);
    read_clocks();
    proof_expect(memcmp((void *)image, "\177ELF", 4) == 0, "the vDSO is where it was");
    proof_expect(agree(CLOCK_MONOTONIC), "CLOCK_MONOTONIC is the same through the vDSO and the kernel");
    proof_expect(agree(CLOCK_REALTIME), "CLOCK_REALTIME is the same through the vDSO and the kernel");
    now = time(NULL);
    proof_expect(now >= last_realtime / 1000000 - 1 && now <= last_realtime / 1000000 + 2,
        "time agrees with the clock");
    proof_passed();
}
