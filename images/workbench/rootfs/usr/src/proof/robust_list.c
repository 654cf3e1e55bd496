/*
 * What the kernel does for a thread that ends: it wakes who joins it (set_tid_address(2)) and marks its
 * robust mutexes (set_robust_list(2)).
 */
#include "proof.h"
#include <pthread.h>
#include <sys/syscall.h>

static pthread_mutex_t mutex;
static pthread_t owner;
static volatile int asked, owner_ready;
static volatile pid_t joiner_tid;

static void *own_and_end(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&mutex);
    owner_ready = 1;
    while (!asked)
        proof_sleep(10);
    return NULL; /* with the mutex locked */
}

static void *join_owner(void *unused)
{
    (void)unused;
    joiner_tid = gettid();
    return (void *)(long)pthread_join(owner, NULL);
}

static void *robust_head(void)
{
    void *head = NULL;
    size_t length;
    proof_equal(syscall(SYS_get_robust_list, 0, &head, &length), 0, "get_robust_list succeeds");
    return head;
}

int main(void)
{
    pthread_mutexattr_t robust;
    pthread_t joiner;
    void *head, *result;
    proof_begin("robust_list");
    pthread_mutexattr_init(&robust);
    pthread_mutexattr_setrobust(&robust, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&mutex, &robust);
    proof_equal(pthread_create(&owner, NULL, own_and_end, NULL), 0, "a thread is made");
    while (!owner_ready)
        proof_sleep(1);
    proof_equal(pthread_create(&joiner, NULL, join_owner, NULL), 0, "a second thread is made");
    while (!joiner_tid)
        proof_sleep(1);
    proof_wait_blocked(joiner_tid);
    head = robust_head();
    proof_wait();
    proof_expect(robust_head() == head, "the head of the robust list is kept");
    proof_equal(pthread_mutex_trylock(&mutex), EBUSY, "the mutex is still locked");
    asked = 1;
    proof_equal(pthread_mutex_lock(&mutex), EOWNERDEAD, "the lock tells that its owner died");
    proof_equal(pthread_mutex_consistent(&mutex), 0, "the mutex is made consistent");
    pthread_mutex_unlock(&mutex);
    proof_equal(pthread_join(joiner, &result), 0, "the joining thread ends");
    proof_equal((long)result, 0, "the joining thread's pthread_join");
    proof_passed();
}
