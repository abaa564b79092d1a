import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTP1
import StreamHTTP

extension HTTPRequestHead {
    /// The head as HTTP/1.1 would have sent it.
    init(_ request: HTTPRequest) {
        var headers = HTTPHeaders()
        headers.reserveCapacity(request.headerFields.count + 1)
        if let authority = request.authority { headers.add(name: "Host", value: authority) }
        for field in request.headerFields { headers.add(name: field.name.rawName, value: field.value) }
        self.init(
            version: .http1_1,
            method: HTTPMethod(rawValue: request.method.rawValue),
            uri: request.path ?? "/",
            headers: headers
        )
    }
}

extension HTTPFields {
    init(_ fields: [HeaderField]) {
        self.init()
        for field in fields {
            guard let name = HTTPField.Name(field.name) else { continue }
            append(HTTPField(name: name, value: field.value))
        }
    }
}

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
