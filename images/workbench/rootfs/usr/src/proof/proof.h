/*
 * What every proof shares. A proof sets one resource up, says READY, is moved to another kernel while it
 * waits, and then looks whether the resource is still as it was left. It prints these lines and no others,
 * each with one write(2) to file descriptor 1:
 *
 *   READY name PID                               the resource is set up, the move may come
 *   PASSED name                                  the resource is as it was; exit status 0
 *   SKIPPED name: why                            this system cannot show it; exit status 0
 *   FAILED name: what was expected (line N)      exit status 1
 *
 * Environment: PROOF_CHECK names the file whose appearance ends the wait (default /run/proof-check),
 * PROOF_DIR the directory in which the proof makes its files (default /home).
 *
 * Proofs are for i386 and are compiled by tcc (`tcc -o name name.c`): C99, no __thread, no _Atomic, no
 * __builtin_*. With gcc: `gcc -m32 -no-pie -std=gnu99`.
 *
 * References: zdtm, the test suite of CRIU, whose arrangement this is.
 */
#ifndef PROOF_H
#define PROOF_H

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *proof_name;
static pid_t proof_children[16];
static int proof_child_count;
static char *proof_paths[32];
static int proof_path_count;
static int proof_is_child;
static int proof_settled_fd = -1;

/* Called once when the first process of the proof ends, whatever its verdict: for what outlives a process. */
static void (*proof_cleanup)(void);

/* Prints one line with one write(2), so that lines of several processes never mix. */
static inline void proof_say(const char *word, const char *rest)
{
    char line[512]; /* longer than any name and rest together */
    int length = snprintf(line, sizeof line, "%s %s%s\n", word, proof_name, rest);
    if (write(1, line, length) != length)
        _exit(3);
}

/* Ends this process; the first process also takes its children, files and other leftovers away. */
static inline void proof_end(int status)
{
    int i;
    for (i = 0; i < proof_child_count; i++)
        if (proof_children[i] > 0) {
            kill(proof_children[i], SIGKILL);
            waitpid(proof_children[i], NULL, 0);
        }
    if (!proof_is_child) {
        if (proof_cleanup)
            proof_cleanup();
        for (i = proof_path_count - 1; i >= 0; i--)
            remove(proof_paths[i]);
    }
    _exit(status);
}

/* Begins the proof of this name, which is also the name of its file. */
static inline void proof_begin(const char *name)
{
    proof_name = name;
}

/* Ends the proof well. */
static inline void proof_passed(void)
{
    proof_say("PASSED", "");
    proof_end(0);
}

/* Ends the proof where the system lacks what it is about. */
static inline void proof_skip(const char *why)
{
    char rest[300];
    snprintf(rest, sizeof rest, ": %s", why);
    proof_say("SKIPPED", rest);
    proof_end(0);
}

static inline void proof_failed(const char *text, int line)
{
    char rest[400];
    snprintf(rest, sizeof rest, ": %s (line %d)", text, line);
    proof_say("FAILED", rest);
    proof_end(1);
}

static inline void proof_compare(long long got, long long wanted, const char *text, int line)
{
    char rest[350];
    if (got == wanted)
        return;
    snprintf(rest, sizeof rest, "%s: %lld instead of %lld", text, got, wanted);
    proof_failed(rest, line);
}

/* Ends the proof with FAILED unless the condition holds; the text says what was expected. */
#define proof_expect(condition, text) \
    do { \
        if (!(condition)) \
            proof_failed(text, __LINE__); \
    } while (0)

/* The same for two integers; both appear in the message. */
#define proof_equal(got, wanted, text) proof_compare(got, wanted, text, __LINE__)

/* Sleeps; a signal handler may end it early. */
static inline void proof_sleep(int milliseconds)
{
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    nanosleep(&time, NULL);
}

/* Whether the file that ends the wait is there. */
static inline int proof_check_asked(void)
{
    const char *path = getenv("PROOF_CHECK");
    return access(path ? path : "/run/proof-check", F_OK) == 0;
}

/* Says that the resource is set up, without waiting. */
static inline void proof_ready(void)
{
    char rest[32];
    snprintf(rest, sizeof rest, " %d", (int)getpid());
    proof_say("READY", rest);
}

/* Waits as proof_wait does but says nothing: for children and threads. */
static inline void proof_wait_quietly(void)
{
    while (!proof_check_asked())
        proof_sleep(10);
}

/* Says READY and waits, looking every 10 ms, until the checks are asked for. */
static inline void proof_wait(void)
{
    proof_ready();
    proof_wait_quietly();
}

