#include "release.h"

// A definition holds words without quotes, and becomes a text here: no build system has to pass quotes on.
#define FRESHET_QUOTED(...) #__VA_ARGS__
#define FRESHET_TEXT(...) FRESHET_QUOTED(__VA_ARGS__)

const char *freshet_release(void) {
#ifdef FRESHET_RELEASE
    return FRESHET_TEXT(FRESHET_RELEASE);
#else
    return "";
#endif
}
