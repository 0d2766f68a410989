// Semblance's sketch for a head of hobby servos on an Arduino (Uno, Nano, Mega ...) or an ESP32 (library ESP32Servo).
//
// 1. Write your servos into the table: pin, and the narrowest pulses that never strain them. 2. Upload. 3. In the robot
// map: protocol = "arduino", baud = 115200, channel = the row in this table, from 0.
//
// It moves nothing until it is told to, clamps every pulse to its table, and lets all servos go when it has not heard a
// valid target for 250 ms. The switch in the servos' supply is still the real emergency stop.
#if defined(ESP32)
#include <ESP32Servo.h>
#else
#include <Servo.h>
#endif
#include "head.h"

const ServoLimits LIMITS[] = {
    // pin, low us, high us
    {2, 1200, 1800},
    {3, 1200, 1800},
    {4, 1200, 1800},
    {5, 1200, 1800},
    {6, 1200, 1800},
    {7, 1200, 1800},
};
const uint8_t SERVOS = sizeof LIMITS / sizeof LIMITS[0];

Servo servos[SERVOS];

struct Pins : Hardware {
  void pulse(uint8_t channel, uint16_t us) override {
    Servo &servo = servos[channel];
    if (!servo.attached()) {
      servo.writeMicroseconds(us);  // before it is attached, so that its first pulse is this one where the library can
      servo.attach(LIMITS[channel].pin, LIMITS[channel].low_us, LIMITS[channel].high_us);
    }
    servo.writeMicroseconds(us);
  }
  void letGo(uint8_t channel) override {
    if (servos[channel].attached()) servos[channel].detach();
  }
  void answer(const uint8_t *bytes, uint8_t count) override { Serial.write(bytes, count); }
} pins;

Head head(LIMITS, SERVOS, pins);

void setup() { Serial.begin(115200); }

void loop() {
  while (Serial.available()) head.hear(Serial.read(), millis());
  head.watch(millis());
}
