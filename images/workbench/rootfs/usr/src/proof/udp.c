/* UDP sockets, bound and connected, with queued datagrams: boundaries and sender are kept. */
#include "proof.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

static struct sockaddr_in bound[2];

static int make(int number)
{
    socklen_t length = sizeof bound[0];
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    bound[number].sin_family = AF_INET;
    bound[number].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, (struct sockaddr *)&bound[number], length) != 0)
        proof_skip("the loopback interface has no address");
    getsockname(fd, (struct sockaddr *)&bound[number], &length);
    return fd;
}

static void expect_datagram(int fd, const char *text)
{
    struct sockaddr_in from;
    socklen_t length = sizeof from;
    char buffer[64] = "";
    int got = recvfrom(fd, buffer, sizeof buffer, MSG_DONTWAIT, (struct sockaddr *)&from, &length);
    proof_equal(got, (int)strlen(text), "the datagram's length");
    proof_expect(memcmp(buffer, text, got) == 0, "the datagram's content");
    proof_equal(ntohs(from.sin_port), ntohs(bound[1].sin_port), "the datagram's sender");
}

int main(void)
{
    struct sockaddr_in found;
    socklen_t length = sizeof found;
    int receiver, sender;
    proof_begin("udp");
    receiver = make(0);
    sender = make(1);
    proof_equal(connect(sender, (struct sockaddr *)&bound[0], length), 0, "the sender is connected");
    proof_equal(send(sender, "first", 5, 0), 5, "a datagram is sent");
    proof_equal(send(sender, "second one", 10, 0), 10, "a second is sent");
    proof_wait();
    proof_equal(getsockname(receiver, (struct sockaddr *)&found, &length), 0, "the receiver has an address");
    proof_equal(ntohs(found.sin_port), ntohs(bound[0].sin_port), "the receiver's port");
    proof_equal(getpeername(sender, (struct sockaddr *)&found, &length), 0, "the sender is connected still");
    proof_equal(ntohs(found.sin_port), ntohs(bound[0].sin_port), "to the receiver's port");
    expect_datagram(receiver, "first");
    expect_datagram(receiver, "second one");
    proof_equal(send(sender, "third", 5, 0), 5, "another is sent");
    expect_datagram(receiver, "third");
    proof_passed();
}
