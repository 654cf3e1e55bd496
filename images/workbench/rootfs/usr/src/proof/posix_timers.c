/* Timers of timer_create(2): their ids, intervals, remaining times and values; both fire. */
#include "proof.h"

#define SIGNAL (SIGRTMIN + 2)

static volatile int periodic_fired, once_fired, strange;

static void handler(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)context;
    if (info->si_code != SI_TIMER)
        strange = 1;
    else if (info->si_value.sival_int == 101)
        periodic_fired++;
    else if (info->si_value.sival_int == 202)
        once_fired++;
    else
        strange = 1;
}

static timer_t make(clockid_t clock, int value)
{
    struct sigevent event;
    timer_t timer;
    memset(&event, 0, sizeof event);
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGNAL;
    event.sigev_value.sival_int = value;
    proof_equal(timer_create(clock, &event, &timer), 0, "a timer is made");
    return timer;
}

static void arm(timer_t timer, long seconds, long nanoseconds, long interval_nanoseconds)
{
    struct itimerspec time;
    time.it_value.tv_sec = seconds;
    time.it_value.tv_nsec = nanoseconds;
    time.it_interval.tv_sec = 0;
    time.it_interval.tv_nsec = interval_nanoseconds;
    proof_equal(timer_settime(timer, 0, &time, NULL), 0, "the timer is armed");
}

int main(void)
{
    struct sigaction action;
    struct itimerspec left;
    timer_t first, periodic, once;
    int before, i;
    proof_begin("posix_timers");
    memset(&action, 0, sizeof action);
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGNAL, &action, NULL);
    first = make(CLOCK_MONOTONIC, 0);
    periodic = make(CLOCK_MONOTONIC, 101);
    once = make(CLOCK_REALTIME, 202);
    timer_delete(first); /* so the ids left do not begin at 0 */
    arm(periodic, 0, 50000000, 50000000);
    arm(once, 1000, 0, 0);

    proof_wait();

    before = periodic_fired;
    proof_equal(timer_gettime(periodic, &left), 0, "the periodic timer is there under its id");
    proof_equal(left.it_interval.tv_nsec, 50000000, "its interval");
    proof_equal(timer_gettime(once, &left), 0, "the other timer is there under its id");
    proof_expect(left.it_value.tv_sec > 900 && left.it_value.tv_sec <= 1000, "it has a little under 1000 s left");
    for (i = 0; i < 100 && periodic_fired < before + 3; i++)
        proof_sleep(50);
    proof_expect(periodic_fired >= before + 3, "the periodic timer keeps firing");
    arm(once, 0, 20000000, 0);
    for (i = 0; i < 100 && !once_fired; i++)
        proof_sleep(50);
    proof_equal(once_fired, 1, "the other timer fires once");
    proof_expect(!strange, "each signal has its timer's value");
    proof_passed();
}
