// zlib's C API: how the doctor reads what a proxy compressed, while it arrives.
#include <zlib.h>
