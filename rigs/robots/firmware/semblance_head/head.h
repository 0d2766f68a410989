// What the sketch does with the bytes it hears. Nothing of Arduino is in here, so that a computer can test it.
//
// Frame: A5 5A | kind | length | payload | CRC-16 (CCITT, initially FFFF, high byte first, over kind to payload).
//   H            answers h: version, servos, watchdog in ms (2 bytes, low first, as all numbers)
//   E channels   these servos may move; they get their first pulse with the next T
//   T (channel, us) ...   clamped to the table of the sketch; feeds the watchdog
//   L            all servos let go
//   Q            answers s: flags (1 some may move, 2 the watchdog fired), wrong frames, clamped pulses
#pragma once
#include <stdint.h>
#include <string.h>

const uint8_t PROTOCOL_VERSION = 1;
const uint8_t MOST_SERVOS = 32;
const uint8_t MOST_PAYLOAD = 96;
const uint16_t WATCHDOG_MS = 250;    // no targets for this long: all servos let go, until they are enabled again
const uint16_t BROKEN_OFF_MS = 100;  // a frame that pauses longer than this is forgotten

struct ServoLimits {
  uint8_t pin;
  uint16_t low_us, high_us;  // no pulse outside ever leaves the board, whatever is asked for
};

// What the board does for the head.
struct Hardware {
  virtual void pulse(uint8_t channel, uint16_t us) = 0;
  virtual void letGo(uint8_t channel) = 0;
  virtual void answer(const uint8_t *bytes, uint8_t count) = 0;
};

inline uint16_t crc16(const uint8_t *bytes, uint8_t count) {
  uint16_t crc = 0xFFFF;
  while (count--) {
    crc ^= (uint16_t)*bytes++ << 8;
    for (uint8_t bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1;
  }
  return crc;
}

class Head {
 public:
  Head(const ServoLimits *limits, uint8_t servos, Hardware &hardware)
      : limits_(limits), servos_(servos < MOST_SERVOS ? servos : MOST_SERVOS), hardware_(hardware) {}

  // One byte from the line; now_ms may run over.
  void hear(uint8_t byte, uint32_t now_ms) {
    if (length_ && now_ms - heard_ms_ > BROKEN_OFF_MS) length_ = 0;
    heard_ms_ = now_ms;
    line_[length_++] = byte;
    while (takeFrame(now_ms)) {}
  }

  // As often as possible.
  void watch(uint32_t now_ms) {
    if (enabled_ && now_ms - fed_ms_ > WATCHDOG_MS) {
      letGo();
      fired_ = true;
    }
  }

  void letGo() {
    enabled_ = 0;
    for (uint8_t channel = 0; channel < servos_; channel++) hardware_.letGo(channel);
  }

 private:
  // True if something was taken off the line and there may be more.
  bool takeFrame(uint32_t now_ms) {
    if (length_ == 0) return false;
    if (line_[0] != 0xA5 || (length_ > 1 && line_[1] != 0x5A) || (length_ > 3 && line_[3] > MOST_PAYLOAD)) return drop(1);
    if (length_ < 4 || length_ < line_[3] + 6) return false;
    const uint8_t size = line_[3] + 6;
    if (crc16(line_ + 2, size - 4) != ((uint16_t)line_[size - 2] << 8 | line_[size - 1])) {
      wrong_++;
      return drop(1);
    }
    run(line_[2], line_ + 4, line_[3], now_ms);
    return drop(size);
  }

  bool drop(uint8_t count) {
    length_ -= count;
    memmove(line_, line_ + count, length_);
    return true;
  }

  void run(uint8_t kind, const uint8_t *payload, uint8_t count, uint32_t now_ms) {
    if (kind == 'L') letGo();
    if (kind == 'H') {
      const uint8_t hello[] = {PROTOCOL_VERSION, servos_, WATCHDOG_MS & 0xFF, WATCHDOG_MS >> 8};
      send('h', hello, sizeof hello);
    }
    if (kind == 'Q') {
      const uint8_t flags = (enabled_ ? 1 : 0) | (fired_ ? 2 : 0);
      const uint8_t state[] = {flags, (uint8_t)wrong_, (uint8_t)(wrong_ >> 8), (uint8_t)clamped_, (uint8_t)(clamped_ >> 8)};
      send('s', state, sizeof state);
    }
    if (kind == 'E') {
      for (uint8_t i = 0; i < count; i++)
        if (payload[i] < servos_) enabled_ |= (uint32_t)1 << payload[i];
      fired_ = false;
      fed_ms_ = now_ms;
    }
    if (kind == 'T' && count % 3 == 0) {
      fed_ms_ = now_ms;
      for (uint8_t i = 0; i < count; i += 3) move(payload[i], payload[i + 1] | (uint16_t)payload[i + 2] << 8);
    }
  }

  void move(uint8_t channel, uint16_t us) {
    if (channel >= servos_ || !(enabled_ >> channel & 1)) return;
    const ServoLimits &limits = limits_[channel];
    const uint16_t inside = us < limits.low_us ? limits.low_us : us > limits.high_us ? limits.high_us : us;
    if (inside != us) clamped_++;
    hardware_.pulse(channel, inside);
  }

  void send(uint8_t kind, const uint8_t *payload, uint8_t count) {
    uint8_t frame[16] = {0xA5, 0x5A, kind, count};
    memcpy(frame + 4, payload, count);
    const uint16_t crc = crc16(frame + 2, count + 2);
    frame[count + 4] = crc >> 8;
    frame[count + 5] = crc & 0xFF;
    hardware_.answer(frame, count + 6);
  }

  const ServoLimits *limits_;
  const uint8_t servos_;
  Hardware &hardware_;
  uint8_t line_[MOST_PAYLOAD + 6];
  uint8_t length_ = 0;
  uint32_t enabled_ = 0, heard_ms_ = 0, fed_ms_ = 0;
  uint16_t wrong_ = 0, clamped_ = 0;
  bool fired_ = false;
};
