/* Membership in a control group that the process has made, of version 2 or else of a hierarchy of version 1. */
#include "proof.h"
#include <mntent.h>
#include <sys/stat.h>

static char mounted[256], group[300];

/* Where a hierarchy is mounted: version 2 if there is one, else one of version 1. */
static int find_hierarchy(void)
{
    FILE *mounts = setmntent("/proc/self/mounts", "r");
    struct mntent *entry;
    int version = 0;
    while (mounts && version != 2 && (entry = getmntent(mounts)) != NULL) {
        int found = strcmp(entry->mnt_type, "cgroup2") == 0 ? 2 : strcmp(entry->mnt_type, "cgroup") == 0 ? 1 : 0;
        if (found == 1 && strstr(entry->mnt_opts, "cpuset"))
            continue; /* a new group takes nobody in there before it has processors */
        if (found > version) {
            version = found;
            snprintf(mounted, sizeof mounted, "%s", entry->mnt_dir);
        }
    }
    if (mounts)
        endmntent(mounts);
    return version;
}

static int move_to(const char *directory)
{
    char path[400];
    int fd, result;
    snprintf(path, sizeof path, "%s/cgroup.procs", directory);
    fd = open(path, O_WRONLY);
    result = fd >= 0 && write(fd, "0", 1) == 1;
    close(fd);
    return result;
}

static int is_member(void)
{
    FILE *file = fopen("/proc/self/cgroup", "r");
    char line[300];
    int found = 0;
    while (file && fgets(line, sizeof line, file))
        if (strstr(line, "/proof-cgroup\n"))
            found = 1;
    if (file)
        fclose(file);
    return found;
}

static void leave_and_remove(void)
{
    move_to(mounted);
    rmdir(group);
}

int main(void)
{
    proof_begin("cgroup");
    if (!find_hierarchy())
        proof_skip("no hierarchy of control groups is mounted");
    snprintf(group, sizeof group, "%s/proof-cgroup", mounted);
    if (mkdir(group, 0755) != 0 && errno != EEXIST)
        proof_skip("a control group cannot be made here");
    proof_cleanup = leave_and_remove;
    proof_expect(move_to(group), "the process joins the group");
    proof_expect(is_member(), "it is a member before");
    proof_wait();
    proof_expect(is_member(), "it is a member after");
    proof_passed();
}
