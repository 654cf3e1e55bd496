/* Working directories and roots: a child in a directory of its own, and one that called chroot(2). */
#include "proof.h"
#include <sys/stat.h>

static char *outer, inner[300], file[310];
static int ends[2];

static void remove_inside(void)
{
    unlink(file);
    rmdir(inner);
}

static void walk(void)
{
    char found[300] = "";
    proof_equal(chdir(inner), 0, "chdir succeeds");
    proof_settled();
    proof_wait_quietly();
    proof_expect(getcwd(found, sizeof found) && strcmp(found, inner) == 0, "the working directory is kept");
    proof_equal(access("file", F_OK), 0, "a file is found in it");
    proof_end(0);
}

/* It cannot see the file that asks for the checks; the end of a pipe tells it. */
static void live_in_prison(void)
{
    char found[300] = "";
    close(ends[1]);
    proof_expect(chroot(outer) == 0 && chdir("/inner") == 0, "chroot succeeds");
    proof_settled();
    proof_equal(read(ends[0], found, 1), 0, "the pipe ends");
    proof_expect(getcwd(found, sizeof found) && strcmp(found, "/inner") == 0, "the working directory below the root");
    proof_equal(access("/inner/file", F_OK), 0, "a file is found from the root");
    proof_equal(access("/../inner/file", F_OK), 0, "there is nothing above the root");
    proof_equal(access("/proc/self", F_OK), -1, "the outer root is out of reach");
    proof_end(0);
}

int main(void)
{
    pid_t walker, prisoner;
    proof_begin("cwd_root");
    if (geteuid() != 0)
        proof_skip("only root can call chroot");
    outer = proof_path("directory");
    snprintf(inner, sizeof inner, "%s/inner", outer);
    snprintf(file, sizeof file, "%s/file", inner);
    proof_cleanup = remove_inside;
    proof_expect(mkdir(outer, 0755) == 0 && mkdir(inner, 0755) == 0, "directories are made");
    close(open(file, O_WRONLY | O_CREAT, 0600));
    proof_equal(pipe(ends), 0, "a pipe is made");
    walker = proof_fork();
    if (walker == 0) {
        close(ends[1]);
        walk();
    }
    prisoner = proof_fork();
    if (prisoner == 0)
        live_in_prison();
    proof_wait();
    close(ends[1]);
    proof_reap(walker);
    proof_reap(prisoner);
    proof_passed();
}
