/* Timers of timerfd_create(2): a periodic one, one far away, and one that has expired and was not read. */
#include "proof.h"
#include <poll.h>
#include <stdint.h>
#include <sys/timerfd.h>

static int make(clockid_t clock, long seconds, long nanoseconds, long interval_nanoseconds)
{
    struct itimerspec time;
    int fd = timerfd_create(clock, TFD_NONBLOCK);
    proof_expect(fd >= 0, "a timer is made");
    time.it_value.tv_sec = seconds;
    time.it_value.tv_nsec = nanoseconds;
    time.it_interval.tv_sec = 0;
    time.it_interval.tv_nsec = interval_nanoseconds;
    proof_equal(timerfd_settime(fd, 0, &time, NULL), 0, "the timer is armed");
    return fd;
}

static long expirations(int fd, int milliseconds)
{
    struct pollfd wait;
    uint64_t count;
    wait.fd = fd;
    wait.events = POLLIN;
    poll(&wait, 1, milliseconds);
    return read(fd, &count, sizeof count) == sizeof count ? (long)count : 0;
}

int main(void)
{
    struct itimerspec left;
    int periodic, far, expired;
    proof_begin("timerfd");
    periodic = make(CLOCK_MONOTONIC, 0, 50000000, 50000000);
    far = make(CLOCK_REALTIME, 1000, 0, 0);
    expired = make(CLOCK_MONOTONIC, 0, 1, 0);
    proof_sleep(20);

    proof_wait();

    proof_equal(expirations(expired, 0), 1, "the expiration that nobody read");
    proof_equal(timerfd_gettime(periodic, &left), 0, "timerfd_gettime succeeds");
    proof_equal(left.it_interval.tv_nsec, 50000000, "the interval");
    expirations(periodic, 5000);
    proof_expect(expirations(periodic, 5000) > 0, "the periodic timer keeps expiring");
    proof_equal(timerfd_gettime(far, &left), 0, "timerfd_gettime succeeds for the other");
    proof_expect(left.it_value.tv_sec > 900 && left.it_value.tv_sec <= 1000, "it has a little under 1000 s left");
    proof_equal(expirations(far, 0), 0, "it has not expired");
    proof_equal(errno, EAGAIN, "its descriptor is still non-blocking");
    proof_passed();
}
