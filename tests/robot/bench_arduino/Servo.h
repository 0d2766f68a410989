// As much of Arduino as the sketch needs, on a computer: the line is the terminal on descriptor 0, what the servos do
// is told on descriptor 1 as "pulse PIN US" and "detach PIN".
#pragma once
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

inline uint32_t millis() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct Line {
  void begin(long) { setvbuf(stdout, nullptr, _IOLBF, 0); }
  bool available() {
    pollfd waiting = {0, POLLIN, 0};
    if (poll(&waiting, 1, 1) <= 0) return false;
    if (waiting.revents & (POLLHUP | POLLERR)) exit(0);
    return true;
  }
  int read() {
    uint8_t byte;
    if (::read(0, &byte, 1) != 1) exit(0);
    return byte;
  }
  void write(const uint8_t *bytes, uint8_t count) {
    if (::write(0, bytes, count) != count) exit(0);
  }
};
static Line Serial;

class Servo {
 public:
  bool attached() { return pin_ >= 0; }
  void attach(int pin, int low, int high) { pin_ = pin, low_ = low, high_ = high; }
  void detach() { printf("detach %d\n", pin_), pin_ = -1; }
  void writeMicroseconds(int us) {
    if (pin_ >= 0) printf("pulse %d %d\n", pin_, us < low_ ? low_ : us > high_ ? high_ : us);
  }

 private:
  int pin_ = -1, low_ = 0, high_ = 0;
};
