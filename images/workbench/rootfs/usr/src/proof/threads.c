/* Four threads: one waits for a condition, one sleeps, one reads from a pipe, one computes. */
#include "proof.h"
#include <pthread.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static int signalled, ends[2];
static volatile int asked;
static volatile unsigned counts[4];
static volatile pid_t tids[4];

static void wait_for_condition(void)
{
    pthread_mutex_lock(&mutex);
    while (!signalled)
        pthread_cond_wait(&condition, &mutex);
    pthread_mutex_unlock(&mutex);
}

static void sleep_often(void)
{
    for (; !asked; counts[1]++)
        proof_sleep(20);
}

static void read_pipe(void)
{
    char byte = 0;
    proof_equal(read(ends[0], &byte, 1), 1, "the thread's read returns the byte");
    proof_equal(byte, 'x', "the byte read");
}

static void compute(void)
{
    while (!asked)
        counts[3]++;
}

static void (*const roles[4])(void) = {wait_for_condition, sleep_often, read_pipe, compute};

static void *run(void *argument)
{
    int number = (int)(long)argument;
    unsigned char stack[5000];
    proof_fill(stack, sizeof stack, number);
    tids[number] = gettid();
    roles[number]();
    proof_equal(gettid(), tids[number], "the thread's id is kept");
    proof_expect(proof_filled(stack, sizeof stack, number), "the thread's stack is kept");
    return (void *)(long)(number + 100);
}

int main(void)
{
    pthread_t threads[4];
    unsigned before[4];
    void *result;
    long i;
    proof_begin("threads");
    proof_equal(pipe(ends), 0, "a pipe is made");
    for (i = 0; i < 4; i++)
        proof_equal(pthread_create(&threads[i], NULL, run, (void *)i), 0, "a thread is made");
    for (i = 0; i < 4; i++)
        while (!tids[i])
            proof_sleep(1);
    proof_wait_blocked(tids[0]);
    proof_wait_blocked(tids[2]);
    proof_wait();
    proof_equal(proof_status("Threads:"), 5, "five threads with the first");
    for (i = 0; i < 4; i++) {
        char path[64];
        snprintf(path, sizeof path, "/proc/self/task/%d", (int)tids[i]);
        proof_expect(access(path, F_OK) == 0, "each thread is found under its id");
        before[i] = counts[i];
    }
    proof_sleep(200);
    proof_expect(counts[1] > before[1], "the sleeping thread goes on");
    proof_expect(counts[3] > before[3], "the computing thread goes on");
    asked = 1;
    pthread_mutex_lock(&mutex);
    signalled = 1;
    pthread_cond_signal(&condition);
    pthread_mutex_unlock(&mutex);
    proof_equal(write(ends[1], "x", 1), 1, "the pipe takes a byte");
    for (i = 0; i < 4; i++) {
        proof_equal(pthread_join(threads[i], &result), 0, "a thread is joined");
        proof_equal((long)result, i + 100, "the thread's result");
    }
    proof_passed();
}
