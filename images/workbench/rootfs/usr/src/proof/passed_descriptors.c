/* Descriptors under way in a queued message (SCM_RIGHTS, unix(7)); one is open nowhere else. */
#include "proof.h"
#include <sys/socket.h>

#define ROOM CMSG_SPACE(2 * sizeof(int))

static struct msghdr message(struct iovec *data, char *control)
{
    struct msghdr header;
    memset(&header, 0, sizeof header);
    header.msg_iov = data;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = ROOM;
    return header;
}

int main(void)
{
    char text[16] = "with files", control[64], buffer[16] = "";
    struct iovec data = {text, sizeof text};
    struct msghdr header;
    struct cmsghdr *rights;
    int pair[2], ends[2], fds[2];
    proof_begin("passed_descriptors");
    proof_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0, "a pair is made");
    proof_equal(pipe(ends), 0, "a pipe is made");
    fds[0] = open(proof_path("file"), O_RDWR | O_CREAT | O_TRUNC, 0600);
    fds[1] = ends[0];
    proof_equal(write(fds[0], "0123456789", 10), 10, "a file is written");
    lseek(fds[0], 3, SEEK_SET);
    header = message(&data, control);
    rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof fds);
    memcpy(CMSG_DATA(rights), fds, sizeof fds);
    proof_equal(sendmsg(pair[0], &header, 0), sizeof text, "the message is sent");
    close(fds[0]);
    close(fds[1]);
    memset(text, 0, sizeof text);

    proof_wait();

    header = message(&data, control);
    proof_equal(recvmsg(pair[1], &header, 0), sizeof text, "the message is received");
    proof_expect(strcmp(text, "with files") == 0, "its text");
    rights = CMSG_FIRSTHDR(&header);
    proof_expect(rights && rights->cmsg_type == SCM_RIGHTS, "it carries descriptors");
    proof_equal(rights->cmsg_len, CMSG_LEN(sizeof fds), "it carries two of them");
    memcpy(fds, CMSG_DATA(rights), sizeof fds);
    proof_equal(read(fds[0], buffer, 3), 3, "the file is read");
    proof_expect(memcmp(buffer, "345", 3) == 0, "at its offset");
    proof_equal(write(ends[1], "pipe", 4), 4, "the pipe is written");
    proof_equal(read(fds[1], buffer, 4), 4, "the passed end is read");
    proof_passed();
}
