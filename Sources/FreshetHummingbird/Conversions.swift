import HTTPTypes
import Hummingbird
import NIOCore
import StreamHTTP

@available(freshet 0.1, *)
extension StreamHTTP.RequestHead {
    /// What Hummingbird's parsers, of HTTP/1.1 and HTTP/2, make of a request.
    init(_ request: HTTPRequest) {
        var fields: [HeaderField] = []
        fields.reserveCapacity(request.headerFields.count + 1)
        if let authority = request.authority { fields.append(HeaderField("Host", authority)) }
        for field in request.headerFields { fields.append(HeaderField(field.name.rawName, field.value)) }
        self.init(
            method: RequestMethod(rawValue: request.method.rawValue),
            uri: request.path ?? "/",
            authority: request.authority,
            headers: RequestFields(fields),
            body: Body(request),
            expectsContinue: request.headerFields[.expect]?.lowercased() == "100-continue"
        )
        // Said by HTTP/2 alone: Hummingbird's scheme of a request over HTTP/1 is `http`, with TLS too.
        isSecure = request.scheme == "https"
    }
}

@available(freshet 0.1, *)
extension StreamHTTP.RequestHead.Body {
    /// HTTP/1.1 says `Transfer-Encoding`; HTTP/2 has no word for it, and a body there is of a known length or not.
    fileprivate init(_ request: HTTPRequest) {
        let fields = request.headerFields
        if fields[.transferEncoding] != nil {
            self = .openEnded
        } else if let length = fields[.contentLength].flatMap({ UInt64($0) }) {
            self = length > 0 ? .length(Int(clamping: length)) : .none
        } else {
            self = request.method == .post && fields[.contentType] != nil ? .openEnded : .none
        }
    }
}

@available(freshet 0.1, *)
extension HTTPFields {
    init(_ fields: [HeaderField]) {
        self.init()
        for field in fields {
            guard let name = HTTPField.Name(field.name) else { continue }
            append(HTTPField(name: name, value: field.value))
        }
    }
}

@available(freshet 0.1, *)
extension Hummingbird.Response {
    init(_ response: StreamHTTP.Response) {
        let body: ResponseBody =
            switch response.framing {
            case .length: ResponseBody(byteBuffer: ByteBuffer(bytes: response.body))
            case .stream:
                ResponseBody { writer in
                    try await writer.write(ByteBuffer(bytes: response.body))
                    try await writer.finish(nil)
                }
            }
        self.init(
            status: HTTPResponse.Status(code: response.status),
            headers: HTTPFields(response.headers),
            body: body
        )
    }
}
