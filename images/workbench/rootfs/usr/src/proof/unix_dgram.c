/* Datagram sockets: the boundaries of what is queued, an empty datagram, and the sender's name. */
#include "proof.h"
#include <sys/socket.h>
#include <sys/un.h>

static struct sockaddr_un named(const char *path)
{
    struct sockaddr_un address;
    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    strcpy(address.sun_path, path);
    return address;
}

int main(void)
{
    struct sockaddr_un receiver_name, sender_name, from;
    socklen_t length = sizeof from;
    char buffer[64];
    int pair[2], receiver, sender;
    proof_begin("unix_dgram");
    proof_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair), 0, "a pair is made");
    proof_equal(send(pair[0], "one", 3, 0), 3, "a datagram is sent");
    proof_equal(send(pair[0], "", 0, 0), 0, "an empty one is sent");
    proof_equal(send(pair[0], "three", 5, 0), 5, "another is sent");
    receiver_name = named(proof_path("receiver"));
    sender_name = named(proof_path("sender"));
    receiver = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    sender = socket(AF_UNIX, SOCK_DGRAM, 0);
    proof_expect(!bind(receiver, (struct sockaddr *)&receiver_name, sizeof from) &&
            !bind(sender, (struct sockaddr *)&sender_name, sizeof from), "two sockets are bound");
    proof_equal(connect(sender, (struct sockaddr *)&receiver_name, sizeof from), 0, "one is connected");
    proof_equal(send(sender, "before", 6, 0), 6, "a datagram goes to the name");

    proof_wait();

    proof_equal(recv(pair[1], buffer, 64, 0), 3, "the first datagram");
    proof_equal(recv(pair[1], buffer, 64, 0), 0, "the empty datagram");
    proof_equal(recv(pair[1], buffer, 64, 0), 5, "the third datagram");
    proof_expect(memcmp(buffer, "three", 5) == 0, "its content");
    proof_equal(recv(pair[1], buffer, 64, 0), -1, "there are three");
    proof_equal(errno, EAGAIN, "there are three, errno");
    proof_equal(send(pair[1], "back", 4, 0), 4, "the pair goes on");
    proof_equal(recv(pair[0], buffer, 64, 0), 4, "the pair goes on, received");
    proof_equal(recvfrom(receiver, buffer, 64, 0, (struct sockaddr *)&from, &length), 6, "the datagram to the name");
    proof_expect(strcmp(from.sun_path, sender_name.sun_path) == 0, "its sender's name");
    proof_equal(send(sender, "after", 5, 0), 5, "the connected socket goes on");
    proof_equal(recv(receiver, buffer, 64, 0), 5, "the named socket goes on");
    proof_passed();
}
