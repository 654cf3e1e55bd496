/* Counters of eventfd(2), with and without EFD_SEMAPHORE. */
#include "proof.h"
#include <sys/eventfd.h>

int main(void)
{
    int counter, semaphore, i;
    eventfd_t value;
    proof_begin("eventfd");
    counter = eventfd(7, EFD_NONBLOCK);
    semaphore = eventfd(3, EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC);
    proof_expect(counter >= 0 && semaphore >= 0, "two counters are made");
    proof_wait();
    proof_equal(eventfd_write(counter, 5), 0, "the counter takes more");
    proof_equal(eventfd_read(counter, &value), 0, "the counter is read");
    proof_equal(value, 12, "the counter's value");
    proof_equal(eventfd_read(counter, &value), -1, "the counter is zero then");
    proof_equal(errno, EAGAIN, "the counter does not block");
    for (i = 0; i < 3; i++) {
        proof_equal(eventfd_read(semaphore, &value), 0, "the semaphore is read");
        proof_equal(value, 1, "a semaphore gives one at a time");
    }
    proof_equal(eventfd_read(semaphore, &value), -1, "the semaphore is zero after three");
    proof_equal(fcntl(semaphore, F_GETFD), FD_CLOEXEC, "close-on-exec of the semaphore");
    proof_passed();
}
