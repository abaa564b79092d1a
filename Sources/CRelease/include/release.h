/// What `scripts/lib/release-build` says of the sources that it builds, such as `v0.1.0, 2aa2dfe1b2c3`; empty in every other build.
const char *freshet_release(void);
