#include <stddef.h>

/// Walks over the lines of a text that end in LF, and returns the sum of their lengths.
size_t scan_line_feeds(const void *bytes, size_t count);
