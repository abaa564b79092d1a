# A long build, shown as one line instead of silence. Sourced, never run.

# The steps of a debug build of the program from nothing. SwiftPM learns of them while it builds: its own total is a third of them at first.
readonly steps_from_nothing=3000

# with_progress STEPS COMMAND...: runs a build of SwiftPM's that has about so many steps, 0 where nobody knows, tells how far it is, and
# shows what it said where it failed.
with_progress() {
    local log steps=$1 status=0
    shift
    log=$(mktemp "${TMPDIR:-/tmp}/freshet-build.XXXXXX")
    "$@" 2>&1 | tee "$log" | show_progress "$steps" || status=1
    if [ "$status" != 0 ]; then
        grep -v '^\[[0-9]*/[0-9]*\]' "$log" | tail -n 40 >&2
    fi
    rm -f "$log"
    return "$status"
}

# show_progress STEPS: reads lines such as `[12/345] Compiling …`. On a terminal one line is written over and over; elsewhere one in half a
# minute.
show_progress() {
    local line done of left steps=$1 started=$SECONDS told=-30
    while IFS= read -r line; do
        [[ $line =~ ^\[([0-9]+)/([0-9]+)\] ]] || continue
        done=${BASH_REMATCH[1]} of=${BASH_REMATCH[2]}
        [ "$of" -ge "$steps" ] || of=$steps
        left=$(time_left "$done" "$of" $((SECONDS - started)))
        if [ -t 2 ]; then
            printf '\r\033[K%s' "$done of $of steps$left" >&2
        elif [ $((SECONDS - told)) -ge 30 ]; then
            say "$done of $of steps$left"
            told=$SECONDS
        fi
    done
    [ ! -t 2 ] || printf '\r\033[K' >&2
}

# time_left DONE OF SECONDS: as far as what is done tells; nothing before that is worth anything.
time_left() {
    local done=$1 of=$2 seconds=$3 left
    [ "$seconds" -ge 15 ] && [ "$done" -gt 0 ] || return 0
    left=$((seconds * (of - done) / done))
    if [ "$left" -ge 90 ]; then
        echo ", about $(((left + 30) / 60)) minutes left"
    else
        echo ", about a minute left"
    fi
}
