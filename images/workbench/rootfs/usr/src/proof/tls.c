/* Thread-local storage: errno and pthread keys of two threads, and a segment of set_thread_area(2) for each. */
#include "proof.h"
#include <asm/ldt.h>
#include <pthread.h>
#include <sys/syscall.h>

static pthread_key_t key;
static volatile int thread_ready, asked;
static unsigned entry = -1; /* the first thread gets a free one, the second uses the same number */

/* Puts a segment of its own behind fs, which glibc leaves alone. */
static void own_segment(unsigned *place, unsigned value)
{
    struct user_desc segment;
    unsigned selector;
    memset(&segment, 0, sizeof segment);
    segment.entry_number = entry;
    segment.base_addr = (unsigned)place;
    segment.limit = 4095;
    segment.seg_32bit = 1;
    segment.useable = 1;
    proof_equal(syscall(SYS_set_thread_area, &segment), 0, "set_thread_area succeeds");
    entry = segment.entry_number;
    *place = value;
    selector = entry * 8 + 3;
    asm volatile("movl %0, %%eax\n movw %%ax, %%fs" : : "m"(selector) : "eax");
}

static void check_segment(unsigned *place, unsigned value)
{
    struct user_desc segment;
    unsigned found;
    asm volatile("movl %%fs:0, %%eax\n movl %%eax, %0" : "=m"(found) : : "eax");
    proof_equal(found, value, "fs:0 is the value in the thread's own segment");
    memset(&segment, 0, sizeof segment);
    segment.entry_number = entry;
    proof_equal(syscall(SYS_get_thread_area, &segment), 0, "get_thread_area succeeds");
    proof_expect(segment.base_addr == (unsigned)place, "the segment's base is kept");
    proof_equal(segment.limit, 4095, "the segment's limit is kept");
}

static void *second(void *unused)
{
    unsigned place;
    int *own_errno = &errno;
    pthread_t self = pthread_self();
    (void)unused;
    own_segment(&place, 2222);
    pthread_setspecific(key, (void *)22);
    errno = 77;
    thread_ready = 1;
    while (!asked)
        ; /* no call, so nobody but the move could change errno */
    proof_equal(errno, 77, "errno of the second thread is kept");
    proof_expect(&errno == own_errno, "errno of the second thread stays in its place");
    proof_expect(pthread_self() == self, "pthread_self of the second thread is kept");
    proof_equal((int)pthread_getspecific(key), 22, "the key's value in the second thread is kept");
    check_segment(&place, 2222);
    return NULL;
}

int main(void)
{
    unsigned place;
    int *own_errno = &errno;
    pthread_t thread, self = pthread_self();
    proof_begin("tls");
    proof_equal(pthread_key_create(&key, NULL), 0, "a key is made");
    pthread_setspecific(key, (void *)11);
    own_segment(&place, 1111);
    proof_equal(pthread_create(&thread, NULL, second, NULL), 0, "a thread is made");
    while (!thread_ready)
        proof_sleep(1);
    proof_wait();
    proof_expect(&errno == own_errno, "errno stays in its place");
    proof_expect(pthread_self() == self, "pthread_self is kept");
    proof_equal((int)pthread_getspecific(key), 11, "the key's value is kept");
    check_segment(&place, 1111);
    asked = 1;
    pthread_join(thread, NULL);
    proof_passed();
}
