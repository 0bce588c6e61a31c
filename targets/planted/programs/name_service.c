// A name service answers two clients: requests go through one queue, answers through another, each
// with the client as its message type.
// Bug: a client takes the first answer that comes (type 0), not its own.
// Smallest deviation: the first client is preempted between its request and its wait, the second
// one then waits first (by hand: a breakpoint on the first client's msgrcv).
// SPDX-License-Identifier: MIT
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kClients = 2, kLongestName = 32, kPatienceS = 30 };

struct message {
  long type;  // 1 + client
  char name[kLongestName];
};

static const char* const kNames[kClients] = {"mail", "printer"};
static const char* const kAddresses[kClients] = {"mail is 10.0.0.5", "printer is 10.0.0.9"};
static int requests = -1;
static int answers = -1;

static void give_up(int number) {
  (void)number;
  msgctl(requests, IPC_RMID, NULL);
  msgctl(answers, IPC_RMID, NULL);
  _exit(EXIT_FAILURE);
}

static void die(const char* what) {
  perror(what);
  give_up(0);
}

static void make_queues(void) {
  struct sigaction action = {.sa_handler = give_up, .sa_flags = SA_RESTART};
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  sigprocmask(SIG_BLOCK, &stop, NULL);
  sigaction(SIGALRM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  requests = msgget(IPC_PRIVATE, 0600);
  answers = msgget(IPC_PRIVATE, 0600);
  if (requests == -1 || answers == -1) die("name_service: msgget");
  sigprocmask(SIG_UNBLOCK, &stop, NULL);
}

static void send_name(int queue, long type, const char* name) {
  struct message message = {.type = type};
  snprintf(message.name, sizeof message.name, "%s", name);
  if (TEMP_FAILURE_RETRY(msgsnd(queue, &message, sizeof message.name, 0)) == -1)
    die("name_service: msgsnd");
}

static struct message receive(int queue, long type) {
  struct message message;
  if (TEMP_FAILURE_RETRY(msgrcv(queue, &message, sizeof message.name, type, 0)) == -1)
    die("name_service: msgrcv");
  message.name[kLongestName - 1] = '\0';
  return message;
}

static int look_up(int client) {
  send_name(requests, 1 + client, kNames[client]);
#ifdef FIXED
  const struct message answer = receive(answers, 1 + client);
#else
  const struct message answer = receive(answers, 0);
#endif
  return strcmp(answer.name, kAddresses[client]) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void serve(void) {
  for (int served = 0; served < kClients; ++served) {
    const struct message request = receive(requests, 0);
    const char* address = "unknown";
    for (int i = 0; i < kClients; ++i)
      if (strcmp(request.name, kNames[i]) == 0) address = kAddresses[i];
    send_name(answers, request.type, address);
  }
}

int main(void) {
  pid_t pids[kClients];
  int failed = 0;
  make_queues();
  for (int client = 0; client < kClients; ++client) {
    pids[client] = fork();
    if (pids[client] == -1) die("name_service: fork");
    if (pids[client] == 0) {
      alarm(kPatienceS);
      return look_up(client);
    }
  }
  alarm(kPatienceS);  // a client that died asks no more
  serve();
  for (int client = 0; client < kClients; ++client) {
    int status = 0;
    TEMP_FAILURE_RETRY(waitpid(pids[client], &status, 0));
    printf("%s: %s\n", kNames[client], status == 0 ? "found" : "wrong");
    failed |= status != 0;
  }
  msgctl(requests, IPC_RMID, NULL);
  msgctl(answers, IPC_RMID, NULL);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
