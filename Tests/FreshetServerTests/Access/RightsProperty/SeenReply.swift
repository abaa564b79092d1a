import StoreSuite
import StreamCore

@testable import FreshetServer
@testable import StreamHTTP

/// What somebody got to see of the answer to a request.
struct SeenReply {
    private(set) var status = 0
    private(set) var fields: [HeaderField] = []
    private(set) var body = ""
    /// The streams that it follows.
    private(set) var follows: [String] = []
    /// What it is open by.
    private(set) var grants: [any AccessGrant] = []

    mutating func follow(_ plan: RequestPlan, body: [UInt8]) async {
        switch plan {
        case .respond(let response): take(response)
        case .act(let act), .read(let act): await take(act())
        case .collect(_, _, let act): await take(act(body))
        case .answer(_, _, let answer): await take(AwaitedReply.reply(of: answer, to: body))
        case .streamingAppend(let plan):
            switch await plan.open({ _ in }) {
            case .success(let producer):
                _ = try? await producer.append(EventBatch(EventBody(data: body)))
                await producer.finish(isTorn: false)
                status = 204
            case .failure(let problem): take(Response(problem))
            }
        case .exchange: status = 200
        case .later(let work): await follow(await work(), body: body)
        case .granted(let grant, let plan):
            grants.append(grant)
            await follow(plan, body: body)
        case .holding(_, let plan), .named(_, let plan): await follow(plan, body: body)
        }
    }

    /// The numbers between `<<` and `>>`.
    var marks: Set<Int> {
        guard body.utf8.contains(UInt8(ascii: "<")) else { return [] }
        var found: Set<Int> = []
        for part in body.split(separator: "<<").dropFirst(body.hasPrefix("<<") ? 0 : 1) {
            if let number = Int(part.prefix { $0 != ">" }) { found.insert(number) }
        }
        return found
    }

    private mutating func take(_ response: Response) {
        status = response.status
        fields = response.headers
        body = String(decoding: response.body, as: UTF8.self)
    }

    private mutating func take(_ reply: Reply) async {
        switch reply {
        case .response(let response): take(response)
        case .subscribe(let plan):
            follows.append(plan.name.text)
            status = 200
            switch plan.opening {
            case .page(let page), .malformed(let page): take(page)
            case .now, .held: break
            }
        case .catchUp(let plan):
            follows.append(plan.name.text)
            status = 200
            take(plan.page)
        case .wait(let plan):
            follows.append(plan.name.text)
            status = 200
            if let response = await plan.look() { take(response) }
        case .exchange: status = 200
        case .pending(let work): await take(work())
        }
    }

    private mutating func take(_ page: Page) {
        body += String(decoding: ByteView.bytes(of: page.events, kind: page.contentType.kind), as: UTF8.self)
    }
}
