import StreamHTTP

/// The quotas of whoever sends a request.
@available(freshet 0.1, *)
package struct CallerQuotas: Sendable {
    let table: QuotaTable
    /// By which name it is counted.
    let name: String

    /// Nil where the caller is nobody in particular, and nothing is counted.
    init?(_ admission: Admission, _ table: QuotaTable) {
        switch admission.credential {
        case .none, .probe, .preflight: return nil
        // What a program allows to everybody says who nobody is.
        case .program where admission.caller == .anyone: return nil
        case .bearer, .token, .program, .cookie: name = admission.caller.name
        }
        self.table = table
    }

    func takeRequest() throws(Problem) {
        do throws(QuotaRefusal) { try table.takeRequest(of: name) } catch { throw problem(error) }
    }

    func openReader() throws(Problem) -> QuotaPlace? {
        do throws(QuotaRefusal) { return try table.openReader(of: name) } catch { throw problem(error) }
    }

    func openProducer() throws(Problem) -> QuotaPlace? {
        do throws(QuotaRefusal) { return try table.openProducer(of: name) } catch { throw problem(error) }
    }

    /// What is told to whom a quota refuses something, which is counted.
    func problem(_ refusal: QuotaRefusal) -> Problem {
        table.noteRefused(refusal.quota)
        return Problem(refusal)
    }
}
