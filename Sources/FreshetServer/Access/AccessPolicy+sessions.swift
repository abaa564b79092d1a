@available(freshet 0.1, *)
extension AccessPolicy {
    /// Who has a session by this `Cookie` header, or nil if none in it is good now.
    ///
    /// - Parameter now: Seconds since 1970.
    func session(in header: String, now: Int64) -> Admission? {
        for value in SessionCookie.values(in: header) {
            if let (session, secret) = NarrowedSession.read(value, sessions), now < session.expires,
                var admission = admission(of: session)
            {
                admission.sessionSecret = secret
                return admission
            }
        }
        return nil
    }

    private func admission(of session: NarrowedSession) -> Admission? {
        var admission = Admission(caller: session.caller, credential: .cookie, expires: session.expires)
        admission.narrowed = session.caller.grants
        switch session.basis {
        case .token(let signer):
            guard let tokens, tokens.knows(signer) else { return nil }
            admission.signer = signer
        case .key(let digest):
            let named = keys?.keys.first { $0.caller.name.utf8.elementsEqual(session.caller.name.utf8) }
            guard let key = named, NarrowedSession.digest(of: key) == digest else { return nil }
            admission.keyDigest = key.digest
            admission.caller = key.caller.narrowed(to: session.caller.grants)
        }
        return admission
    }
}
