/// The functions that run in Redis: the text of one library, made of the Lua files beside this one.
///
/// Library and functions carry a version in their names, so that nodes of two versions work on one Redis: what an older node
/// cannot live with gets the next one.
@available(freshet 0.1, *)
enum FunctionLibrary {
    static let name = "freshet1"

    /// What `freshet1_revision` answers of this text; a Redis that answers less, or nothing, gets it. A node does not undo what a
    /// newer one has loaded.
    static let revision = 5

    /// What `FUNCTION LOAD REPLACE` takes.
    static let source: [UInt8] = [
        PackageResources.library_lua, PackageResources.durability_lua, PackageResources.notices_lua,
        PackageResources.append_lua, PackageResources.reading_lua, PackageResources.creation_lua,
        PackageResources.lifetime_lua, PackageResources.outbox_lua, PackageResources.nodes_lua,
    ].reduce(into: []) { $0 += $1 }
}
