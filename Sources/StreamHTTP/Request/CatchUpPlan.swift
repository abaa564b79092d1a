package import StreamCore

/// A read of everything up to the tail as it was when the head was made, in one response: more than one page of it.
@available(freshet 0.1, *)
package struct CatchUpPlan: Sendable {
    package var name: StreamName
    /// What they say holds for the whole body.
    package var headers: [HeaderField]
    /// The first page.
    package var page: Page
    /// The offset of the last event of the body.
    package var through: Offset

    package init(name: StreamName, headers: [HeaderField], page: Page, through: Offset) {
        self.name = name
        self.headers = headers
        self.page = page
        self.through = through
    }
}
