"""What others' clients need to speak the transport of a run, where they do not find it out themselves."""

from . import tls
from .freshet import TRANSPORT


def http2_by_httpx():
    """The settings of a client of httpx: over HTTP/2 that speaks nothing else."""
    if TRANSPORT not in ("h2", "h2c"):
        return {}
    return {"http1": False, "http2": True, **({"verify": tls.usual().context(("h2",))} if TRANSPORT == "h2" else {})}


def over_transport(sdk, **settings):
    """The settings of a client of a module `openai` or `anthropic`, which speak HTTP/1.1 unless they are told otherwise."""
    http2 = http2_by_httpx()
    return {**settings, "http_client": sdk.DefaultHttpxClient(**http2, timeout=30)} if http2 else settings
