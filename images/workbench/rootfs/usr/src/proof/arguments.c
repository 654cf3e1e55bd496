/* What the kernel tells of a program's start: its file, arguments, environment, auxiliary vector, name. */
#include "proof.h"

static const char *const files[] = {"cmdline", "environ", "auxv", "comm"};
static char before[4][8192];

static int read_file(const char *name, char *place)
{
    char path[64];
    int fd, length;
    snprintf(path, sizeof path, "/proc/self/%s", name);
    fd = open(path, O_RDONLY);
    length = read(fd, place, 8192);
    close(fd);
    return length;
}

int main(int count, char **arguments)
{
    static char after[8192];
    char program_before[256] = "", program_after[256] = "";
    int lengths[4], i;
    proof_begin("arguments");
    for (i = 0; i < 4; i++) {
        lengths[i] = read_file(files[i], before[i]);
        proof_expect(lengths[i] > 0, "the files of /proc/self are there");
    }
    proof_expect(readlink("/proc/self/exe", program_before, 255) > 0, "the program has a file");
    proof_wait();
    for (i = 0; i < 4; i++) {
        memset(after, 0, sizeof after);
        proof_equal(read_file(files[i], after), lengths[i], "the length of cmdline, environ, auxv or comm");
        if (strcmp(files[i], "auxv") != 0) /* it tells of the kernel and its processor */
            proof_expect(memcmp(after, before[i], lengths[i]) == 0, "cmdline, environ and comm are kept");
    }
    proof_expect(readlink("/proc/self/exe", program_after, 255) > 0, "the program still has a file");
    proof_expect(strcmp(program_before, program_after) == 0, "it is the same file");
    proof_expect(count >= 1 && strstr(before[0], arguments[0]) != NULL, "the arguments are in memory");
    proof_passed();
}
