#include "scan.h"
#include <string.h>

size_t scan_line_feeds(const void *bytes, size_t count) {
    const char *position = bytes, *end = position + count;
    size_t sum = 0;
    while (position < end) {
        const char *line_feed = memchr(position, '\n', (size_t)(end - position));
        if (!line_feed) break;
        sum += (size_t)(line_feed - position);
        position = line_feed + 1;
    }
    return sum;
}
