// Decimals, dates and times as text.
#ifndef MILLRACE_TEXT_H
#define MILLRACE_TEXT_H

#include <stdbool.h>
#include <stdint.h>

// `into` has place for 48 bytes; answers the length.
int decimal_to_text(__int128 units, int scale, char *into);
// Rounds half up; false when it is no number or has more digits than `precision`.
bool decimal_from_text(const char *text, int precision, int scale, __int128 *units);
// `YYYY-MM-DD`, `HH:MM:SS[.fraction]`; `into` has place for 32 bytes.
int date_to_text(int32_t days, char *into);
bool date_from_text(const char *text, int32_t *days);
int time_to_text(int64_t nanoseconds, int digits, char *into);
bool time_from_text(const char *text, int64_t *nanoseconds);

#endif
