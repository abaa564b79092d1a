// How glibc's allocator is told to give memory back. Nothing elsewhere: other systems do so by themselves.
#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
