import Freshet
import FreshetServer

@available(freshet 0.1, *)
extension TokenIssuer {
    /// What the claim of rights is called unless something else is said.
    static let usualClaim = IssuerSetting().claim

    /// What is said of it, without its keys.
    ///
    /// - Parameter problems: gets a sentence for each thing that is wrong.
    func setting(_ problems: inout [String]) -> IssuerSetting {
        var setting = IssuerSetting()
        (setting.issuer, setting.audience, setting.claim) = (name, audience, claim)
        setting.algorithms = algorithms.compactMap { TokenAlgorithm(rawValue: $0.rawValue) }
        var found: [String] = []
        if name?.isEmpty == true { found.append("its name is empty; leave it out for tokens of any issuer") }
        if audience?.isEmpty == true { found.append("its audience is empty; write what the aud of its tokens is") }
        if claim.isEmpty { found.append("its claim of rights is empty; write the claim's name") }
        if keys.isEmpty { found.append("it has no keys to check a token with") }
        let urls = keys.compactMap(\.source.url)
        if urls.count > 1 { found.append("its keys are behind \(urls.count) URLs, and one is asked") }
        for url in urls where !IssuerSetting.isURL(url) {
            found.append("\"\(url)\" is no URL of a JWKS; it begins with https:// or http://")
        }
        for template in templates {
            if template.rights.core.isEmpty { found.append("its template \"\(template.pattern)\" gives no right") }
            for right in template.rights.core.names {
                do throws(Refusal) {
                    setting.templates.append(try TokenTemplate(parsing: "\(right)=\(template.pattern)"))
                } catch {
                    found.append("its template: \(error.reason)")
                    break
                }
            }
        }
        let place = name.map { "The issuer \($0)" } ?? "The issuer without a name"
        problems += found.map { "\(place): \($0)." }
        return setting
    }
}
