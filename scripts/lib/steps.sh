# Steps of a test run: each is timed, bounded, and leaves no process behind. Sourced, never run.

step_names=()
step_seconds=()
step_failures=()
step_session=

# The processes of a session that still run; one that is only waiting to be reaped does not.
living() { ps -o pid=,stat= -s "$1" 2>/dev/null | awk '$2 !~ /^Z/ { print $1 }'; }

# Ends what is left of the current step's session, by process id.
end_session() {
    local session=$1 signal pids
    for signal in TERM KILL; do
        pids=$(living "$session" | xargs)
        [ -z "$pids" ] && return
        # shellcheck disable=SC2086
        kill -s "$signal" $pids 2>/dev/null
        for _ in 1 2 3 4 5 6 7 8 9 10; do
            [ -z "$(living "$session")" ] && return
            sleep 0.2
        done
    done
}

interrupted() {
    [ -n "$step_session" ] && end_session "$step_session"
    say "Interrupted."
    exit 130
}
trap interrupted INT TERM HUP

# step NAME SECONDS COMMAND...: runs the command in a session of its own, without standard input.
step() {
    local name=$1 limit=$2 started=$SECONDS status
    shift 2
    printf '\n==> %s\n' "$name"
    setsid timeout -k 15 "$limit" "$@" </dev/null &
    step_session=$!
    wait "$step_session"
    status=$?
    end_session "$step_session"
    step_session=
    step_names+=("$name")
    step_seconds+=($((SECONDS - started)))
    if [ "$status" = 0 ]; then
        printf -- '--- %s: ok, %d s\n' "$name" $((SECONDS - started))
    else
        if [ "$status" = 124 ] || [ $((SECONDS - started)) -ge "$limit" ]; then
            printf -- '--- %s: stopped after its limit of %d s\n' "$name" "$limit"
        fi
        printf -- '--- %s: FAILED with status %d, %d s\n' "$name" "$status" $((SECONDS - started))
        step_failures+=("$name")
    fi
    return "$status"
}

# Prints the slowest steps and what failed; exits accordingly.
summary() {
    local index
    printf '\nSteps, slowest first (%d s in all):\n' "$SECONDS"
    for index in "${!step_names[@]}"; do
        printf '%6d s  %s\n' "${step_seconds[$index]}" "${step_names[$index]}"
    done | sort -rn
    if [ "${#step_failures[@]}" = 0 ]; then
        printf '\nEverything passed.\n'
        exit 0
    fi
    printf '\nFAILED:\n'
    printf '    %s\n' "${step_failures[@]}"
    exit 1
}
