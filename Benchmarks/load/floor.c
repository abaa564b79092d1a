// The floor to compare with: a server that does nothing but one send() per subscriber per event.
//
//   cc -O2 -o floor floor.c && ./floor PORT
//
// GET subscribes, POST publishes its body as one event to everyone; one thread, one epoll instance.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST = 65536 };

static const char head[] =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache, no-transform\r\n"
    "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n6\r\n: ok\n\n\r\n";
static const char accepted[] = "HTTP/1.1 204 No Content\r\n\r\n";

static int subscribers[MOST];
static int count;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void publish(const char *body, int length) {
    static unsigned long number;
    char event[8192], framed[8448];
    int size = snprintf(event, sizeof event, "id: %012lu\ndata: %.*s\n\n", ++number, length, body);
    int total = snprintf(framed, sizeof framed, "%x\r\n%.*s\r\n", size, size, event);
    for (int index = 0; index < count; index++) {
        if (send(subscribers[index], framed, total, MSG_NOSIGNAL | MSG_DONTWAIT) != total) fail("a subscriber is too slow");
    }
}

// A request arrives in one piece from the load program; anything else is its mistake.
static void serve(int epoll, int socket) {
    char request[8192];
    ssize_t size = recv(socket, request, sizeof request - 1, 0);
    if (size <= 0) {
        close(socket);
        return;
    }
    request[size] = 0;
    char *body = strstr(request, "\r\n\r\n");
    if (!body) fail("a request in pieces");
    body += 4;
    if (request[0] == 'G') {
        epoll_ctl(epoll, EPOLL_CTL_DEL, socket, NULL);
        if (send(socket, head, sizeof head - 1, MSG_NOSIGNAL) < 0) fail("head");
        subscribers[count++] = socket;
    } else {
        if (request[1] == 'O') publish(body, request + size - body);
        if (send(socket, accepted, sizeof accepted - 1, MSG_NOSIGNAL) < 0) fail("answer");
    }
}

int main(int argumentCount, char **arguments) {
    if (argumentCount != 2) {
        fprintf(stderr, "usage: floor PORT\n");
        return 2;
    }
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);

    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(arguments[1]))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096)) fail("listen");

    int epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, ready[256];
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int number = epoll_wait(epoll, ready, 256, -1);
        for (int index = 0; index < number; index++) {
            if (ready[index].data.fd != listener) {
                serve(epoll, ready[index].data.fd);
                continue;
            }
            int socket = accept(listener, NULL, NULL);
            if (socket < 0) fail("accept");
            setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            event = (struct epoll_event){.events = EPOLLIN, .data.fd = socket};
            epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event);
        }
    }
}
