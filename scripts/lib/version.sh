# The version of these sources. Sourced, in the repository's root.

# The number, which is written once: 0.1.0
version_number() { sed -n 's/^ *package static let number = "\(.*\)"$/\1/p' Sources/FreshetServer/Service/FreshetVersion.swift; }

# What a release build of these sources says beside it: the tag, if there is one, and the commit; `changed` where files
# differ from it. A source archive has no history: then FRESHET_COMMIT says the commit.
version_release() {
    local number tag commit
    number=$(version_number)
    if ! commit=$(git rev-parse --short=12 HEAD 2>/dev/null); then
        echo "${FRESHET_COMMIT:-unknown commit}"
        return
    fi
    tag=$(git tag --points-at HEAD --list 'v[0-9]*' | tail -n 1)
    if [ -n "$tag" ] && [ "$tag" != "v$number" ]; then
        say "The tag is $tag, and Sources/FreshetServer/Service/FreshetVersion.swift says $number."
        return 1
    fi
    [ -z "$(git status --porcelain --untracked-files=no)" ] || commit="$commit, changed"
    echo "${tag:+$tag, }$commit"
}

# What `freshet --version` prints when it is built for release from exactly these sources.
version_text() {
    local release
    release=$(version_release) && echo "$(version_number) ($release)"
}
