/* inotify watches on two directories: their numbers and masks; events come afterwards. */
#include "proof.h"
#include <sys/inotify.h>
#include <sys/stat.h>

static char buffer[4096];

/* Reads all events there are; the first is compared with the name and watch. */
static void expect_event(int fd, int watch, unsigned mask, const char *name)
{
    struct inotify_event *event = (struct inotify_event *)buffer;
    proof_expect(read(fd, buffer, sizeof buffer) > 0, "an event comes");
    proof_equal(event->wd, watch, "the watch's number");
    proof_equal(event->mask, mask, "what happened");
    proof_expect(strcmp(event->name, name) == 0, "the name of the file");
}

int main(void)
{
    char *directories[2], *file, *other;
    int fd, watches[2], first;
    proof_begin("inotify");
    directories[0] = proof_path("a");
    directories[1] = proof_path("b");
    proof_expect(!mkdir(directories[0], 0700) && !mkdir(directories[1], 0700), "two directories are made");
    file = proof_path("a/file");
    other = proof_path("b/other");
    fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    first = inotify_add_watch(fd, directories[0], IN_ALL_EVENTS);
    inotify_rm_watch(fd, first); /* so the numbers left do not begin at 1 */
    proof_expect(read(fd, buffer, sizeof buffer) > 0, "the event of the removed watch is read");
    watches[0] = inotify_add_watch(fd, directories[0], IN_CREATE);
    watches[1] = inotify_add_watch(fd, directories[1], IN_DELETE | IN_CREATE);
    proof_expect(watches[0] >= 0 && watches[1] >= 0, "two watches are set");

    proof_wait();

    proof_equal(read(fd, buffer, sizeof buffer), -1, "nothing has happened yet");
    proof_equal(errno, EAGAIN, "the descriptor does not block");
    close(open(file, O_WRONLY | O_CREAT, 0600));
    expect_event(fd, watches[0], IN_CREATE, "file");
    close(open(other, O_WRONLY | O_CREAT, 0600));
    expect_event(fd, watches[1], IN_CREATE, "other");
    unlink(file);
    unlink(other);
    expect_event(fd, watches[1], IN_DELETE, "other"); /* the first watch does not look for deletion */
    proof_passed();
}
