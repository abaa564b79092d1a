/// The documentation that the built-in answerer draws on, compiled into the program.
@available(freshet 0.1, *)
enum Knowledge {
    static let documents = chapters.flatMap { Document.sections(ofChapter: String(decoding: $0, as: UTF8.self)) }

    /// In reading order: the first section of each is offered to who asked for something unknown.
    private static let chapters = [
        PackageResources.about_md, PackageResources.streaming_md, PackageResources.resuming_md,
        PackageResources.ending_md, PackageResources.proxies_md, PackageResources.browser_md,
        PackageResources.operating_md,
    ]
}
