// Files are written through to the platform's file layer, so that reads, locks and shared memory are the real ones. On
// the side it is kept what a disk would hold: of each file the bytes at its last sync, and every change since. A sync
// moves the changes over; it costs nothing, as nothing of the machine's own disk is meant.
//
// The disk is as unkind as SQLite allows one to be: each change since the sync may be there or not, whatever the
// others do; of a write, each sector; and a file may have grown without what it grew for. A name that was made or
// removed is so only once its directory is synced, which the Unix layer does with the first sync of a log or journal.
#include "CForgetfulDisk.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { sector = 512 };

// A write, or a truncation to `offset`.
typedef struct change {
    struct change *next;
    int64_t offset;
    int64_t count;
    bool is_truncation;
    unsigned char bytes[];
} change;

typedef struct {
    unsigned char *bytes;
    int64_t size;
} contents;

typedef struct disk_file {
    struct disk_file *next;
    char *path;
    contents synced;
    change *first;
    change **last;
    // The directory's entry on the disk, and that of the running system.
    bool is_named;
    bool is_deleted;
} disk_file;

struct freshet_disk {
    sqlite3_vfs layer;
    sqlite3_vfs *real;
    char name[40];
    // Guards what follows.
    pthread_mutex_t lock;
    disk_file *files;
    uint64_t random;
    int64_t operations;
    bool is_lost;
};

typedef struct {
    sqlite3_file base;
    freshet_disk *disk;
    disk_file *file;
    bool syncs_directory;
    sqlite3_file *real;
} handle;

static uint64_t next_random(freshet_disk *disk) {
    uint64_t value = (disk->random += 0x9E3779B97F4A7C15u);
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9u;
    value = (value ^ (value >> 27)) * 0x94D049BB133111EBu;
    return value ^ (value >> 31);
}

static bool coin(freshet_disk *disk) { return next_random(disk) & 1; }

static void *checked(void *memory) {
    if (!memory) abort();
    return memory;
}

// MARK: What the disk holds

static void resize(contents *held, int64_t size) {
    if (size > held->size) {
        held->bytes = checked(realloc(held->bytes, (size_t)size));
        memset(held->bytes + held->size, 0, (size_t)(size - held->size));
    }
    held->size = size;
}

static void put(contents *held, const unsigned char *bytes, int64_t count, int64_t offset) {
    if (offset + count > held->size) resize(held, offset + count);
    memcpy(held->bytes + offset, bytes, (size_t)count);
}

static void apply(contents *held, const change *made) {
    if (made->is_truncation) {
        if (made->offset < held->size) resize(held, made->offset);
    } else {
        put(held, made->bytes, made->count, made->offset);
    }
}

static void forget_changes(disk_file *file) {
    while (file->first) {
        change *made = file->first;
        file->first = made->next;
        free(made);
    }
    file->last = &file->first;
}

static void note(disk_file *file, const void *bytes, int64_t count, int64_t offset, bool is_truncation) {
    change *made = checked(malloc(sizeof(change) + (size_t)count));
    *made = (change){.offset = offset, .count = count, .is_truncation = is_truncation};
    if (count > 0) memcpy(made->bytes, bytes, (size_t)count);
    *file->last = made;
    file->last = &made->next;
}

static void sync_file(disk_file *file) {
    for (change *made = file->first; made; made = made->next) apply(&file->synced, made);
    forget_changes(file);
}

static void sync_directory(freshet_disk *disk) {
    for (disk_file *file = disk->files; file; file = file->next) file->is_named = !file->is_deleted;
}

// Whether the machine still runs; counts the operation.
static bool goes_on(freshet_disk *disk) {
    if (disk->operations == 0) disk->is_lost = true;
    if (!disk->is_lost) disk->operations -= 1;
    return !disk->is_lost;
}

// MARK: A file's methods

static sqlite3_file *real_of(sqlite3_file *file) { return ((handle *)file)->real; }

static int file_close(sqlite3_file *file) {
    sqlite3_file *real = real_of(file);
    int code = real->pMethods ? real->pMethods->xClose(real) : SQLITE_OK;
    free(real);
    return code;
}

static int file_read(sqlite3_file *file, void *bytes, int count, sqlite3_int64 offset) {
    return real_of(file)->pMethods->xRead(real_of(file), bytes, count, offset);
}

static int file_write(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 offset) {
    handle *own = (handle *)file;
    pthread_mutex_lock(&own->disk->lock);
    int code = SQLITE_IOERR_WRITE;
    if (goes_on(own->disk)) {
        code = own->real->pMethods->xWrite(own->real, bytes, count, offset);
        if (code == SQLITE_OK) note(own->file, bytes, count, offset, false);
    }
    pthread_mutex_unlock(&own->disk->lock);
    return code;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size) {
    handle *own = (handle *)file;
    pthread_mutex_lock(&own->disk->lock);
    int code = SQLITE_IOERR_TRUNCATE;
    if (goes_on(own->disk)) {
        code = own->real->pMethods->xTruncate(own->real, size);
        if (code == SQLITE_OK) note(own->file, NULL, 0, size, true);
    }
    pthread_mutex_unlock(&own->disk->lock);
    return code;
}

