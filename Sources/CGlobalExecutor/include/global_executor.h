#include <stdbool.h>

/// Hands every job that Swift Concurrency would run on its global executor to `enqueue`. False where the runtime has no
/// such hook, or somebody else has it.
bool freshet_global_executor_set(void (*enqueue)(void *job));
