/* An epoll instance: what it watches, with which values and flags; one nested in another. */
#include "proof.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>

#define LEVEL 0x1111222233334444ULL
#define EDGE 0x5555666677778888ULL
#define ONCE 0x9999aaaabbbbccccULL
#define NESTED 0xddddeeeeffff0000ULL

static void watch(int epoll, int fd, unsigned events, unsigned long long data)
{
    struct epoll_event event;
    event.events = events;
    event.data.u64 = data;
    proof_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0, "a descriptor is watched");
}

/* How many events carry this value. */
static int told(int epoll, unsigned long long data)
{
    struct epoll_event events[8];
    int count = epoll_wait(epoll, events, 8, 0), i, found = 0;
    for (i = 0; i < count; i++)
        if (events[i].data.u64 == data) {
            proof_equal(events[i].events, EPOLLIN, "the event is EPOLLIN");
            found++;
        }
    return found;
}

int main(void)
{
    int epoll, inner, outer, level, edge, once, nested;
    eventfd_t value;
    proof_begin("epoll");
    level = eventfd(0, 0);
    edge = eventfd(0, 0);
    once = eventfd(1, 0);
    nested = eventfd(0, 0);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    inner = epoll_create1(0);
    outer = epoll_create1(0);
    watch(epoll, level, EPOLLIN, LEVEL);
    watch(epoll, edge, EPOLLIN | EPOLLET, EDGE);
    watch(epoll, once, EPOLLIN | EPOLLONESHOT, ONCE);
    watch(inner, nested, EPOLLIN, 1);
    watch(outer, inner, EPOLLIN, NESTED);
    proof_equal(told(epoll, ONCE), 1, "the event that comes once"); /* and is disarmed now */

    proof_wait();

    proof_equal(told(epoll, ONCE), 0, "the event that came once does not come again");
    proof_equal(told(epoll, LEVEL), 0, "nothing has happened yet");
    eventfd_write(level, 1);
    proof_equal(told(epoll, LEVEL), 1, "an event comes with its value");
    proof_equal(told(epoll, LEVEL), 1, "it comes again as long as it is true");
    eventfd_read(level, &value);
    proof_equal(told(epoll, LEVEL), 0, "it does not come when it is over");
    eventfd_write(edge, 1);
    proof_equal(told(epoll, EDGE), 1, "an edge comes with its value");
    proof_equal(told(epoll, EDGE), 0, "an edge comes once");
    eventfd_write(nested, 1);
    proof_equal(told(outer, NESTED), 1, "an event comes through the nested instance");
    proof_equal(epoll_ctl(epoll, EPOLL_CTL_DEL, once, NULL), 0, "the disarmed descriptor is still watched");
    proof_equal(fcntl(epoll, F_GETFD), FD_CLOEXEC, "close-on-exec of the instance");
    proof_passed();
}