static int file_sync(sqlite3_file *file, int flags) {
    (void)flags;
    handle *own = (handle *)file;
    pthread_mutex_lock(&own->disk->lock);
    int code = SQLITE_IOERR_FSYNC;
    if (goes_on(own->disk)) {
        code = SQLITE_OK;
        sync_file(own->file);
        if (own->syncs_directory) sync_directory(own->disk);
        own->syncs_directory = false;
    }
    pthread_mutex_unlock(&own->disk->lock);
    return code;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size) {
    return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int file_lock(sqlite3_file *file, int level) { return real_of(file)->pMethods->xLock(real_of(file), level); }

static int file_unlock(sqlite3_file *file, int level) { return real_of(file)->pMethods->xUnlock(real_of(file), level); }

static int file_check_reserved(sqlite3_file *file, int *is_reserved) {
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), is_reserved);
}

static int file_control(sqlite3_file *file, int operation, void *argument) {
    return real_of(file)->pMethods->xFileControl(real_of(file), operation, argument);
}

static int file_sector(sqlite3_file *file) { return real_of(file)->pMethods->xSectorSize(real_of(file)); }

static int file_device(sqlite3_file *file) { return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file)); }

static int file_shm_map(sqlite3_file *file, int page, int size, int extends, void volatile **memory) {
    return real_of(file)->pMethods->xShmMap(real_of(file), page, size, extends, memory);
}

static int file_shm_lock(sqlite3_file *file, int offset, int count, int flags) {
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}

static void file_shm_barrier(sqlite3_file *file) { real_of(file)->pMethods->xShmBarrier(real_of(file)); }

static int file_shm_unmap(sqlite3_file *file, int deletes) {
    return real_of(file)->pMethods->xShmUnmap(real_of(file), deletes);
}

// Version 2: with shared memory, without mapped reads.
static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_device,
    .xShmMap = file_shm_map,
    .xShmLock = file_shm_lock,
    .xShmBarrier = file_shm_barrier,
    .xShmUnmap = file_shm_unmap,
};

// MARK: The layer's methods

static disk_file *find(freshet_disk *disk, const char *path) {
    for (disk_file *file = disk->files; file; file = file->next) {
        if (!file->is_deleted && strcmp(file->path, path) == 0) return file;
    }
    return NULL;
}

// A file that was there before is on the disk as it is.
static int load(disk_file *file, sqlite3_file *real) {
    sqlite3_int64 size = 0;
    int code = real->pMethods->xFileSize(real, &size);
    if (code != SQLITE_OK || size == 0) return code;
    resize(&file->synced, size);
    return real->pMethods->xRead(real, file->synced.bytes, (int)size, 0);
}

static int open_file(freshet_disk *disk, const char *path, handle *own, int flags, int *granted) {
    disk_file *file = path ? find(disk, path) : NULL;
    int exists = 0;
    if (path) disk->real->xAccess(disk->real, path, SQLITE_ACCESS_EXISTS, &exists);
    if (!exists && (flags & SQLITE_OPEN_CREATE) && !goes_on(disk)) return SQLITE_CANTOPEN;
    int code = disk->real->xOpen(disk->real, path, own->real, flags, granted);
    if (code != SQLITE_OK) return code;
    own->base.pMethods = &methods;
    if (!file) {
        file = checked(calloc(1, sizeof(disk_file)));
        // What has no name is gone with the process as well.
        file->path = checked(strdup(path ? path : ""));
        file->last = &file->first;
        file->is_named = exists;
        file->is_deleted = !path;
        file->next = disk->files;
        disk->files = file;
        if (exists) code = load(file, own->real);
    }
    own->file = file;
    int journals = SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL;
    own->syncs_directory = (flags & SQLITE_OPEN_CREATE) && (flags & journals);
    return code;
}

static int layer_open(sqlite3_vfs *layer, const char *path, sqlite3_file *file, int flags, int *granted) {
    freshet_disk *disk = (freshet_disk *)layer;
    handle *own = (handle *)file;
    *own = (handle){.disk = disk, .real = checked(calloc(1, (size_t)disk->real->szOsFile))};
    pthread_mutex_lock(&disk->lock);
    int code = open_file(disk, path, own, flags, granted);
    pthread_mutex_unlock(&disk->lock);
    if (!own->base.pMethods) free(own->real);
    return code;
}

