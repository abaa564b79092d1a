# What a script asks of the machine it runs on. Sourced, never run.

say() { printf '%s\n' "$*" >&2; }

# Runs a command as root, when we are root or sudo lets us without a password; returns 1 when neither holds.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        sudo -n "$@"
    else
        return 1
    fi
}

# The Swift toolchain is the one thing that we cannot install for the reader.
require_swift() {
    if ! command -v swift >/dev/null; then
        say "Freshet is written in Swift, and there is no 'swift' in the PATH."
        say "Install Swift 6.2 or later from https://www.swift.org/install/ and run this again."
        exit 1
    fi
    local version
    version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1)
    case "$version" in
        6.[01] | [1-5].*)
            say "This is Swift $version; Freshet needs 6.2 or later: https://www.swift.org/install/"
            exit 1
            ;;
    esac
}

# Can C code include this header?
has_header() {
    local compiler
    compiler=$(command -v clang || command -v cc || true)
    [ -n "$compiler" ] && printf '#include <%s>\n' "$1" | "$compiler" -fsyntax-only -x c - 2>/dev/null
}

# The packages, by their Debian names, of the headers that the build needs and that are not there. macOS has both.
missing_headers() {
    [ "$(uname)" = Linux ] || return 0
    has_header zlib.h || echo zlib1g-dev
    has_header sqlite3.h || echo libsqlite3-dev
}

# The line that installs what follows, for the package manager of this machine. Arguments are Debian names.
install_line() {
    if command -v apt-get >/dev/null; then
        echo "apt-get update && apt-get install -y $*"
    elif command -v dnf >/dev/null; then
        echo "dnf install -y $(printf '%s\n' "$@" | sed 's/zlib1g-dev/zlib-devel/; s/libsqlite3-dev/sqlite-devel/' | xargs)"
    elif command -v apk >/dev/null; then
        echo "apk add $(printf '%s\n' "$@" | sed 's/zlib1g-dev/zlib-dev/; s/libsqlite3-dev/sqlite-dev/' | xargs)"
    fi
}

# Installs packages, quietly unless it fails. Returns 1, after saying what to type, when it may not.
install_packages() {
    local line
    line=$(install_line "$@")
    if [ -z "$line" ]; then
        say "Missing: $*. Please install them with your package manager."
        return 1
    fi
    say "Installing: $*"
    if ! as_root env DEBIAN_FRONTEND=noninteractive sh -c "$line" >"${TMPDIR:-/tmp}/freshet-install.$$" 2>&1; then
        tail -n 15 "${TMPDIR:-/tmp}/freshet-install.$$" >&2
        rm -f "${TMPDIR:-/tmp}/freshet-install.$$"
        say "These packages are missing and could not be installed from here: $*"
        say "Install them with:  sudo sh -c '$line'"
        return 1
    fi
    rm -f "${TMPDIR:-/tmp}/freshet-install.$$"
}

# Installs packages and leaves their services alone: they are not started now, nor at the next start of the machine.
install_without_services() {
    local policy=/usr/sbin/policy-rc.d ours= unit package
    # What Debian asks before it starts a service. Where there is an answer already, it stands.
    if [ -d /usr/sbin ] && [ ! -e "$policy" ]; then
        as_root sh -c "printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy" && ours=1
    fi
    # Recommended are, among others, a web server for the scripts of node's packages.
    local status=0
    install_packages --no-install-recommends "$@" || status=$?
    [ -z "$ours" ] || as_root rm -f "$policy"
    [ "$status" = 0 ] || return "$status"
    if command -v systemctl >/dev/null; then
        for package in "$@"; do
            for unit in $(dpkg -L "$package" | sed -n 's|.*/systemd/system/\([^/@]*\.service\)$|\1|p'); do
                as_root systemctl disable --quiet "$unit" 2>/dev/null || true
            done
        done
    fi
}
