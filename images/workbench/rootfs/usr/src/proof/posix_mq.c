/* A POSIX message queue: its limits, and queued messages in the order of their priorities. */
#include "proof.h"
#include <mqueue.h>

#define NAME "/proof-posix_mq"

static void remove_queue(void)
{
    mq_unlink(NAME);
}

static void expect_message(mqd_t queue, unsigned priority, const char *text)
{
    char buffer[64];
    unsigned found;
    int got = mq_receive(queue, buffer, sizeof buffer, &found);
    proof_equal(got, (int)strlen(text), "a message's length");
    proof_equal(found, priority, "a message's priority");
    proof_expect(memcmp(buffer, text, got) == 0, "a message's text");
}

int main(void)
{
    struct mq_attr limits, found;
    mqd_t queue, other;
    proof_begin("posix_mq");
    memset(&limits, 0, sizeof limits);
    limits.mq_maxmsg = 6;
    limits.mq_msgsize = 64;
    mq_unlink(NAME);
    queue = mq_open(NAME, O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK, 0600, &limits);
    if (queue < 0)
        proof_skip("the kernel has no POSIX message queues");
    proof_cleanup = remove_queue;
    proof_equal(mq_send(queue, "low", 3, 1), 0, "a message is queued");
    proof_equal(mq_send(queue, "high", 4, 30000), 0, "a second message is queued");
    proof_equal(mq_send(queue, "low again", 9, 1), 0, "a third message is queued");
    proof_wait();
    proof_equal(mq_getattr(queue, &found), 0, "the queue is told");
    proof_equal(found.mq_maxmsg, 6, "how many messages it takes");
    proof_equal(found.mq_msgsize, 64, "how long a message may be");
    proof_equal(found.mq_curmsgs, 3, "how many messages are queued");
    proof_equal(found.mq_flags, O_NONBLOCK, "the queue does not block");
    other = mq_open(NAME, O_WRONLY);
    proof_expect(other >= 0, "the queue is found by its name");
    proof_equal(mq_send(other, "middle", 6, 5), 0, "a message is sent through the name");
    expect_message(queue, 30000, "high");
    expect_message(queue, 5, "middle");
    expect_message(queue, 1, "low");
    expect_message(queue, 1, "low again");
    proof_passed();
}
