/* File locks of flock(2) and fcntl(2), the latter of a process and of an open file: a child cannot take them. */
#include "proof.h"
#include <sys/file.h>

static struct flock range(short type, off_t start, off_t length)
{
    struct flock lock;
    memset(&lock, 0, sizeof lock);
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    lock.l_start = start;
    lock.l_len = length;
    return lock;
}

static int set(int fd, int command, short type, off_t start, off_t length)
{
    struct flock lock = range(type, start, length);
    return fcntl(fd, command, &lock);
}

static void refused(int result)
{
    proof_equal(result, -1, "a child cannot take the lock");
    proof_expect(errno == EAGAIN || errno == EACCES, "because it is held");
}

/* In a child, with descriptions of its own. */
static void check(const char *whole, const char *owned, const char *open_file, pid_t owner)
{
    struct flock lock = range(F_WRLCK, 12, 1);
    int fd = open(whole, O_RDWR);
    refused(flock(fd, LOCK_EX | LOCK_NB));
    refused(flock(fd, LOCK_SH | LOCK_NB));
    fd = open(owned, O_RDWR);
    refused(set(fd, F_SETLK, F_RDLCK, 10, 10));
    refused(set(fd, F_SETLK, F_WRLCK, 100, 10));
    proof_equal(set(fd, F_SETLK, F_RDLCK, 100, 10), 0, "a lock for reading is shared");
    proof_equal(set(fd, F_SETLK, F_WRLCK, 40, 10), 0, "between the locks all is free");
    proof_equal(fcntl(fd, F_GETLK, &lock), 0, "F_GETLK succeeds");
    proof_equal(lock.l_pid, owner, "the lock's owner");
    proof_equal(lock.l_start, 10, "the lock's start");
    proof_equal(lock.l_len, 10, "the lock's length");
    fd = open(open_file, O_RDWR);
    refused(set(fd, F_OFD_SETLK, F_RDLCK, 0, 5));
    proof_equal(set(fd, F_OFD_SETLK, F_WRLCK, 5, 5), 0, "behind the lock of the open file all is free");
}

int main(void)
{
    char *whole, *owned, *open_file;
    int fds[3];
    pid_t child;
    proof_begin("file_locks");
    fds[0] = open(whole = proof_path("whole"), O_RDWR | O_CREAT, 0600);
    fds[1] = open(owned = proof_path("owned"), O_RDWR | O_CREAT, 0600);
    fds[2] = open(open_file = proof_path("open-file"), O_RDWR | O_CREAT, 0600);
    proof_equal(flock(fds[0], LOCK_EX), 0, "flock succeeds");
    proof_equal(set(fds[1], F_SETLK, F_WRLCK, 10, 10), 0, "a lock for writing is taken");
    proof_equal(set(fds[1], F_SETLK, F_RDLCK, 100, 10), 0, "a lock for reading is taken");
    proof_equal(set(fds[2], F_OFD_SETLK, F_WRLCK, 0, 5), 0, "a lock of an open file is taken");

    proof_wait();

    child = proof_fork();
    if (child == 0) {
        check(whole, owned, open_file, getppid());
        proof_settled();
        proof_end(0);
    }
    proof_reap(child);
    proof_equal(flock(fds[0], LOCK_UN), 0, "the lock is given back");
    proof_equal(set(fds[2], F_OFD_SETLK, F_UNLCK, 0, 0), 0, "the open file's lock is given back");
    proof_passed();
}
