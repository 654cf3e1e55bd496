/* A TCP connection over 127.0.0.1 whose ends are two processes, with unread data in both directions. */
#include "proof.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define BYTES 5000

static void read_pattern(int fd, unsigned seed)
{
    unsigned char found[BYTES];
    int have = 0, got;
    while (have < BYTES && (got = read(fd, found + have, BYTES - have)) > 0)
        have += got;
    proof_equal(have, BYTES, "as many bytes are read");
    proof_expect(proof_filled(found, BYTES, seed), "the bytes are kept, in order");
}

static void write_pattern(int fd, unsigned seed)
{
    unsigned char bytes[BYTES];
    proof_fill(bytes, BYTES, seed);
    proof_equal(write(fd, bytes, BYTES), BYTES, "data are written");
}

int main(void)
{
    struct sockaddr_in address, own, peer;
    socklen_t length = sizeof address;
    int listener, client, server;
    char byte;
    pid_t child;
    proof_begin("tcp_established");
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0)
        proof_skip("the loopback interface has no address");
    listen(listener, 5);
    getsockname(listener, (struct sockaddr *)&address, &length);
    client = socket(AF_INET, SOCK_STREAM, 0);
    proof_equal(connect(client, (struct sockaddr *)&address, sizeof address), 0, "a client connects");
    server = accept(listener, NULL, NULL);
    proof_expect(server >= 0, "the connection is accepted");
    close(listener);
    getsockname(client, (struct sockaddr *)&own, &length);
    write_pattern(client, 1);
    write_pattern(server, 2);
    child = proof_fork();
    if (child == 0) {
        close(client);
        proof_settled();
        proof_wait_quietly();
        read_pattern(server, 1);
        write_pattern(server, 4);
        read_pattern(server, 3);
        proof_equal(read(server, &byte, 1), 0, "the end of the client's data");
        proof_equal(write(server, "x", 1), 1, "the other direction is open");
        proof_end(0);
    }
    close(server);

    proof_wait();

    proof_equal(getsockname(client, (struct sockaddr *)&peer, &length), 0, "the client has an address");
    proof_equal(ntohs(peer.sin_port), ntohs(own.sin_port), "the client's port");
    proof_equal(getpeername(client, (struct sockaddr *)&peer, &length), 0, "the client is connected");
    proof_equal(ntohs(peer.sin_port), ntohs(address.sin_port), "the server's port");
    read_pattern(client, 2);
    write_pattern(client, 3);
    proof_equal(shutdown(client, SHUT_WR), 0, "the client ends its data");
    read_pattern(client, 4);
    proof_equal(read(client, &byte, 1), 1, "the last byte of the server");
    proof_equal(read(client, &byte, 1), 0, "the end of the server's data");
    proof_reap(child);
    proof_passed();
}
