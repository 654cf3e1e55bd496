/* An open directory: the position of readdir goes on, and fchdir and openat work through it. */
#include "proof.h"
#include <dirent.h>
#include <sys/stat.h>

#define FILES 30

static int seen[FILES], dots, directory = -1;

/* Reads the entries that fit into the buffer and counts each name; returns how many there were. */
static int read_some(int fd, size_t bytes)
{
    char buffer[4096];
    int length = getdents64(fd, buffer, bytes), at = 0, count = 0;
    proof_expect(length >= 0, "the directory is read");
    for (; at < length; count++) {
        struct dirent64 *entry = (struct dirent64 *)(buffer + at);
        int number = atoi(entry->d_name + strlen("file"));
        if (entry->d_name[0] == '.')
            dots++;
        else if (number >= 0 && number < FILES)
            seen[number]++;
        at += entry->d_reclen;
    }
    return count;
}

static char *name(int number)
{
    static char text[16];
    snprintf(text, sizeof text, "file%d", number);
    return text;
}

static void remove_files(void)
{
    int i;
    for (i = 0; i < FILES; i++)
        unlinkat(directory, name(i), 0);
}

int main(void)
{
    char *path;
    int i, fd;
    proof_begin("directory_fd");
    path = proof_path("directory");
    proof_equal(mkdir(path, 0700), 0, "a directory is made");
    proof_cleanup = remove_files;
    directory = open(path, O_RDONLY | O_DIRECTORY);
    proof_expect(directory >= 0, "it is opened");
    for (i = 0; i < FILES; i++)
        close(openat(directory, name(i), O_WRONLY | O_CREAT, 0600));
    i = read_some(directory, 256);
    proof_expect(i > 0 && i < FILES, "a part of it is read");

    proof_wait();

    while (read_some(directory, 256) > 0)
        ;
    for (i = 0; i < FILES; i++)
        proof_equal(seen[i], 1, "each file is read once");
    proof_equal(dots, 2, ". and .. are read once");
    proof_equal(fchdir(directory), 0, "fchdir succeeds");
    proof_equal(access("file7", F_OK), 0, "a file is found in the directory");
    fd = openat(directory, "file8", O_RDONLY);
    proof_expect(fd >= 0, "openat finds a file");
    proof_equal(chdir("/"), 0, "the directory is left");
    proof_passed();
}
