// gps_log: a receiver process writes a sentence a second into a pipe; the logger prints three
// positions and then tells it to switch off.
// Bug: the logger takes what one read() returns for one sentence; of two that come together it
// misses the second, waits for another one, and the receiver waits for its word.
// Smallest: the receiver's pause ends before the logger has read.
// By hand: SIGSTOP the parent for three seconds.
// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kPositions = 3 };

static void log_sentence(const char* sentence) {
  double latitude, longitude;
  if (sscanf(sentence, "$GPGLL,%lf,N,%lf,E", &latitude, &longitude) == 2)
    printf("at %.2f north, %.2f east\n", latitude, longitude);
  else
    printf("bad sentence\n");
}

static int follow(int in) {
  char sentence[128];
  int positions = 0;
#ifdef FIXED
  FILE* sentences = fdopen(in, "r");
  if (sentences == NULL) return -1;
  while (positions < kPositions && fgets(sentence, sizeof sentence, sentences) != NULL) {
    log_sentence(sentence);
    ++positions;
  }
  fclose(sentences);
#else
  ssize_t n;
  while (positions < kPositions && (n = read(in, sentence, sizeof sentence - 1)) > 0) {
    sentence[n] = '\0';
    log_sentence(sentence);
    ++positions;
  }
  close(in);
#endif
  return positions == kPositions ? 0 : -1;
}

static void receive(int out, int commands) {
  char off;
  for (int i = 1; i <= kPositions; ++i) {
    char sentence[64];
    const int size = snprintf(sentence, sizeof sentence, "$GPGLL,48.2%d,N,16.3%d,E\n", i, i);
    if (write(out, sentence, (size_t)size) < 0) exit(1);
    sleep(1);
  }
  exit(read(commands, &off, 1) == 1 ? 0 : 1);
}

int main(void) {
  int sentences[2], commands[2];
  int status = 0;

  signal(SIGPIPE, SIG_IGN);
  if (pipe2(sentences, O_CLOEXEC) < 0 || pipe2(commands, O_CLOEXEC) < 0) {
    perror("gps_log: pipe");
    return 1;
  }
  const pid_t receiver = fork();
  if (receiver < 0) {
    perror("gps_log: fork");
    return 1;
  }
  if (receiver == 0) {
    close(sentences[0]);
    close(commands[1]);
    receive(sentences[1], commands[0]);
  }
  close(sentences[1]);
  close(commands[0]);
  int failed = follow(sentences[0]);
  if (write(commands[1], "0", 1) < 0) failed = -1;
  close(commands[1]);
  waitpid(receiver, &status, 0);
  if (failed || status != 0) fprintf(stderr, "gps_log: the receiver failed\n");
  return failed || status != 0;
}
