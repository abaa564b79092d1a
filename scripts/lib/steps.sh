# Steps of a test run: each is timed, bounded, and leaves no process behind. Sourced, never run.
#
# They run one after the other. `beside FUNCTION` begins the steps of a function beside those that follow it, `join` waits
# for them. Between the two, each step prints what it said as a whole, when it has ended. What a failed step said of its
# failures stands at the end too, since whoever reads a long log begins there.

step_directory=$(mktemp -d)
# A line for each step that has ended: its seconds, its status, the file with what it said, its name.
step_records=$step_directory/records
step_session=
step_lane=
step_has_company=
: >"$step_records"
trap 'rm -rf "$step_directory"' EXIT

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
    [ -n "$step_lane" ] && kill "$step_lane" 2>/dev/null && wait "$step_lane"
    [ -n "$step_session" ] && end_session "$step_session"
    say "Interrupted."
    exit 130
}
trap interrupted INT TERM HUP

# step NAME SECONDS COMMAND...: runs the command in a session of its own, without standard input.
step() {
    local name=$1 limit=$2 started=$SECONDS follower= status seconds output
    shift 2
    output=$(mktemp "$step_directory/output.XXXXXX")
    [ -n "$step_has_company" ] || printf '\n==> %s\n' "$name"
    setsid timeout -k 15 "$limit" "$@" </dev/null >"$output" 2>&1 &
    step_session=$!
    if [ -z "$step_has_company" ]; then
        tail -n +1 -f -s 0.2 --pid="$step_session" "$output" &
        follower=$!
    fi
    wait "$step_session"
    status=$?
    end_session "$step_session"
    [ -z "$follower" ] || wait "$follower"
    step_session=
    seconds=$((SECONDS - started))
    echo "$seconds $status $output $name" >>"$step_records"
    {
        [ -n "$follower" ] || flock 9
        [ -n "$follower" ] || { printf '\n==> %s\n' "$name" && cat "$output"; }
        if [ "$status" = 0 ]; then
            printf -- '--- %s: ok, %d s\n' "$name" "$seconds"
        else
            if [ "$status" = 124 ] || [ "$seconds" -ge "$limit" ]; then
                printf -- '--- %s: stopped after its limit of %d s\n' "$name" "$limit"
            fi
            printf -- '--- %s: FAILED with status %d, %d s\n' "$name" "$status" "$seconds"
        fi
    } 9>>"$step_directory/printing"
    return "$status"
}

# beside FUNCTION: begins the function's steps, and goes on.
beside() {
    step_has_company=yes
    (
        step_session= step_lane=
        trap interrupted INT TERM HUP
        "$@"
    ) &
    step_lane=$!
}

# Waits for the steps that were begun beside the others.
join() {
    [ -z "$step_lane" ] || wait "$step_lane"
    step_lane= step_has_company=
}

# What a step said of its failures: the lines of pytest, Swift Testing and the compiler that name one, the first ten.
failures() { grep -aE '^(FAILED|ERROR) |^✘ .* recorded an issue|(^|: )error: ' "$1" | cut -c 1-160 | head -n 10; }

# Prints the slowest steps and what failed; exits accordingly.
summary() {
    local seconds status output name
    printf '\nSteps, slowest first (%d s in all):\n' "$SECONDS"
    sort -rn "$step_records" | while read -r seconds _ _ name; do printf '%6d s  %s\n' "$seconds" "$name"; done
    if ! grep -qv '^[0-9]* 0 ' "$step_records"; then
        printf '\nEverything passed.\n'
        exit 0
    fi
    printf '\nFAILED:\n'
    while read -r seconds status output name; do
        [ "$status" != 0 ] || continue
        printf '    %s\n' "$name"
        failures "$output" | sed 's/^/        /'
    done <"$step_records"
    exit 1
}
