// zlib's C API: how the doctor and the relay read what others compressed, while it arrives.
#include <zlib.h>