/* Says READY and works, a piece of some milliseconds between two looks, until the checks are asked for. */
static inline void proof_wait_while(void (*work)(void))
{
    proof_ready();
    while (!proof_check_asked())
        work();
}

/* The path of a file of this proof, where nothing is yet; what will be there is removed when the proof ends. */
static inline char *proof_path(const char *file)
{
    const char *directory = getenv("PROOF_DIR");
    char *path = malloc(256);
    snprintf(path, 256, "%s/proof-%s-%s", directory ? directory : "/home", proof_name, file);
    remove(path);
    proof_paths[proof_path_count++] = path;
    return path;
}

/*
 * Forks. In the parent it returns when the child has called proof_settled. The child ends with proof_end, and
 * says itself what is wrong; the parent takes its verdict with proof_reap.
 */
static inline pid_t proof_fork(void)
{
    int ends[2];
    char byte;
    pid_t pid;
    if (pipe(ends) != 0 || (pid = fork()) < 0)
        proof_failed("a child process", __LINE__);
    if (pid == 0) {
        close(ends[0]);
        if (proof_settled_fd >= 0)
            close(proof_settled_fd);
        proof_settled_fd = ends[1];
        proof_is_child = 1;
        proof_child_count = 0;
        return 0;
    }
    close(ends[1]);
    proof_children[proof_child_count++] = pid;
    if (read(ends[0], &byte, 1) != 1)
        proof_end(1);
    close(ends[0]);
    return pid;
}

/* In a child: what it had to set up is set up. Leaves no pipe behind. */
static inline void proof_settled(void)
{
    if (write(proof_settled_fd, "", 1) != 1)
        _exit(3);
    close(proof_settled_fd);
    proof_settled_fd = -1;
}

/* The parent will not find this child any more: it was reaped some other way. */
static inline void proof_forget(pid_t pid)
{
    int i;
    for (i = 0; i < proof_child_count; i++)
        if (proof_children[i] == pid)
            proof_children[i] = 0;
}

/* Waits for a child and takes over its verdict. */
static inline void proof_reap(pid_t pid)
{
    int status = 0;
    pid_t got;
    do
        got = waitpid(pid, &status, 0);
    while (got < 0 && errno == EINTR);
    proof_forget(pid);
    proof_equal(got, pid, "waitpid returns the child");
    if (WIFSIGNALED(status))
        proof_compare(WTERMSIG(status), 0, "the child ends by no signal", __LINE__);
    if (status != 0)
        proof_end(1);
}

/* The state letter of a process or thread, such as S or Z (proc(5), /proc/PID/stat). */
static inline char proof_state(pid_t pid)
{
    char path[64], stat[256] = "";
    char *end;
    int fd;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    fd = open(path, O_RDONLY);
    if (fd < 0)
        return 0;
    if (read(fd, stat, sizeof stat - 1) < 0)
        stat[0] = 0;
    close(fd);
    end = strrchr(stat, ')');
    return end ? end[2] : 0;
}

/* Waits until a process or thread sleeps in a system call. */
static inline void proof_wait_blocked(pid_t pid)
{
    int i;
    for (i = 0; i < 5000 && proof_state(pid) != 'S'; i++)
        proof_sleep(1);
    proof_expect(proof_state(pid) == 'S', "the process sleeps in a system call");
}

/* The number behind a key such as "VmRSS:" in /proc/self/status, or -1 (proc(5)). */
static inline long proof_status(const char *key)
{
    FILE *status = fopen("/proc/self/status", "r");
    char line[256];
    long number = -1;
    while (status && fgets(line, sizeof line, status))
        if (strncmp(line, key, strlen(key)) == 0)
            number = strtol(line + strlen(key), NULL, 0);
    if (status)
        fclose(status);
    return number;
}

/* Fills memory with a pattern that depends on the seed and on each place. */
static inline void proof_fill(void *memory, size_t bytes, unsigned seed)
{
    unsigned char *at = memory;
    size_t i;
    for (i = 0; i < bytes; i++)
        at[i] = (unsigned char)((i + seed) * 2654435761u >> 24);
}

/* Whether memory holds the pattern of proof_fill. */
static inline int proof_filled(const void *memory, size_t bytes, unsigned seed)
{
    const unsigned char *at = memory;
    size_t i;
    for (i = 0; i < bytes; i++)
        if (at[i] != (unsigned char)((i + seed) * 2654435761u >> 24))
            return 0;
    return 1;
}

#endif
