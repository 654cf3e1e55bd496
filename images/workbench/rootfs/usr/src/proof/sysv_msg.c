/* A System V message queue: identifier, key, and queued messages with their types, in order. */
#include "proof.h"
#include <sys/ipc.h>
#include <sys/msg.h>

#define KEY 0x50726f68

static int id = -1;

struct message {
    long type;
    char text[32];
};

static void remove_queue(void)
{
    msgctl(id, IPC_RMID, NULL);
}

static void put(long type, const char *text)
{
    struct message message;
    message.type = type;
    strcpy(message.text, text);
    proof_equal(msgsnd(id, &message, strlen(text), IPC_NOWAIT), 0, "a message is queued");
}

static void expect_message(long asked, long type, const char *text)
{
    struct message message;
    int got = msgrcv(id, &message, sizeof message.text, asked, IPC_NOWAIT);
    proof_equal(got, (int)strlen(text), "a message's length");
    proof_equal(message.type, type, "a message's type");
    proof_expect(memcmp(message.text, text, got) == 0, "a message's text");
}

int main(void)
{
    struct msqid_ds status;
    proof_begin("sysv_msg");
    id = msgget(KEY, IPC_CREAT | IPC_EXCL | 0600);
    if (id < 0 && errno == ENOSYS)
        proof_skip("the kernel has no System V IPC");
    proof_expect(id >= 0, "a queue is made");
    proof_cleanup = remove_queue;
    put(1, "first");
    put(9, "of type nine");
    put(2, "");
    put(1, "last");
    proof_wait();
    proof_equal(msgget(KEY, 0), id, "the key leads to the same identifier");
    proof_equal(msgctl(id, IPC_STAT, &status), 0, "the queue is told");
    proof_equal(status.msg_qnum, 4, "how many messages are queued");
    put(3, "new");
    expect_message(9, 9, "of type nine");
    expect_message(0, 1, "first");
    expect_message(0, 2, "");
    expect_message(0, 1, "last");
    expect_message(0, 3, "new");
    proof_passed();
}
