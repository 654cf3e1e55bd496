/* The three timers of setitimer(2): one keeps firing, the two of processor time keep their values. */
#include "proof.h"
#include <sys/time.h>

static volatile int fired;

static void count(int signal)
{
    (void)signal;
    fired++;
}

static void set(int timer, long first_seconds, long interval_seconds, long microseconds)
{
    struct itimerval value;
    value.it_value.tv_sec = first_seconds;
    value.it_interval.tv_sec = interval_seconds;
    value.it_value.tv_usec = value.it_interval.tv_usec = microseconds;
    proof_equal(setitimer(timer, &value, NULL), 0, "setitimer succeeds");
}

static struct itimerval found(int timer)
{
    struct itimerval value;
    proof_equal(getitimer(timer, &value), 0, "getitimer succeeds");
    return value;
}

int main(void)
{
    int before, i;
    proof_begin("interval_timers");
    signal(SIGALRM, count);
    set(ITIMER_REAL, 0, 0, 50000);
    set(ITIMER_PROF, 1000, 500, 0);
    set(ITIMER_VIRTUAL, 2000, 600, 0);
    proof_wait();
    before = fired;
    proof_equal(found(ITIMER_REAL).it_interval.tv_usec, 50000, "the interval of ITIMER_REAL");
    for (i = 0; i < 100 && fired < before + 3; i++)
        proof_sleep(50);
    proof_expect(fired >= before + 3, "ITIMER_REAL keeps firing");
    proof_equal(found(ITIMER_PROF).it_interval.tv_sec, 500, "the interval of ITIMER_PROF");
    i = found(ITIMER_PROF).it_value.tv_sec;
    proof_expect(i >= 900 && i <= 1000, "the value of ITIMER_PROF is a little under 1000 s");
    proof_equal(found(ITIMER_VIRTUAL).it_interval.tv_sec, 600, "the interval of ITIMER_VIRTUAL");
    i = found(ITIMER_VIRTUAL).it_value.tv_sec;
    proof_expect(i >= 1900 && i <= 2000, "the value of ITIMER_VIRTUAL is a little under 2000 s");
    proof_passed();
}