static int layer_delete(sqlite3_vfs *layer, const char *path, int syncs) {
    freshet_disk *disk = (freshet_disk *)layer;
    pthread_mutex_lock(&disk->lock);
    int code = SQLITE_IOERR_DELETE;
    if (goes_on(disk)) {
        code = disk->real->xDelete(disk->real, path, 0);
        disk_file *file = find(disk, path);
        if (code == SQLITE_OK && file) file->is_deleted = true;
        if (code == SQLITE_OK && syncs) sync_directory(disk);
    }
    pthread_mutex_unlock(&disk->lock);
    return code;
}

// MARK: The disk

freshet_disk *freshet_disk_make(uint64_t seed, int64_t operations) {
    freshet_disk *disk = checked(calloc(1, sizeof(freshet_disk)));
    disk->real = sqlite3_vfs_find(NULL);
    disk->random = seed;
    disk->operations = operations;
    pthread_mutex_init(&disk->lock, NULL);
    snprintf(disk->name, sizeof disk->name, "forgetful-%p", (void *)disk);
    // What is not replaced does not look at the layer it is called with.
    disk->layer = *disk->real;
    disk->layer.pNext = NULL;
    disk->layer.zName = disk->name;
    disk->layer.szOsFile = sizeof(handle);
    disk->layer.xOpen = layer_open;
    disk->layer.xDelete = layer_delete;
    sqlite3_vfs_register(&disk->layer, 0);
    return disk;
}

const char *freshet_disk_name(const freshet_disk *disk) { return disk->name; }

bool freshet_disk_is_lost(freshet_disk *disk) {
    pthread_mutex_lock(&disk->lock);
    bool is_lost = disk->is_lost;
    pthread_mutex_unlock(&disk->lock);
    return is_lost;
}

// Of a write each sector, or the length alone that a sector would have given the file.
static void apply_some(freshet_disk *disk, contents *held, const change *made) {
    if (made->is_truncation) {
        if (coin(disk)) apply(held, made);
        return;
    }
    for (int64_t start = 0; start < made->count;) {
        int64_t at = made->offset + start;
        int64_t count = sector - at % sector;
        if (count > made->count - start) count = made->count - start;
        if (coin(disk)) {
            put(held, made->bytes + start, count, at);
        } else if (at + count > held->size && coin(disk)) {
            resize(held, at + count);
        }
        start += count;
    }
}

// Decides what of a file's unsynced changes reached the disk.
static void settle(freshet_disk *disk, disk_file *file) {
    contents *held = &file->synced;
    uint64_t kind = next_random(disk) % 3;
    uint64_t changes = 0;
    for (change *made = file->first; made; made = made->next) changes += 1;
    uint64_t prefix = next_random(disk) % (changes + 1);
    uint64_t index = 0;
    for (change *made = file->first; made; made = made->next, index += 1) {
        // Those up to one, any of them, or any sector of any of them.
        if (kind == 0 ? index < prefix : kind == 1 && coin(disk)) apply(held, made);
        if (kind == 2) apply_some(disk, held, made);
    }
    forget_changes(file);
}

static bool write_out(const contents *held, const char *directory, const char *path) {
    const char *slash = strrchr(path, '/');
    char target[4096];
    snprintf(target, sizeof target, "%s/%s", directory, slash ? slash + 1 : path);
    // The newest of a name comes first.
    FILE *out = fopen(target, "wbx");
    if (!out) return errno == EEXIST;
    bool is_written = fwrite(held->bytes, 1, (size_t)held->size, out) == (size_t)held->size;
    return fclose(out) == 0 && is_written;
}

bool freshet_disk_survivors(freshet_disk *disk, const char *directory) {
    pthread_mutex_lock(&disk->lock);
    disk->is_lost = true;
    bool is_written = true;
    for (disk_file *file = disk->files; file && is_written; file = file->next) {
        settle(disk, file);
        // A name is in doubt while the disk's entry differs from the system's.
        bool is_there = file->is_named == !file->is_deleted ? file->is_named : coin(disk);
        if (is_there && file->path[0]) is_written = write_out(&file->synced, directory, file->path);
    }
    pthread_mutex_unlock(&disk->lock);
    return is_written;
}

bool freshet_disk_knows(freshet_disk *disk, const char *path) {
    pthread_mutex_lock(&disk->lock);
    disk_file *file = disk->files;
    while (file && strcmp(file->path, path) != 0) file = file->next;
    pthread_mutex_unlock(&disk->lock);
    return file != NULL;
}

void freshet_disk_free(freshet_disk *disk) {
    sqlite3_vfs_unregister(&disk->layer);
    while (disk->files) {
        disk_file *file = disk->files;
        disk->files = file->next;
        forget_changes(file);
        free(file->synced.bytes);
        free(file->path);
        free(file);
    }
    pthread_mutex_destroy(&disk->lock);
    free(disk);
}
