#include "global_executor.h"
#include <stddef.h>

#define SWIFT_CALL __attribute__((swiftcall))

typedef SWIFT_CALL void (*original_enqueue)(void *job);
typedef SWIFT_CALL void (*hook)(void *job, original_enqueue original);

// The runtime's own (swift/Runtime/Concurrency.h). Referred to as a symbol: NIO looks it up by name in the running program,
// and a program with the Swift runtime in it exports no names of that (`--exclude-libs ALL` in static-stdlib-args.lnk).
// Weak, so that a runtime without it is told and not refused by the linker.
extern hook swift_task_enqueueGlobal_hook __attribute__((weak));

static void (*enqueue_elsewhere)(void *job);

static SWIFT_CALL void enqueue_job(void *job, original_enqueue original) {
    (void)original;
    enqueue_elsewhere(job);
}

bool freshet_global_executor_set(void (*enqueue)(void *job)) {
    if (&swift_task_enqueueGlobal_hook == NULL) return false;
    enqueue_elsewhere = enqueue;
    hook expected = NULL;
    // What stands above is seen by every thread that sees the hook.
    return __atomic_compare_exchange_n(
        &swift_task_enqueueGlobal_hook, &expected, enqueue_job, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED);
}
