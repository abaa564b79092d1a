// SQLite's C API, and the one function of it that Swift cannot call because it takes a variable list of arguments.
#include <sqlite3.h>

/// What a connection leaves in the write-ahead log when it is closed stays there.
static inline int freshet_sqlite3_keep_log_on_close(sqlite3 *database) {
    return sqlite3_db_config(database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)0);
}
