"""TLS: the tests' certificate, addresses that are reached by it, and a relay that keeps what it passes on."""

import functools
import pathlib
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading

from . import browsers

ROOT = pathlib.Path(__file__).resolve().parents[3]


class Certificate:
    """The files that scripts/dev-certificate makes."""

    def __init__(self, directory, names=()):
        self.directory = pathlib.Path(directory)
        flags = [word for name in names for word in ("--name", name)]
        subprocess.run([ROOT / "scripts" / "dev-certificate", *flags, self.directory], check=True, capture_output=True)

    @property
    def chain(self):
        return self.directory / "certificate.pem"

    @property
    def key(self):
        return self.directory / "key.pem"

    @property
    def authority(self):
        return self.directory / "ca.pem"

    @property
    def settings(self):
        return {"tls_certificate": self.chain, "tls_key": self.key}

    def context(self, protocols=("http/1.1",)):
        """One of the caller's own, who may change it."""
        return _context(self.authority.read_text(), protocols)

    def shared_context(self, protocols=("http/1.1",)):
        """For requests as they come: to make a context takes longer than a request."""
        return _shared_context(self.authority.read_text(), protocols)

    @property
    def serial(self):
        """The serial number, as `served_serial` gives it."""
        return serial(ssl.PEM_cert_to_DER_cert(self.chain.read_text()))

    def take(self, other):
        """Writes the files of another over these, as whoever renews a certificate does."""
        for file in ("certificate.pem", "key.pem", "ca.pem"):
            shutil.copy(other.directory / file, self.directory / file)


def _context(authority, protocols):
    context = ssl.create_default_context(cadata=authority)
    context.set_alpn_protocols(list(protocols))
    return context


_shared_context = functools.cache(_context)


@functools.cache
def usual():
    """The certificate of all servers that do not bring one; it goes with the process."""
    directory = tempfile.TemporaryDirectory(prefix="freshet-certificate-")
    # Some tests are bound to another address than that of the rest.
    certificate = Certificate(directory.name, ["127.0.0.2"])
    certificate.keeps = directory
    return certificate


@functools.cache
def of_sites():
    """The certificate of servers and pages at the names that browsers know here; it goes with the process."""
    directory = tempfile.TemporaryDirectory(prefix="freshet-certificate-")
    certificate = Certificate(directory.name, browsers.SITES)
    certificate.keeps = directory
    return certificate


class Endpoint(tuple):
    """An address that is reached by TLS, or by HTTP/2, or by both."""

    def __new__(cls, address, context=None, http2=False):
        endpoint = super().__new__(cls, address)
        endpoint.context = context
        endpoint.http2 = http2
        return endpoint


def serial(der):
    text = subprocess.run(
        ["openssl", "x509", "-inform", "DER", "-noout", "-serial"], input=der, check=True, capture_output=True
    )
    return text.stdout.strip()


def served_serial(server):
    """The serial number of the certificate that a new connection is shown, whoever signed it."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection(server.address, 15) as raw, context.wrap_socket(raw) as connection:
        return serial(connection.getpeercert(binary_form=True))


class RecordingRelay:
    """Listens on a free port, forwards to a server, and keeps every byte that the server sent."""

    def __init__(self, upstream):
        self._upstream = tuple(upstream)
        self._threads = []
        self.from_server = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._upstream, 10)
            server.settimeout(None)
            for side in (client, server):
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            record = bytearray()
            self.from_server.append(record)
            for pump in (
                threading.Thread(target=self._pump, args=(client, server, None), daemon=True),
                threading.Thread(target=self._pump, args=(server, client, record), daemon=True),
            ):
                self._threads.append(pump)
                pump.start()

    @staticmethod
    def _pump(source, sink, record):
        try:
            while data := source.recv(65536):
                if record is not None:
                    record += data
                sink.sendall(data)
        except OSError:
            pass
        for side, how in ((sink, socket.SHUT_WR), (source, socket.SHUT_RD)):
            try:
                side.shutdown(how)
            except OSError:
                pass

    def finish(self):
        """Everything that the server sent, by connection, once all of them are over."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(120)
            assert not thread.is_alive(), "a connection did not end"
        return [bytes(record) for record in self.from_server]


def records(data):
    """The records that bytes of TLS are made of (RFC 8446, section 5.1), each with its type; a byte of anything else
    between them is an error."""
    found = []
    while data:
        assert data[0] in (20, 21, 22, 23), f"no TLS record begins with {data[:80]!r}"
        assert data[1:3] in (b"\3\1", b"\3\3"), f"no TLS record begins with {data[:80]!r}"
        length = int.from_bytes(data[3:5], "big")
        assert length <= (1 << 14) + 256, f"no TLS record begins with {data[:80]!r}"
        assert len(data) >= 5 + length, f"a record is cut: {data[:80]!r}"
        found.append(data[0])
        data = data[5 + length :]
    return found
