/* Children that wait in msgrcv and semop: each goes on waiting, and gets what it waited for. */
#include "proof.h"
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>

static int queue = -1, semaphore = -1;

static void remove_both(void)
{
    msgctl(queue, IPC_RMID, NULL);
    semctl(semaphore, 0, IPC_RMID);
}

int main(void)
{
    struct {
        long type;
        char text[8];
    } message = {7, "hello"};
    struct sembuf take = {0, -1, 0}, give = {0, 1, 0};
    pid_t receiver, taker;
    int result;
    proof_begin("restarted_sysv");
    proof_cleanup = remove_both;
    queue = msgget(IPC_PRIVATE, 0600);
    semaphore = semget(IPC_PRIVATE, 1, 0600);
    proof_expect(queue >= 0 && semaphore >= 0, "a queue and a semaphore are made");
    receiver = proof_fork();
    if (receiver == 0) {
        proof_settled();
        memset(&message, 0, sizeof message);
        proof_equal(msgrcv(queue, &message, 8, 7, 0), 8, "msgrcv returns the message");
        proof_expect(strcmp(message.text, "hello") == 0, "the message's text");
        proof_end(0);
    }
    taker = proof_fork();
    if (taker == 0) {
        proof_settled();
        do /* semop ends with EINTR after any stop, signal(7) */
            result = semop(semaphore, &take, 1);
        while (result < 0 && errno == EINTR);
        proof_equal(result, 0, "semop succeeds");
        proof_end(0);
    }
    proof_wait_blocked(receiver);
    proof_wait_blocked(taker);

    proof_wait();

    proof_equal(waitpid(receiver, NULL, WNOHANG), 0, "msgrcv has not ended by the move");
    proof_equal(waitpid(taker, NULL, WNOHANG), 0, "semop has not ended by the move");
    proof_equal(msgsnd(queue, &message, 8, 0), 0, "msgsnd succeeds");
    proof_equal(semop(semaphore, &give, 1), 0, "semop gives one");
    proof_reap(receiver);
    proof_reap(taker);
    proof_passed();
}
