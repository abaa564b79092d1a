// A file layer for SQLite over a disk that may forget whatever was not synced when the power goes.
#include <stdbool.h>
#include <stdint.h>

typedef struct freshet_disk freshet_disk;

// A disk of its own and its file layer, registered with SQLite. The power goes by itself, for ever, before the
// operation of that number: a write, a truncation, a sync, a deletion or a creation. From then on all of those fail.
freshet_disk *freshet_disk_make(uint64_t seed, int64_t operations);

// The file layer's name.
const char *freshet_disk_name(const freshet_disk *disk);

// Whether the power went.
bool freshet_disk_is_lost(freshet_disk *disk);

// Writes what the disk holds after the loss into an empty directory: what was synced, and of the rest what the seed
// says. False, with errno, when it cannot be written.
bool freshet_disk_survivors(freshet_disk *disk, const char *directory);

// Whether a file was ever used through the layer. What was not is on the disk as it is.
bool freshet_disk_knows(freshet_disk *disk, const char *path);

// When no connection uses it any more.
void freshet_disk_free(freshet_disk *disk);
